"""What is live, and what a restore goes back to (on a fake cluster)."""

from dataclasses import replace
from typing import Any

import pytest

from infra.deploy.record import Release, live_models, live_of, remove_strays, save, saved
from infra.names import VERIFIED_LABEL
from tests.unit.deploy.fake_cluster import FakeCluster

RELEASE = Release(
    model="digits",
    version="1.0.0",
    digest="0123456789abcdef" * 4,
    image="127.0.0.1:5000/slipway/digits@sha256:00",
    manifests=({"kind": "Service", "metadata": {"name": "digits"}},),
    check={"request": [1], "expect": {"label": 7}, "timeout_s": 2.0},
)


def deployment(**status: int) -> dict[str, Any]:
    return {
        "kind": "Deployment",
        "metadata": {
            "name": "digits",
            "uid": "u",
            "generation": 3,
            "creationTimestamp": "2026-11-21T19:41:02Z",
            "labels": {
                "app.kubernetes.io/managed-by": "slipway",
                "app.kubernetes.io/version": "1.0.0",
                "slipway.dev/release": "0123456789abcdef",
            },
        },
        "spec": {"replicas": 2},
        "status": {"observedGeneration": 3, "availableReplicas": 2, **status},
    }


@pytest.fixture
def cluster() -> FakeCluster:
    fake = FakeCluster()
    fake._put(deployment())
    return fake


def test_a_release_that_was_never_judged_is_not_settled() -> None:
    assert not live_of(deployment()).settled


def test_a_release_that_was_judged_right_and_serves_is_settled(cluster: FakeCluster) -> None:
    save(cluster, RELEASE, "slipway")
    assert live_models(cluster)["digits"].settled


def test_a_judged_release_with_no_available_pod_is_not_settled(cluster: FakeCluster) -> None:
    save(cluster, RELEASE, "slipway")
    cluster.objects["Deployment", "digits"]["status"]["availableReplicas"] = 0
    assert not live_models(cluster)["digits"].settled


def test_an_update_that_the_controller_has_not_seen_is_not_ready() -> None:
    assert live_of(deployment(observedGeneration=2)).ready == 0


def test_a_newer_release_that_was_not_judged_is_not_settled(cluster: FakeCluster) -> None:
    save(cluster, RELEASE, "slipway")
    cluster.objects["Deployment", "digits"]["metadata"]["labels"]["slipway.dev/release"] = "fedcba9876543210"
    assert not live_models(cluster)["digits"].settled


def test_what_was_saved_comes_back_whole(cluster: FakeCluster) -> None:
    save(cluster, RELEASE, "slipway")
    assert saved(cluster, "digits") == RELEASE


def test_without_a_record_there_is_nothing_to_go_back_to(cluster: FakeCluster) -> None:
    assert saved(cluster, "digits") is None


def test_the_record_goes_with_its_deployment(cluster: FakeCluster) -> None:
    save(cluster, RELEASE, "slipway")
    (owner,) = cluster.objects["ConfigMap", "digits-verified"]["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Deployment", "digits", "u")


def test_a_deployment_that_is_gone_gets_no_record(cluster: FakeCluster) -> None:
    cluster.delete("Deployment", "digits")
    save(cluster, RELEASE, "slipway")
    assert cluster.objects == {}


def test_a_mark_is_never_there_without_its_record(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    apply = cluster.apply

    def killed_after_the_first(manifest: dict[str, Any], manager: str) -> dict[str, Any]:
        if cluster.objects.get(("ConfigMap", "digits-verified")):
            raise KeyboardInterrupt
        return apply(manifest, manager)

    monkeypatch.setattr(cluster, "apply", killed_after_the_first)
    with pytest.raises(KeyboardInterrupt):
        save(cluster, RELEASE, "slipway")
    assert VERIFIED_LABEL not in cluster.objects["Deployment", "digits"]["metadata"]["labels"]
    assert saved(cluster, "digits") == RELEASE


def test_config_maps_that_a_killed_run_left_go_when_another_release_is_right(cluster: FakeCluster) -> None:
    def config_map(name: str, model: str = "digits") -> dict[str, Any]:
        labels = {"app.kubernetes.io/name": model, "app.kubernetes.io/managed-by": "slipway"}
        return {"kind": "ConfigMap", "metadata": {"name": name, "labels": labels}}

    current = config_map("digits-0123456789abcdef")
    left = (config_map("digits-aaaaaaaaaaaaaaaa"), config_map("digits-two-bbbbbbbbbbbbbbbb", "digits-two"))
    strangers = {"kind": "ConfigMap", "metadata": {"name": "digits-notes", "labels": {}}}
    for item in (current, *left, strangers):
        cluster._put(item)
    release = replace(RELEASE, manifests=(*RELEASE.manifests, current))
    save(cluster, release, "slipway")
    remove_strays(cluster, release)
    assert {item["metadata"]["name"] for item in cluster.list("ConfigMap")} == {
        "digits-0123456789abcdef",
        "digits-verified",
        "digits-two-bbbbbbbbbbbbbbbb",
        "digits-notes",
    }
