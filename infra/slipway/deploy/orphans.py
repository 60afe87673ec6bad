"""Delete ConfigMaps of releases that are over, which their stack should have deleted; never one that a pod mounts.

They are the only objects whose names change with the release. A run that was killed, or had no room to save its state,
between making one and writing that down leaves one that no stack knows.
"""

from collections.abc import Iterator
from typing import Any

from slipway.deploy.ports import ClusterApi
from slipway.plan.release import Release
from slipway.values.names import record, rollout, selector

_ENDED = ("Succeeded", "Failed")


def remove_strays(cluster: ClusterApi, release: Release) -> None:
    """Delete ConfigMaps of other releases of the model than this one, but for those that something still mounts."""
    labels = ",".join(f"{key}={value}" for key, value in selector(release.model).items())
    kept = {item["metadata"]["name"] for item in release.manifests if item["kind"] == "ConfigMap"}
    kept |= {record(release.model), rollout(release.model)}
    strays = [name for name in cluster.names("ConfigMap", labels) if name not in kept]
    if not strays:
        return
    # Asked after the ConfigMaps were listed: a pod made since then mounts one that is newer.
    mounted = set(_mounted(cluster, release.model, labels))
    for name in strays:
        if name not in mounted:
            cluster.delete("ConfigMap", name)


def _mounted(cluster: ClusterApi, model: str, labels: str) -> Iterator[str]:
    """ConfigMaps that pods of the model mount, or would: those of its Deployment and of ReplicaSets with replicas."""
    deployment = cluster.read("Deployment", model)
    if deployment is not None:
        yield from config_maps_of(deployment["spec"]["template"]["spec"])
    for replicas in cluster.list("ReplicaSet", labels):
        if replicas["spec"].get("replicas", 1) or replicas.get("status", {}).get("replicas"):
            yield from config_maps_of(replicas["spec"]["template"]["spec"])
    for pod in cluster.list("Pod", labels):
        # One that is being deleted has what it mounted, and starts nothing any more.
        if pod.get("status", {}).get("phase") not in _ENDED and "deletionTimestamp" not in pod["metadata"]:
            yield from config_maps_of(pod["spec"])


def config_maps_of(node: Any) -> Iterator[str]:
    """Names of the ConfigMaps that a pod needs, wherever it names one: volumes, projected ones, variables."""
    if isinstance(node, list):
        for item in node:
            yield from config_maps_of(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in ("configMap", "configMapRef", "configMapKeyRef") and isinstance(value, dict) and "name" in value:
                yield value["name"]
            else:
                yield from config_maps_of(value)
