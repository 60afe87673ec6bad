"""What `slipway up` refuses before it changes anything (on a fake cluster)."""

from pathlib import Path

import pytest

from slipway.commands.changing.claim import refuse_foreign
from slipway.commands.context import EnvironmentContext
from slipway.errors.base import UserError
from slipway.values.names import environment_labels
from tests.support.fake_cluster import FakeCluster
from tests.unit.planner.test_others import Project


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    """A cluster with the environment's namespace and nothing in it."""
    fake = FakeCluster()
    fake._put({"kind": "Namespace", "metadata": {"name": "slipway", "labels": environment_labels("here")}})
    monkeypatch.setattr(EnvironmentContext, "cluster", fake)
    return fake


@pytest.fixture
def context(tmp_path: Path, cluster: FakeCluster) -> EnvironmentContext:
    project = Project(tmp_path)
    project.settings("pull_secret: registry-pull")
    return project.context()


def test_models_are_refused_while_their_pull_secret_is_missing(
    context: EnvironmentContext, cluster: FakeCluster
) -> None:
    with pytest.raises(
        UserError, match=r"Pulumi\.here\.yaml:8: .*\.pull_secret: .* is no Secret of namespace slipway in context fake"
    ):
        refuse_foreign(context, context.plan.models, None)
    cluster._put({"kind": "Secret", "metadata": {"name": "registry-pull"}})
    refuse_foreign(context, context.plan.models, None)


def test_without_a_model_to_deploy_no_secret_is_needed(context: EnvironmentContext) -> None:
    refuse_foreign(context, [], None)


def test_a_namespace_that_is_to_be_made_has_no_secret_yet(context: EnvironmentContext, cluster: FakeCluster) -> None:
    cluster.objects.clear()
    refuse_foreign(context, context.plan.models, None)


def test_without_the_setting_no_secret_is_asked_for(tmp_path: Path, cluster: FakeCluster) -> None:
    context = Project(tmp_path).context()
    refuse_foreign(context, context.plan.models, None)


def test_a_secret_that_a_variable_comes_from_has_to_be_there(tmp_path: Path, cluster: FakeCluster) -> None:
    project = Project(tmp_path)
    (tmp_path / "models/reader.yaml").write_text(
        "apiVersion: slipway/v1\nname: reader\nversion: 1.0.0\nowner: vision\nruntime: custom\n"
        f"custom: {{image: 'registry.example.com/reader@sha256:{'a' * 64}'}}\n"
        "env:\n  LANG: C.UTF-8\n  TOKEN: {secret: hf-token}\n  AGAIN: {secret: hf-token, key: other}\n"
        "resources: {cpu: 100m, memory: 128Mi}\ncheck: {request: check.json, expect: {label: 7}}\n"
    )
    (tmp_path / "check.json").write_text("{}")
    context = project.context()
    with pytest.raises(UserError, match=r"reader\.yaml:9: env\.TOKEN: \"hf-token\" is no Secret of namespace slipway"):
        refuse_foreign(context, context.plan.models, None)
    cluster._put({"kind": "Secret", "metadata": {"name": "hf-token"}})
    refuse_foreign(context, context.plan.models, None)
