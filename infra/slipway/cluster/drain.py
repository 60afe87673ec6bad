"""Empty nodes before they go: no new pods, then every pod is asked to leave as its PodDisruptionBudget allows."""

import json
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import quote

from slipway.cluster.api import Cluster
from slipway.errors.failures import Interrupted, NodesNotDrained
from slipway.errors.reaching import ApiRefused
from slipway.values.aliases import Json
from slipway.values.listing import some

_POLL_S = 2.0


def drain(
    cluster: Cluster,
    selector: str,
    tell: Callable[[str], None],
    cancelled: threading.Event,
    limit_s: float,
) -> int:
    """Cordon all nodes that match, and evict their pods; those of a DaemonSet stay.

    Pods that are evicted go to other nodes; whoever serves goes on, as far as its PodDisruptionBudget says.

    Returns:
        How many nodes there were.

    Raises:
        NodesNotDrained: pods were still there after `limit_s`; the nodes stay cordoned, and serve.
        Interrupted: `cancelled` was set.
    """
    nodes = [node["metadata"]["name"] for node in _listed(cluster, "/api/v1/nodes", {"labelSelector": selector})]
    for node in nodes:
        body = {"spec": {"unschedulable": True}}
        cluster.request("PATCH", f"/api/v1/nodes/{quote(node)}", body=body, content_type="application/merge-patch+json")
    deadline = time.monotonic() + limit_s
    while pods := [pod for node in nodes for pod in _pods(cluster, node)]:
        waiting = [_named(pod) for pod in pods if not _evicted(cluster, pod)]
        empty = len(nodes) - len({pod["spec"]["nodeName"] for pod in pods})
        text = f"{empty} of {len(nodes)} nodes are empty; {len(pods)} pods are being evicted"
        tell(text + (f", {some(waiting, 2)} must wait until others are ready" if waiting else ""))
        if time.monotonic() > deadline:
            raise NodesNotDrained(nodes, [_named(pod) for pod in pods], limit_s)
        if cancelled.wait(_POLL_S):
            raise Interrupted
    return len(nodes)


def _listed(cluster: Cluster, path: str, query: dict[str, str]) -> list[Json]:
    return list(json.loads(cluster.request("GET", path, query=query))["items"])


def _pods(cluster: Cluster, node: str) -> list[Json]:
    """The pods of a node that have to leave it: those of a DaemonSet and of the node itself would come back."""
    pods = _listed(cluster, "/api/v1/pods", {"fieldSelector": f"spec.nodeName={node}"})
    return [pod for pod in pods if not _stays(pod) and pod["status"].get("phase") not in ("Succeeded", "Failed")]


def _stays(pod: Json) -> bool:
    owners = pod["metadata"].get("ownerReferences", [])
    return any(owner["kind"] in ("DaemonSet", "Node") for owner in owners)


def _evicted(cluster: Cluster, pod: Json) -> bool:
    """Ask a pod to leave; False when its PodDisruptionBudget does not allow it now."""
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    if pod["metadata"].get("deletionTimestamp"):
        return True
    path = f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(name)}/eviction"
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"namespace": namespace, "name": name}}
    try:
        cluster.request("POST", path, body=eviction)
    except ApiRefused as error:
        if error.status == HTTPStatus.TOO_MANY_REQUESTS:
            return False
        if error.status != HTTPStatus.NOT_FOUND:
            raise
    return True


def _named(pod: Json) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
