"""ConfigMaps of releases that are over go; what a pod mounts, or will mount, never does."""

from typing import Any

import pytest

from slipway.deploy.orphans import config_maps_of, remove_strays
from slipway.values.names import config_map as config_map_name
from slipway.values.names import record, selector
from tests.support.fake_cluster import FakeCluster
from tests.support.releases import deployed, planned, release_of

LEAST = planned()
OTHER = "least-aaaaaaaaaaaaaaaa"


def config_map(name: str, **labels: str) -> dict[str, Any]:
    return {"kind": "ConfigMap", "metadata": {"name": name, "labels": selector("least") | labels}}


def mounting(name: str) -> dict[str, Any]:
    return {"containers": [], "volumes": [{"name": "config", "configMap": {"name": name}}]}


@pytest.fixture
def cluster() -> FakeCluster:
    fake = deployed(LEAST)
    fake._put(config_map(OTHER))
    fake._put(config_map(record("least")))
    return fake


def there(cluster: FakeCluster) -> set[str]:
    return {item["metadata"]["name"] for item in cluster.list("ConfigMap")}


def current() -> str:
    return config_map_name("least", LEAST.release_digest)


def test_what_a_killed_run_left_goes_when_another_release_is_right(cluster: FakeCluster) -> None:
    cluster._put(config_map("least-two-bbbbbbbbbbbbbbbb", **{"app.kubernetes.io/name": "least-two"}))
    cluster._put({"kind": "ConfigMap", "metadata": {"name": "least-notes", "labels": {}}})
    remove_strays(cluster, release_of(LEAST))
    assert there(cluster) == {current(), record("least"), "least-two-bbbbbbbbbbbbbbbb", "least-notes"}


def test_what_the_deployment_mounts_stays_though_another_release_was_judged(cluster: FakeCluster) -> None:
    cluster.objects["Deployment", "least"]["spec"]["template"]["spec"] = mounting(OTHER)
    remove_strays(cluster, release_of(LEAST))
    assert OTHER in there(cluster)


@pytest.mark.parametrize(
    ("spec", "status", "stays"), [({"replicas": 1}, {}, True), ({"replicas": 0}, {"replicas": 1}, True), ({}, {}, True)]
)
def test_what_a_replica_set_would_give_its_next_pod_stays(
    cluster: FakeCluster, spec: dict[str, Any], status: dict[str, Any], stays: bool
) -> None:
    template = {"spec": mounting(OTHER)}
    metadata = {"name": "least-1", "labels": selector("least")}
    cluster._put({"kind": "ReplicaSet", "metadata": metadata, "spec": {"template": template} | spec, "status": status})
    remove_strays(cluster, release_of(LEAST))
    assert (OTHER in there(cluster)) == stays


def test_a_replica_set_without_replicas_keeps_nothing(cluster: FakeCluster) -> None:
    template = {"spec": mounting(OTHER)}
    metadata = {"name": "least-1", "labels": selector("least")}
    cluster._put({"kind": "ReplicaSet", "metadata": metadata, "spec": {"template": template, "replicas": 0}})
    remove_strays(cluster, release_of(LEAST))
    assert OTHER not in there(cluster)


@pytest.mark.parametrize(("phase", "stays"), [("Running", True), ("Pending", True), (None, True), ("Failed", False)])
def test_what_a_pod_mounts_stays_until_it_has_ended(cluster: FakeCluster, phase: str | None, stays: bool) -> None:
    metadata = {"name": "least-1-x", "labels": selector("least")}
    cluster._put({"kind": "Pod", "metadata": metadata, "spec": mounting(OTHER), "status": {"phase": phase}})
    remove_strays(cluster, release_of(LEAST))
    assert (OTHER in there(cluster)) == stays


def test_what_a_pod_that_is_being_deleted_mounts_may_go(cluster: FakeCluster) -> None:
    metadata = {"name": "least-1-x", "labels": selector("least"), "deletionTimestamp": "2026-11-21T19:41:02Z"}
    cluster._put({"kind": "Pod", "metadata": metadata, "spec": mounting(OTHER), "status": {"phase": "Running"}})
    remove_strays(cluster, release_of(LEAST))
    assert OTHER not in there(cluster)


def test_a_config_map_is_found_wherever_a_pod_names_it() -> None:
    pod = {
        "volumes": [{"projected": {"sources": [{"configMap": {"name": "a"}}]}}, {"configMap": {"name": "b"}}],
        "containers": [
            {"envFrom": [{"configMapRef": {"name": "c"}}], "env": [{"valueFrom": {"configMapKeyRef": {"name": "d"}}}]}
        ],
    }
    assert set(config_maps_of(pod)) == {"a", "b", "c", "d"}
