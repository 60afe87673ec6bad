"""What belongs to an environment, and what is left of it (on a fake cluster)."""

import pytest

from infra.deploy import down
from infra.deploy.down import model_stacks, prove_environment_gone, prove_models_gone
from infra.failures import LeftBehind
from tests.unit.deploy.fake_cluster import FakeCluster


def test_a_model_belongs_to_the_environment_before_the_dot() -> None:
    stacks = ("local", "local.digits", "local.speech", "localhost.digits", "prod", "prod.digits")
    assert model_stacks(stacks, "local") == ["digits", "speech"]


def test_an_environment_without_models_has_no_model_stacks() -> None:
    assert model_stacks(("local", "prod.digits"), "local") == []


def test_an_empty_namespace_proves_that_all_is_gone() -> None:
    prove_models_gone(FakeCluster(), "local", None)
    prove_environment_gone(FakeCluster(), "local")


def test_what_is_left_is_named_by_kind_and_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(down, "_GONE_LIMIT_S", 0.0)
    cluster = FakeCluster()
    labels = {"app.kubernetes.io/managed-by": "slipway", "app.kubernetes.io/name": "digits"}
    cluster._put({"kind": "Service", "metadata": {"name": "digits", "labels": labels}})
    with pytest.raises(LeftBehind, match="Service slipway/digits"):
        prove_models_gone(cluster, "local", None)


def test_a_namespace_that_stays_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(down, "_GONE_LIMIT_S", 0.0)
    cluster = FakeCluster()
    cluster._put({"kind": "Namespace", "metadata": {"name": "slipway"}})
    with pytest.raises(LeftBehind, match="Namespace slipway"):
        prove_environment_gone(cluster, "local")
