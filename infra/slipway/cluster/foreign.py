"""List what others have in a namespace, of every kind that the cluster knows: it would be lost with the namespace."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from slipway.cluster.api import Cluster
from slipway.cluster.ownership import is_own
from slipway.errors.reaching import ApiRefused

_GIVEN = {
    ("configmaps", "kube-root-ca.crt"),
    ("configmaps", "istio-ca-root-cert"),
    ("configmaps", "openshift-service-ca.crt"),
    ("serviceaccounts", "default"),
    ("serviceaccounts", "builder"),
    ("serviceaccounts", "deployer"),
}
"""What the cluster itself puts into every namespace."""
_DERIVED = ("events", "endpoints", "endpointslices")
"""What controllers write about other objects."""
_NEEDED = {"list", "delete"}
"""What goes with a namespace can be listed and deleted; metrics, for one, cannot."""
_LISTED = 200
"""Objects of one kind that are looked at: enough to know that a namespace is not empty."""


def foreign_objects(cluster: Cluster, environment: str) -> list[str]:
    """Name everything in the namespace that is not the environment's and is not being deleted, as `Kind name`.

    A kind that may not be listed is named too: nobody can say that there is nothing of it.
    """
    found: list[str] = []
    for path, resource, kind in _kinds(cluster):
        try:
            items = _items(cluster, f"{path}/namespaces/{quote(cluster.namespace)}/{resource}")
        except ApiRefused as error:
            if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
                continue
            found.append(f"{kind}s, which may not be listed (HTTP {error.status})")
            continue
        for item in items:
            metadata = item["metadata"]
            given = (resource, metadata["name"]) in _GIVEN
            if not given and not metadata.get("deletionTimestamp") and not is_own(item, environment):
                found.append(f"{kind} {metadata['name']}")
    return sorted(set(found))


def _items(cluster: Cluster, path: str) -> list[dict[str, Any]]:
    answer = json.loads(cluster.request("GET", path, query={"limit": str(_LISTED)}))
    return list(answer.get("items") or [])


def _kinds(cluster: Cluster) -> Iterator[tuple[str, str, str]]:
    """Path of the API, plural and kind of all that a namespace may hold."""
    groups = json.loads(cluster.request("GET", "/apis"))["groups"]
    for path in ("/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups)):
        try:
            resources = json.loads(cluster.request("GET", path))["resources"]
        except ApiRefused as error:
            if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE):
                continue  # an API whose own server is away; without it the cluster deletes no namespace either
            raise
        for resource in resources:
            name = resource["name"]
            if resource["namespaced"] and set(resource["verbs"]) >= _NEEDED and name not in _DERIVED:
                yield path, name, resource["kind"]
