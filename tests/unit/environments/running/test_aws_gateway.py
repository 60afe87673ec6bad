"""The gateway of an environment on AWS goes down in an order that leaves nothing, and its ledger not by mistake."""

import json
from typing import Any

import pytest

from slipway.environments.running import aws_gateway
from slipway.environments.running.aws_gateway import allow_deletion, delete_snapshots, last_snapshots, remove_balancer
from slipway.errors.failures import LeftBehind
from tests.support.clock import Clock

BALANCER = {"metadata": {"name": "envoy-slipway-gateway"}, "spec": {"type": "LoadBalancer"}}
INSIDE = {"metadata": {"name": "envoy-gateway"}, "spec": {"type": "ClusterIP"}}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(aws_gateway, "time", made)
    return made


class FakeCluster:
    """A cluster whose load balancer is taken back some looks after its Gateway is deleted; never, when None."""

    def __init__(self, looks: int | None) -> None:
        self.left = looks
        self.done: list[str] = []

    def delete(self, kind: str, name: str) -> None:
        self.done.append(f"delete {kind} {name}")

    def request(self, method: str, path: str) -> bytes:
        self.done.append(f"{method} {path}")
        assert self.done[0] == "delete Gateway gateway"
        if self.left is not None:
            self.left -= 1
        there = [INSIDE] if self.left is not None and self.left < 0 else [INSIDE, BALANCER]
        return json.dumps({"items": there}).encode()


class FakeAccount:
    """An account with one database, which obeys some looks after it was told; never, when None."""

    def __init__(self, *, protected: bool, looks: int | None = 0) -> None:
        self.protected, self.left = protected, looks
        self.told = False
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        assert service == "rds"
        self.calls.append((operation, parameters))
        if operation == "describe_db_instances":
            if self.told and self.left is not None:
                self.left -= 1
                self.protected = self.protected and self.left >= 0
            others = {"DBInstanceIdentifier": "slipway-staging-keys", "DeletionProtection": True}
            mine = {"DBInstanceIdentifier": "slipway-prod-keys", "DeletionProtection": self.protected}
            return {"DBInstances": [others, mine]}
        if operation == "modify_db_instance":
            self.told = True
        if operation == "describe_db_snapshots":
            found = ("slipway-prod-keys-1", "before-the-audit")
            return {"DBSnapshots": [{"DBSnapshotIdentifier": name, "DBSnapshotArn": f"arn:{name}"} for name in found]}
        return {}

    def of(self, operation: str) -> list[dict[str, Any]]:
        return [parameters for name, parameters in self.calls if name == operation]


def silent(_: str) -> None:
    """Nobody listens."""


def test_the_load_balancer_is_gone_before_anything_else_goes(clock: Clock) -> None:
    cluster = FakeCluster(looks=3)
    remove_balancer(cluster, "prod", silent)  # type: ignore[arg-type]
    assert cluster.done[0] == "delete Gateway gateway"
    assert cluster.left == -1
    assert 0 < clock.now < 60


def test_a_load_balancer_that_stays_is_named_after_a_quarter_of_an_hour(clock: Clock) -> None:
    with pytest.raises(LeftBehind, match="Service envoy-gateway-system/envoy-slipway-gateway, a load balancer"):
        remove_balancer(FakeCluster(looks=None), "prod", silent)  # type: ignore[arg-type]
    assert 900 <= clock.now < 960


def test_the_protection_of_the_own_database_alone_is_switched_off_once() -> None:
    account = FakeAccount(protected=True, looks=2)
    allow_deletion(account, "prod", silent)  # type: ignore[arg-type]
    (told,) = account.of("modify_db_instance")
    assert told == {
        "DBInstanceIdentifier": "slipway-prod-keys",
        "DeletionProtection": False,
        "ApplyImmediately": True,
    }


def test_an_unprotected_database_is_left_alone() -> None:
    account = FakeAccount(protected=False)
    allow_deletion(account, "prod", silent)  # type: ignore[arg-type]
    assert account.of("modify_db_instance") == []


def test_a_protection_that_stays_on_is_said_after_five_minutes(clock: Clock) -> None:
    with pytest.raises(LeftBehind, match="database slipway-prod-keys, whose deletion protection stays on"):
        allow_deletion(FakeAccount(protected=True, looks=None), "prod", silent)  # type: ignore[arg-type]
    assert 300 <= clock.now < 320


def test_last_snapshots_are_deleted_and_those_that_a_person_made_are_not() -> None:
    account = FakeAccount(protected=False)
    delete_snapshots(account, "prod", silent)  # type: ignore[arg-type]
    assert account.of("describe_db_snapshots") == [
        {"DBInstanceIdentifier": "slipway-prod-keys", "SnapshotType": "manual"}
    ]
    deleted = [one["DBSnapshotIdentifier"] for one in account.of("delete_db_snapshot")]
    assert deleted == ["slipway-prod-keys-1"]
    assert last_snapshots(account, "prod") == {"slipway-prod-keys-1": "arn:slipway-prod-keys-1"}  # type: ignore[arg-type]
