"""Find what Envoy Gateway runs for an environment, in a namespace of its own."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Protocol

from slipway.errors.reaching import ApiRefused

_COLLECTIONS = (("Deployment", "/apis/apps/v1/deployments"), ("Service", "/api/v1/services"))


class Namespaced(Protocol):
    """One namespace of one cluster, as `slipway.cluster.api.Cluster`."""

    namespace: str

    def request(self, method: str, path: str, *, query: Mapping[str, str] | None = None) -> bytes:
        """Send one request and return the body of its answer."""
        ...


def envoy_of(cluster: Namespaced) -> list[str]:
    """Name the Deployments and Services of the Gateways in the cluster's namespace, as `Kind namespace/name`.

    Who may not look into other namespaces sees none: Envoy Gateway deletes them all the same.
    """
    query = {"labelSelector": f"gateway.envoyproxy.io/owning-gateway-namespace={cluster.namespace}"}
    found = []
    for kind, path in _COLLECTIONS:
        try:
            items = json.loads(cluster.request("GET", path, query=query))["items"]
        except ApiRefused as error:
            if error.status == HTTPStatus.FORBIDDEN:
                continue
            raise
        found += [f"{kind} {item['metadata']['namespace']}/{item['metadata']['name']}" for item in items]
    return found
