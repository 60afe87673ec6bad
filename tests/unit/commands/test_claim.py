"""What `slipway up` refuses before it changes anything (on a fake cluster)."""

from pathlib import Path

import pytest

from slipway.commands.claim import refuse_foreign
from slipway.commands.opened import Opened
from slipway.errors.base import UserError
from slipway.values.names import environment_labels
from tests.support.fake_cluster import FakeCluster
from tests.unit.planner.test_others import Project


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    """A cluster with the environment's namespace and nothing in it."""
    fake = FakeCluster()
    fake._put({"kind": "Namespace", "metadata": {"name": "slipway", "labels": environment_labels("here")}})
    monkeypatch.setattr(Opened, "cluster", fake)
    return fake


@pytest.fixture
def opened(tmp_path: Path, cluster: FakeCluster) -> Opened:
    project = Project(tmp_path)
    project.settings("pull_secret: registry-pull")
    return project.opened()


def test_models_are_refused_while_their_pull_secret_is_missing(opened: Opened, cluster: FakeCluster) -> None:
    with pytest.raises(
        UserError, match=r"Pulumi\.here\.yaml:8: .*\.pull_secret: .* is no Secret of namespace slipway in context fake"
    ):
        refuse_foreign(opened, opened.plan.models, None)
    cluster._put({"kind": "Secret", "metadata": {"name": "registry-pull"}})
    refuse_foreign(opened, opened.plan.models, None)


def test_without_a_model_to_deploy_no_secret_is_needed(opened: Opened) -> None:
    refuse_foreign(opened, [], None)


def test_a_namespace_that_is_to_be_made_has_no_secret_yet(opened: Opened, cluster: FakeCluster) -> None:
    cluster.objects.clear()
    refuse_foreign(opened, opened.plan.models, None)


def test_without_the_setting_no_secret_is_asked_for(tmp_path: Path, cluster: FakeCluster) -> None:
    opened = Project(tmp_path).opened()
    refuse_foreign(opened, opened.plan.models, None)
