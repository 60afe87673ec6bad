"""What belongs to an environment, and what is left of it (on a fake cluster)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from slipway.deploy import down
from slipway.deploy.down import model_stacks, prove_environment_gone, prove_models_gone, remove_unknown, stopping_s
from slipway.errors.failures import LeftBehind
from slipway.errors.reaching import ApiRefused
from tests.support.fake_cluster import FakeCluster

OF_DIGITS = {
    "app.kubernetes.io/managed-by": "slipway",
    "app.kubernetes.io/name": "digits",
    "slipway.dev/environment": "local",
}


def test_a_model_belongs_to_the_environment_before_the_dot() -> None:
    stacks = ("local", "local.digits", "local.speech", "localhost.digits", "prod", "prod.digits")
    assert model_stacks(stacks, "local") == ["digits", "speech"]


def test_an_environment_without_models_has_no_model_stacks() -> None:
    assert model_stacks(("local", "prod.digits"), "local") == []


def test_an_empty_namespace_proves_that_all_is_gone() -> None:
    prove_models_gone(FakeCluster(), "local", None)
    prove_environment_gone(FakeCluster(), "local")


def test_priority_classes_of_the_environment_are_deleted_and_those_of_another_namespace_stay() -> None:
    cluster = FakeCluster()
    labels = {"app.kubernetes.io/managed-by": "slipway", "slipway.dev/environment": "local"}
    for name in ("slipway.slipway.vision.100", "slipway.other.vision.100"):
        cluster._put({"kind": "PriorityClass", "metadata": {"name": name, "labels": labels}})
    cluster._put({"kind": "PriorityClass", "metadata": {"name": "slipway.slipway.mine.1", "labels": {}}})
    remove_unknown(cluster, "local", None, of_environment=True)
    assert {name for _, name in cluster.objects} == {"slipway.other.vision.100", "slipway.slipway.mine.1"}


def test_what_is_left_is_named_by_kind_and_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(down, "GONE_LIMIT_S", 0.0)
    cluster = FakeCluster()
    cluster._put({"kind": "Service", "metadata": {"name": "digits", "labels": OF_DIGITS}})
    with pytest.raises(LeftBehind, match="Service slipway/digits: it was not deleted, or was created again"):
        prove_models_gone(cluster, "local", None)


def test_what_a_rollout_added_goes_with_its_model_and_is_named_until_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(down, "GONE_LIMIT_S", 0.0)
    cluster = FakeCluster()
    ours = {"app.kubernetes.io/managed-by": "slipway", "slipway.dev/environment": "local"}
    added = {"slipway.dev/candidate-of": "digits"}
    for name, labels in (("digits-candidate", {"app.kubernetes.io/name": "digits-candidate"}), ("digits-judge", {})):
        cluster._put({"kind": "Deployment", "metadata": {"name": name, "labels": ours | added | labels}})
    cluster._put({"kind": "Role", "metadata": {"name": "digits-judge", "labels": ours | added}})
    with pytest.raises(LeftBehind, match="Deployment slipway/digits-candidate"):
        prove_models_gone(cluster, "local", ["digits"])
    remove_unknown(cluster, "local", ["another"])
    assert len(cluster.objects) == 3
    remove_unknown(cluster, "local", ["digits"])
    assert cluster.objects == {}
    prove_models_gone(cluster, "local", ["digits"])


@pytest.mark.parametrize(
    ("kind", "item", "said"),
    [
        ("Service", {"finalizers": ["lb.example.com/clean"]}, "being deleted, waiting for lb.example.com/clean"),
        ("Pod", {}, "being deleted, for its controller to finish"),
    ],
)
def test_what_is_left_says_what_keeps_it(
    monkeypatch: pytest.MonkeyPatch, kind: str, item: dict[str, Any], said: str
) -> None:
    monkeypatch.setattr(down, "GONE_LIMIT_S", 0.0)
    cluster = FakeCluster()
    metadata = {"name": "digits", "labels": OF_DIGITS, "deletionTimestamp": "2026-11-21T19:41:02Z", **item}
    cluster._put({"kind": kind, "metadata": metadata})
    with pytest.raises(LeftBehind, match=f"{kind} slipway/digits: {said}"):
        prove_models_gone(cluster, "local", ["digits"])


def test_what_no_stack_knows_goes_with_its_model_and_nothing_else_does() -> None:
    cluster = FakeCluster()
    strays = (("ConfigMap", "digits-aaaaaaaaaaaaaaaa"), ("Deployment", "digits"), ("ServiceAccount", "digits"))
    for kind, name in strays:
        cluster._put({"kind": kind, "metadata": {"name": name, "labels": OF_DIGITS}})
    others = {
        "speech-bbbbbbbbbbbbbbbb": OF_DIGITS | {"app.kubernetes.io/name": "speech"},
        "digits-of-staging": OF_DIGITS | {"slipway.dev/environment": "staging"},
        "digits-notes": {"app.kubernetes.io/name": "digits"},
        "policies": {key: value for key, value in OF_DIGITS.items() if not key.endswith("/name")},
    }
    for name, labels in others.items():
        cluster._put({"kind": "ConfigMap", "metadata": {"name": name, "labels": labels}})
    remove_unknown(cluster, "local", ["digits"])
    assert {name for _, name in cluster.objects} == set(others)
    remove_unknown(cluster, "local", None)
    assert {name for _, name in cluster.objects} == set(others) - {"speech-bbbbbbbbbbbbbbbb"}
    remove_unknown(cluster, "local", None, of_environment=True)
    assert {name for _, name in cluster.objects} == {"digits-of-staging", "digits-notes"}


def test_the_lock_of_a_run_that_is_gone_is_removed_and_that_of_a_living_one_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(down, "GONE_LIMIT_S", 0.0)
    cluster = FakeCluster()
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    spec = {"holderIdentity": "laptop/b/1/77/5", "leaseDurationSeconds": 20, "renewTime": now}
    cluster._put({"kind": "Lease", "metadata": {"name": "digits-deploying", "labels": OF_DIGITS}, "spec": spec})
    remove_unknown(cluster, "local", ["digits"])
    with pytest.raises(LeftBehind, match=r"held by laptop \(process 77\), which is deploying the model"):
        prove_models_gone(cluster, "local", ["digits"])
    cluster.objects["Lease", "digits-deploying"]["spec"]["renewTime"] = "2026-11-21T19:41:02+00:00"
    remove_unknown(cluster, "local", ["digits"])
    assert cluster.objects == {}


def test_the_objects_of_another_environment_in_the_namespace_are_not_waited_for() -> None:
    cluster = FakeCluster()
    labels = OF_DIGITS | {"slipway.dev/environment": "staging"}
    cluster._put({"kind": "Service", "metadata": {"name": "digits", "labels": labels}})
    prove_models_gone(cluster, "local", None)


def test_a_namespace_that_stays_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(down, "GONE_LIMIT_S", 0.0)
    cluster = FakeCluster()
    cluster._put({"kind": "Namespace", "metadata": {"name": "slipway"}})
    with pytest.raises(LeftBehind, match="Namespace slipway"):
        prove_environment_gone(cluster, "local")


def test_pods_are_given_the_time_in_which_they_stop() -> None:
    cluster = FakeCluster()
    for name, grace in (("a", 17), ("b", 640)):
        cluster._put(
            {
                "kind": "Pod",
                "metadata": {"name": name, "labels": OF_DIGITS},
                "spec": {"terminationGracePeriodSeconds": grace},
            }
        )
    assert stopping_s(cluster) == 640
    assert stopping_s(FakeCluster()) == 0


def test_what_the_program_made_past_the_engine_goes_with_the_environment_and_that_of_others_stays() -> None:
    cluster = FakeCluster()
    for kind in ("Secret", "PersistentVolumeClaim", "Gateway"):
        for name, environment in (("ours", "local"), ("theirs", "staging")):
            labels = {"app.kubernetes.io/managed-by": "slipway", "slipway.dev/environment": environment}
            cluster._put({"kind": kind, "metadata": {"name": name, "labels": labels}})
    cluster._put({"kind": "Secret", "metadata": {"name": "nobodys"}})
    remove_unknown(cluster, "local", None)
    assert ("Secret", "ours") in cluster.objects
    remove_unknown(cluster, "local", None, of_environment=True)
    assert {name for _, name in cluster.objects} == {"theirs", "nobodys"}


@pytest.mark.parametrize("kind", ["Secret", "HTTPRoute"])
def test_who_may_not_list_what_only_a_gateway_brings_takes_an_environment_down_all_the_same(kind: str) -> None:
    class Restricted(FakeCluster):
        def list(self, of: str, selector: str = "", fields: str = "") -> list[dict[str, Any]]:
            if of == kind:
                raise ApiRefused("GET", "/", 403, "forbidden")
            return super().list(of, selector, fields)

    remove_unknown(Restricted(), "local", None, of_environment=True)
    prove_models_gone(Restricted(), "local", None)
