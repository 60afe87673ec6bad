"""Plain `pulumi up` refuses what is not the environment's, as `slipway up` does."""

import shutil
from pathlib import Path

import pulumi
import pytest

from slipway import by_hand
from slipway.commands.context import EnvironmentContext
from slipway.values.names import environment_labels
from tests.support.fake_cluster import FakeCluster
from tests.support.planned import FIXTURES


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
