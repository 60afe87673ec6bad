"""Ask what a cluster has, as far as one may know: whoever runs it may allow no more than what a model needs."""

import json
from http import HTTPStatus

from slipway.cluster.api import Cluster
from slipway.errors.reaching import ApiRefused
from slipway.values.aliases import Json

UNKNOWN: Json = {}


def read_if_allowed(cluster: Cluster, kind: str, name: str) -> Json | None:
    """An object, None when it is not there; `UNKNOWN` where one may not look at it."""
    try:
        return cluster.read(kind, name)
    except ApiRefused as error:
        if error.status == HTTPStatus.FORBIDDEN:
            return UNKNOWN
        raise


def is_there(cluster: Cluster, kind: str, name: str) -> bool:
    """Whether an object is there, as far as one may know."""
    try:
        return cluster.exists(kind, name)
    except ApiRefused as error:
        if error.status == HTTPStatus.FORBIDDEN:
            return True
        raise


def serves(cluster: Cluster, version: str, kind: str) -> bool:
    """Whether the API has a kind; everybody who is known to a cluster may ask that."""
    try:
        resources = json.loads(cluster.request("GET", f"/apis/{version}"))["resources"]
    except ApiRefused as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return False
        if error.status == HTTPStatus.FORBIDDEN:
            return True
        raise
    return any(resource["kind"] == kind for resource in resources)
