"""Look whether the parts of a running cluster do their work. OSError from any of these means "no answer yet"."""

import socket
from datetime import datetime

from slipway.local.cluster import dns, facts
from slipway.local.cluster.api import Api

_API_NAME = f"kubernetes.default.svc.{facts.DOMAIN}"
_METRICS_API = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io"
_METRICS_GROUP = "/apis/metrics.k8s.io/v1beta1"
_NODE = f"/api/v1/nodes/{facts.NODE_NAME}"
_LEASE = f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{facts.NODE_NAME}"
_CONNECT_LIMIT_S = 1.0


def cluster_is_usable(api: Api) -> bool:
    """All that start() promises, for a cluster whose daemons all run."""
    try:
        return api.is_ready() and node_is_ready(api) and dns_answers() and metrics_are_available(api)
    except OSError:
        return False


def node_is_ready(api: Api, since: datetime | None = None) -> bool:
    """Whether the node is Ready; with `since`, whether its kubelet has also been heard of after that moment.

    A node's condition outlives its kubelet for a while, so after a restart the condition alone says nothing.
    """
    node = api.get(_NODE)
    if node is None or not _has_condition(node, "Ready"):
        return False
    if since is None or datetime.fromisoformat(node["metadata"]["creationTimestamp"]) >= since.replace(microsecond=0):
        return True  # a new node's first lease comes only after ten seconds
    lease = api.get(_LEASE)
    return lease is not None and datetime.fromisoformat(lease["spec"]["renewTime"]) > since


def default_account_exists(api: Api) -> bool:
    """Whether pods are admitted to the default namespace: without its ServiceAccount they are refused."""
    return api.get("/api/v1/namespaces/default/serviceaccounts/default") is not None


def dns_answers() -> bool:
    """Whether the DNS resolves the API's name, asked at its Service's address, as pods do."""
    return dns.resolves(facts.DNS_SERVICE_IP, _API_NAME, facts.API_SERVICE_IP)


def metrics_server_listens() -> bool:
    """Whether metrics-server takes connections."""
    with socket.create_connection((facts.NODE_IP, facts.METRICS_PORT), timeout=_CONNECT_LIMIT_S):
        return True


def metrics_are_available(api: Api) -> bool:
    """Whether the apiserver passes requests for metrics.k8s.io on to metrics-server."""
    service = api.get(_METRICS_API)
    # The condition is of the past for a while after a restart; the group itself answers or does not.
    return service is not None and _has_condition(service, "Available") and api.get(_METRICS_GROUP) is not None


def _has_condition(item: dict[str, object], kind: str) -> bool:
    status = item.get("status")
    conditions = status.get("conditions", []) if isinstance(status, dict) else []
    return any(entry["type"] == kind and entry["status"] == "True" for entry in conditions)
