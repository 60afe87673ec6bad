"""Take the volume of an environment's metrics away while the driver that can delete it is there."""

import json
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from slipway.errors.failures import LeftBehind
from slipway.errors.reaching import ApiRefused
from slipway.values.aliases import Json, Tell

if TYPE_CHECKING:
    from slipway.cluster.api import Cluster

NAMESPACE = "monitoring"
"""Where the platform's Prometheus is; the environment makes the namespace itself."""
_PROMETHEUSES = f"/apis/monitoring.coreos.com/v1/namespaces/{NAMESPACE}/prometheuses"
_LIMIT_S = 600.0
"""A disk is detached from its node, which EC2 does in a minute or so, and then deleted."""
_POLL_S = 5.0


def remove_metrics(cluster: "Cluster", environment: str, tell: Tell) -> None:
    """Delete Prometheus where it has a volume, and wait until that is gone; `LeftBehind` when it is not in time.

    Its claim goes with it. Were the cluster destroyed first, the disk would stay in the account and be paid for.
    """
    if not _volumes(cluster):
        return
    try:
        cluster.request("DELETE", _PROMETHEUSES)
    except ApiRefused as error:
        # Its kind went with the chart, which an earlier run deleted.
        if error.status != HTTPStatus.NOT_FOUND:
            raise
    tell("waiting until the volume of metrics is gone")
    deadline = time.monotonic() + _LIMIT_S
    while left := _volumes(cluster):
        if time.monotonic() > deadline:
            raise LeftBehind(environment, [f"PersistentVolume {name}, with metrics" for name in left])
        time.sleep(_POLL_S)


def _volumes(cluster: "Cluster") -> list[str]:
    volumes: list[Json] = json.loads(cluster.request("GET", "/api/v1/persistentvolumes"))["items"]
    return [one["metadata"]["name"] for one in volumes if _claimed_in(one) == NAMESPACE]


def _claimed_in(volume: Json) -> str | None:
    claim: Json = volume["spec"].get("claimRef") or {}
    return claim.get("namespace")
