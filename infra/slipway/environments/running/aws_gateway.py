"""Take the gateway of an environment on AWS down: its load balancer before the network, its ledger not by mistake."""

import json
import time
from typing import TYPE_CHECKING, Any

from slipway.aws.account import Account
from slipway.errors.failures import LeftBehind
from slipway.values import names
from slipway.values.aliases import Json, Tell

if TYPE_CHECKING:
    from slipway.cluster.api import Cluster

ENVOY_NAMESPACE = "envoy-gateway-system"
"""Where Envoy Gateway makes the Service of a Gateway, whose finalizer is the load balancer controller's."""
_BALANCER_LIMIT_S = 900.0
"""AWS lets go of a load balancer's network interfaces some minutes after it is deleted."""
_DATABASE_LIMIT_S = 300.0
_POLL_S = 5.0


def remove_balancer(cluster: "Cluster", environment: str, tell: Tell) -> None:
    """Delete the Gateway and wait until its load balancer is gone; `LeftBehind` when it is not in time.

    Were the cluster destroyed first, nobody would be left who takes the load balancer back, and it would hold the
    network.
    """
    cluster.delete("Gateway", "gateway")
    tell("waiting until the load balancer of the gateway is gone")
    deadline = time.monotonic() + _BALANCER_LIMIT_S
    while left := _balancers(cluster):
        if time.monotonic() > deadline:
            raise LeftBehind(environment, [f"Service {ENVOY_NAMESPACE}/{name}, a load balancer" for name in left])
        time.sleep(_POLL_S)


def _balancers(cluster: "Cluster") -> list[str]:
    answer = cluster.request("GET", f"/api/v1/namespaces/{ENVOY_NAMESPACE}/services")
    services: list[Json] = json.loads(answer)["items"]
    return [service["metadata"]["name"] for service in services if service["spec"].get("type") == "LoadBalancer"]


def allow_deletion(account: Account, environment: str, tell: Tell) -> None:
    """Switch the deletion protection of the database off, if it is there, and wait until that is done.

    Raises `LeftBehind` when it is not in time.
    """
    name = names.database(environment)
    deadline = time.monotonic() + _DATABASE_LIMIT_S
    asked = False
    while any(database["DeletionProtection"] for database in _databases(account, name)):
        if not asked:
            tell(f"switching off the deletion protection of database {name}")
            account.call(
                "rds",
                "modify_db_instance",
                DBInstanceIdentifier=name,
                DeletionProtection=False,
                ApplyImmediately=True,
            )
            asked = True
            continue
        if time.monotonic() > deadline:
            raise LeftBehind(environment, [f"database {name}, whose deletion protection stays on"])
        time.sleep(_POLL_S)


def _databases(account: Account, name: str) -> list[dict[str, Any]]:
    found = account.call("rds", "describe_db_instances")["DBInstances"]
    return [database for database in found if database["DBInstanceIdentifier"] == name]


def last_snapshots(account: Account, environment: str) -> dict[str, str]:
    """ARNs of the last snapshots of the environment's databases, of this one and of earlier ones; none made by hand."""
    name = names.database(environment)
    found = account.call("rds", "describe_db_snapshots", DBInstanceIdentifier=name, SnapshotType="manual")
    return {
        str(one["DBSnapshotIdentifier"]): str(one["DBSnapshotArn"])
        for one in found["DBSnapshots"]
        if one["DBSnapshotIdentifier"].startswith(f"{name}-")
    }


def delete_snapshots(account: Account, environment: str, tell: Tell) -> None:
    """Delete the last snapshots of the environment's databases."""
    for identifier in last_snapshots(account, environment):
        tell(f"deleting snapshot {identifier}")
        account.call("rds", "delete_db_snapshot", DBSnapshotIdentifier=identifier)
