"""What is live, and what a restore goes back to (on a fake cluster)."""

import json
from dataclasses import replace
from typing import Any

import pytest

from slipway.cluster.rollout import REVISION
from slipway.deploy.record import live_models, live_of, recorded_models, save, saved
from slipway.errors.failures import RecordRefused, WrongAnswer
from slipway.values.names import ORIGIN_ANNOTATION, VERIFIED_LABEL, config_map
from slipway.values.version import version
from tests.support.fake_cluster import FakeCluster
from tests.support.releases import planned, release_of

LEAST = planned()
RELEASE = release_of(LEAST)
SHORT = LEAST.release


def deployment(**status: int) -> dict[str, Any]:
    return {
        "kind": "Deployment",
        "metadata": {
            "name": "least",
            "uid": "u",
            "generation": 3,
            "creationTimestamp": "2026-11-21T19:41:02Z",
            "labels": {
                "app.kubernetes.io/managed-by": "slipway",
                "app.kubernetes.io/version": "1.0.0",
                "slipway.dev/release": SHORT,
            },
            "annotations": {REVISION: "4"},
        },
        "spec": {"replicas": 2, "template": {"metadata": {"labels": {"slipway.dev/release": SHORT}}}},
        "status": {"observedGeneration": 3, "availableReplicas": 2, **status},
    }


@pytest.fixture
def cluster() -> FakeCluster:
    fake = FakeCluster()
    fake._put(deployment())
    return fake


def test_a_release_that_was_never_judged_is_not_settled() -> None:
    assert not live_of(deployment()).serves_verified


def test_a_release_that_was_judged_right_and_serves_is_settled(cluster: FakeCluster) -> None:
    save(cluster, RELEASE, deployment())
    assert live_models(cluster)["least"].serves_verified


def test_a_judged_release_with_no_available_pod_is_not_settled(cluster: FakeCluster) -> None:
    save(cluster, RELEASE, deployment())
    cluster.objects["Deployment", "least"]["status"]["availableReplicas"] = 0
    assert not live_models(cluster)["least"].serves_verified


def test_an_update_that_the_controller_has_not_seen_is_not_ready() -> None:
    assert live_of(deployment(observedGeneration=2)).ready == 0


def test_a_newer_release_that_was_not_judged_is_not_settled(cluster: FakeCluster) -> None:
    save(cluster, RELEASE, deployment())
    template = cluster.objects["Deployment", "least"]["spec"]["template"]
    template["metadata"]["labels"]["slipway.dev/release"] = "fedcba9876543210"
    assert not live_models(cluster)["least"].serves_verified


def test_what_was_saved_comes_back_whole(cluster: FakeCluster) -> None:
    save(cluster, RELEASE, deployment())
    assert saved(cluster, "least") == RELEASE


def test_without_a_record_there_is_nothing_to_go_back_to(cluster: FakeCluster) -> None:
    assert saved(cluster, "least") is None


def test_the_record_goes_with_its_deployment(cluster: FakeCluster) -> None:
    save(cluster, RELEASE, deployment())
    (owner,) = cluster.objects["ConfigMap", "least-verified"]["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Deployment", "least", "u")


def test_a_deployment_that_is_gone_gets_no_record(cluster: FakeCluster) -> None:
    cluster.delete("Deployment", "least")
    with pytest.raises(WrongAnswer, match="somebody changed its Deployment while it was judged"):
        save(cluster, RELEASE, deployment())
    assert cluster.objects == {}


def test_a_template_that_changed_since_it_was_judged_is_not_settled(cluster: FakeCluster) -> None:
    save(cluster, RELEASE, deployment())
    cluster.objects["Deployment", "least"]["metadata"]["annotations"][REVISION] = "5"
    assert not live_models(cluster)["least"].serves_verified


def test_models_with_a_record_are_told_from_its_name(cluster: FakeCluster) -> None:
    assert recorded_models(cluster) == set()
    save(cluster, RELEASE, deployment())
    assert recorded_models(cluster) == {"least"}


def test_the_configuration_goes_with_the_deployment_since_the_engine_never_deletes_it(cluster: FakeCluster) -> None:
    save(cluster, RELEASE, deployment())
    (owner,) = cluster.objects["ConfigMap", config_map("least", LEAST.release_digest)]["metadata"]["ownerReferences"]
    assert owner["uid"] == "u"


def test_a_mark_is_never_there_without_its_record(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    apply = cluster.apply

    def killed_after_the_first(manifest: dict[str, Any], manager: str) -> dict[str, Any]:
        if cluster.objects.get(("ConfigMap", "least-verified")):
            raise KeyboardInterrupt
        return apply(manifest, manager)

    monkeypatch.setattr(cluster, "apply", killed_after_the_first)
    with pytest.raises(KeyboardInterrupt):
        save(cluster, RELEASE, deployment())
    assert VERIFIED_LABEL not in cluster.objects["Deployment", "least"]["metadata"]["labels"]
    assert saved(cluster, "least") == RELEASE


def test_a_record_that_is_none_is_told(cluster: FakeCluster) -> None:
    cluster._put({"kind": "ConfigMap", "metadata": {"name": "least-verified"}, "data": {"release.json": "{"}})
    with pytest.raises(RecordRefused, match=r"ConfigMap slipway/least-verified, cannot be restored"):
        saved(cluster, "least")


def test_a_record_says_whose_environment_it_is(cluster: FakeCluster) -> None:
    cluster.objects["Deployment", "least"]["metadata"]["labels"]["slipway.dev/environment"] = "local"
    save(cluster, RELEASE, deployment())
    labels = cluster.objects["ConfigMap", "least-verified"]["metadata"]["labels"]
    assert labels["slipway.dev/environment"] == "local"


def test_a_record_says_what_the_release_was_made_by_and_from(cluster: FakeCluster) -> None:
    save(cluster, replace(RELEASE, origin=LEAST.origin), deployment())
    kept = saved(cluster, "least")
    assert kept is not None
    assert kept.origin == LEAST.origin
    assert kept.origin.slipway == version()


@pytest.mark.parametrize("change", [{"spec": "0"}, {"slipway": "a\nb"}, {"slipway": "1" * 65}, {"image": None}])
def test_a_note_that_is_none_of_ours_says_nothing_and_the_record_is_still_read(
    change: dict[str, Any], cluster: FakeCluster
) -> None:
    save(cluster, replace(RELEASE, origin=LEAST.origin), deployment())
    annotations = cluster.objects["ConfigMap", "least-verified"]["metadata"]["annotations"]
    annotations[ORIGIN_ANNOTATION] = json.dumps(json.loads(annotations[ORIGIN_ANNOTATION]) | change)
    assert saved(cluster, "least") == RELEASE
