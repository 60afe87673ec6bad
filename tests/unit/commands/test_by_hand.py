"""Plain `pulumi up` refuses what is not the environment's, as `slipway up` does."""

import shutil
from pathlib import Path
from typing import Any

import pulumi
import pytest

from slipway import by_hand
from slipway.commands.context import EnvironmentContext
from slipway.plan.rollout import WEIGHT
from slipway.render.model import placeholder_image, render_model
from slipway.render.rollout.route import judged_route
from slipway.values import names
from slipway.values.names import environment_labels
from tests.support.fake_cluster import FakeCluster
from tests.support.planned import FIXTURES
from tests.support.rollouts import new_release, rollout_of


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeCluster:
    """The namespace of the fixtures' environment `local`, as another team made it."""
    fake = FakeCluster()
    fake._put({"kind": "Namespace", "metadata": {"name": "slipway", "labels": {"owner": "team-a"}}})
    monkeypatch.setattr(EnvironmentContext, "cluster", fake)
    project = tmp_path / "project"
    shutil.copytree(FIXTURES / "repo", project)
    shutil.copytree(FIXTURES / "spec/ok", project / "models")
    shutil.copytree(FIXTURES / "settings/ok", project / "stacks")
    monkeypatch.chdir(project)
    monkeypatch.setattr(pulumi, "Config", dict)
    return fake


@pytest.mark.parametrize("stack", ["local", "local.least"])
def test_a_namespace_of_others_is_refused(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, stack: str) -> None:
    monkeypatch.setattr(pulumi, "get_stack", lambda: stack)
    with pytest.raises(pulumi.RunError, match="Slipway did not create it"):
        by_hand.run()


def test_an_object_of_others_is_refused(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.objects["Namespace", "slipway"]["metadata"]["labels"] = environment_labels("local")
    cluster._put({"kind": "Service", "metadata": {"name": "least"}})
    monkeypatch.setattr(pulumi, "get_stack", lambda: "local.least")
    with pytest.raises(pulumi.RunError, match="needs Service slipway/least, which exists and is not its own"):
        by_hand.run()


@pytest.fixture
def judged(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A model half of whose calls go to a release that is judged; gives what the engine is told to warn of."""
    new = new_release("least")
    rollout = rollout_of(new)
    cluster.objects["Namespace", "slipway"]["metadata"]["labels"] = environment_labels("own")
    for manifest in judged_route(render_model(new, placeholder_image(new)), rollout, 0.5, judge=True):
        cluster._put(manifest)
    cluster._put({"kind": "ConfigMap", "metadata": {"name": names.rollout("least"), "labels": new.labels}})
    project = Path.cwd()
    for name in ("models", "stacks"):
        shutil.rmtree(project / name)
    shutil.copytree(FIXTURES / "gateway/spec", project / "models")
    shutil.copytree(FIXTURES / "gateway/settings", project / "stacks")
    said: list[str] = []
    monkeypatch.setattr(pulumi, "get_stack", lambda: "own.least")
    monkeypatch.setattr(pulumi, "warn", said.append)
    monkeypatch.setattr("slipway.programs.model.program", lambda *_: lambda: None)
    monkeypatch.setattr("slipway.deploy.update.route.SETTLE_S", 0.0)
    return said


def route_of(cluster: FakeCluster) -> dict[str, Any]:
    found = cluster.read("HTTPRoute", "least")
    assert found is not None
    return found


@pytest.mark.parametrize("preview", [True, False])
def test_a_rollout_is_ended_with_its_calls_given_back_first_and_by_no_preview(
    cluster: FakeCluster, judged: list[str], monkeypatch: pytest.MonkeyPatch, preview: bool
) -> None:
    before = route_of(cluster)
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: preview)
    by_hand.run()
    assert [text for text in judged if "ends that without a verdict" in text]
    if preview:
        assert route_of(cluster) == before
        return
    after = route_of(cluster)
    assert [ref["weight"] for ref in after["spec"]["rules"][0]["backendRefs"]] == [WEIGHT, 0]
    assert names.ROLLOUT_ANNOTATION not in after["metadata"]["annotations"]
    assert cluster.read("ConfigMap", names.rollout("least")) is None
