"""Say where the models of an environment in somebody's cluster are reached from outside of it."""

from slipway.cluster.api import Cluster
from slipway.values.names import CANDIDATE_LABEL, MANAGED_BY

_MODELS = f"app.kubernetes.io/managed-by={MANAGED_BY},app.kubernetes.io/name,!{CANDIDATE_LABEL}"
_HTTPS = 443


def routes(cluster: Cluster, domain: str, port: int) -> dict[str, str]:
    """Base URLs by model, of its HTTPRoute as it is; `domain` is the host of those that name none."""
    suffix = "" if port == _HTTPS else f":{port}"
    found = {}
    for route in cluster.list("HTTPRoute", _MODELS):
        spec = route["spec"]
        host = (spec.get("hostnames") or [domain])[0]
        (match,) = spec["rules"][0]["matches"][:1] or [{}]
        path = match.get("path", {}).get("value", "/").rstrip("/")
        found[route["metadata"]["name"]] = f"https://{host}{suffix}{path}"
    return found


def node_ports(cluster: Cluster, address: str | None) -> dict[str, str]:
    """Base URLs by model, on the port of every node that its Service has."""
    if address is None:
        return {}
    return {
        service["metadata"]["name"]: f"http://{address}:{ports[0]}"
        for service in cluster.list("Service", _MODELS)
        if (ports := [port["nodePort"] for port in service["spec"]["ports"] if "nodePort" in port])
    }
