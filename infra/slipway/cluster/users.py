"""List and delete what users made in a cluster of ours that has a part in the account: load balancers and volumes.

Their controllers take back what they made in the account only while they run. Once the cluster is gone, a load balancer
holds the network, and a disk costs on.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import quote

from slipway.cluster.ownership import is_own
from slipway.errors.failures import LeftBehind
from slipway.errors.reaching import ApiRefused
from slipway.values.aliases import Json, Tell
from slipway.values.waiting import Waiting

REMOVING = Waiting(limit_s=900.0)
"""AWS lets go of a load balancer's network interfaces some minutes after it is deleted."""
_CLAIM = "PersistentVolumeClaim"
_PATHS: Mapping[str, str] = {
    "Gateway": "/apis/gateway.networking.k8s.io/v1/{0}gateways",
    "Ingress": "/apis/networking.k8s.io/v1/{0}ingresses",
    "Service": "/api/v1/{0}services",
    _CLAIM: "/api/v1/{0}persistentvolumeclaims",
}
"""Collections of what is looked for, in the order of deletion: a Gateway's controller would make its Service again."""
_OWNERS: Mapping[str, str] = {
    "CronJob": "/apis/batch/v1/{0}cronjobs",
    "DaemonSet": "/apis/apps/v1/{0}daemonsets",
    "Deployment": "/apis/apps/v1/{0}deployments",
    "Job": "/apis/batch/v1/{0}jobs",
    "ReplicaSet": "/apis/apps/v1/{0}replicasets",
    "StatefulSet": "/apis/apps/v1/{0}statefulsets",
}
"""What starts pods again."""
_NAMESPACES = "/api/v1/namespaces"
_PODS = "/api/v1/{0}pods"
_VOLUME = "/api/v1/persistentvolumes/"
_OF_GATEWAY = "gateway.envoyproxy.io/owning-gateway-namespace"


class Requests(Protocol):
    """A cluster, of which one namespace is the environment's; see `slipway.cluster.api.Cluster`."""

    namespace: str

    def request(self, method: str, path: str, *, body: object = None) -> bytes:
        """Send one request and return the body of its answer; raises `ApiRefused`."""
        ...


@dataclass(frozen=True, slots=True)
class Made:
    """An object that users made. `volume`: of a claim, the PersistentVolume that goes with it; None where it stays."""

    kind: str
    namespace: str
    name: str
    volume: str | None = None

    @property
    def path(self) -> str:
        """Where the API has it."""
        return f"{_PATHS[self.kind].format(_in(self.namespace))}/{quote(self.name)}"

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


def made_by_users(cluster: Requests, environment: str) -> list[Made]:
    """What others than Slipway made that would hold the network or outlive the cluster, in the order of deletion.

    Volumes in a namespace of a chart of ours are no user's. A kind that the cluster does not know has no objects.
    """
    spaces = [one for one in _items(cluster, _NAMESPACES) if is_own(one, environment)]
    platform = {one["metadata"]["name"] for one in spaces} - {cluster.namespace}
    found = []
    for kind, path in _PATHS.items():
        for item in _items(cluster, path.format("")):
            metadata = item["metadata"]
            ours = is_own(item, environment) or metadata.get("labels", {}).get(_OF_GATEWAY) == cluster.namespace
            if kind == _CLAIM:
                ours = ours or metadata["namespace"] in platform
            if ours or (kind == "Service" and item["spec"].get("type") != "LoadBalancer"):
                continue
            volume = _deleted_with(cluster, item) if kind == _CLAIM else None
            found.append(Made(kind, metadata["namespace"], metadata["name"], volume))
    return found


def remove_made(
    cluster: Requests, environment: str, made: Collection[Made], tell: Tell, waiting: Waiting = REMOVING
) -> None:
    """Delete what users made, and wait until their controllers took back its part in the account.

    What mounts a claim is deleted with it, up to what would start its pods again. Raises `LeftBehind` with all that is
    there when the time is over, and why.
    """
    for one in made:
        if one.kind == _CLAIM:
            for path in _mounting(cluster, one):
                tell(f"deleting {path.rpartition('/namespaces/')[2]}, which mounts {one}")
                _delete(cluster, path)
        tell(f"deleting {one}")
        _delete(cluster, one.path)
    for last in waiting.looks():
        left = [text for one in made if (text := _left(cluster, one))]
        if not left:
            return
        if last:
            todo = "remove what keeps each of them, and run the command again"
            raise LeftBehind(environment, left, todo, before=True)
        tell(f"waiting until {len(left)} objects of users are gone: {left[0]}")


def _left(cluster: Requests, one: Made) -> str | None:
    """An object that is still there, and what it waits for."""
    item = _read(cluster, one.path)
    if item is not None:
        finalizers = item["metadata"].get("finalizers") or []
        return (
            f"{one}: waits for {', '.join(finalizers)}" if finalizers else f"{one}: it was not deleted, or made again"
        )
    if one.volume is not None and _read(cluster, f"{_VOLUME}{quote(one.volume)}") is not None:
        return f"PersistentVolume {one.volume} of {one}: waits for its disk to be deleted"
    return None


def _deleted_with(cluster: Requests, claim: Json) -> str | None:
    """The volume that is deleted with a claim; None where there is none, or where it was to stay."""
    name = claim.get("spec", {}).get("volumeName")
    volume = _read(cluster, f"{_VOLUME}{quote(name)}") if name else None
    kept = volume is None or volume["spec"].get("persistentVolumeReclaimPolicy") != "Delete"
    return None if kept else name


def _mounting(cluster: Requests, claim: Made) -> Iterator[str]:
    """Paths of the pods that mount a claim, or of what starts them, the topmost."""
    seen = set()
    for pod in _items(cluster, _PODS.format(_in(claim.namespace))):
        volumes = pod["spec"].get("volumes") or []
        claims = {volume.get("persistentVolumeClaim", {}).get("claimName") for volume in volumes}
        if claim.name in claims and (path := _topmost(cluster, claim.namespace, pod)) not in seen:
            seen.add(path)
            yield path


def _topmost(cluster: Requests, namespace: str, pod: Json) -> str:
    path, item = f"{_PODS.format(_in(namespace))}/{quote(pod['metadata']['name'])}", pod
    while True:
        owners = [one for one in item["metadata"].get("ownerReferences") or [] if one.get("controller")]
        if not owners or owners[0]["kind"] not in _OWNERS:
            return path
        above = f"{_OWNERS[owners[0]['kind']].format(_in(namespace))}/{quote(owners[0]['name'])}"
        owner = _read(cluster, above)
        if owner is None:
            return path
        path, item = above, owner


def _in(namespace: str) -> str:
    return f"namespaces/{quote(namespace)}/"


def _items(cluster: Requests, path: str) -> list[dict[str, Any]]:
    try:
        return list(json.loads(cluster.request("GET", path))["items"] or [])
    except ApiRefused as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return []
        raise


def _read(cluster: Requests, path: str) -> Json | None:
    try:
        found: Json = json.loads(cluster.request("GET", path))
    except ApiRefused as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return None
        raise
    return found


def _delete(cluster: Requests, path: str) -> None:
    try:
        cluster.request("DELETE", path, body={"propagationPolicy": "Background"})
    except ApiRefused as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
