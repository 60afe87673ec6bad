"""Nodes are emptied as budgets allow; the API server is an imitation that knows nodes, pods and evictions."""

import json
import threading
from collections.abc import Mapping
from typing import Any

import pytest

import slipway.cluster.drain
from slipway.cluster.api import Cluster
from slipway.cluster.drain import drain
from slipway.errors.failures import Interrupted, NodesNotDrained
from slipway.errors.reaching import ApiRefused


class Api(Cluster):
    """Two nodes with pods; an eviction is refused as often as `refusals` says, then the pod is gone."""

    def __init__(self, pods: list[dict[str, Any]], refusals: int = 0) -> None:
        self.pods = pods
        self.refusals = refusals
        self.cordoned: list[str] = []

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout_s: float = 15.0,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        match method, path.split("/")[3]:
            case "GET", "nodes":
                assert query == {"labelSelector": "group=old"}
                return json.dumps({"items": [{"metadata": {"name": name}} for name in ("a", "b")]}).encode()
            case "GET", "pods":
                node = (query or {})["fieldSelector"].removeprefix("spec.nodeName=")
                return json.dumps({"items": [pod for pod in self.pods if pod["spec"]["nodeName"] == node]}).encode()
            case "PATCH", "nodes":
                assert body == {"spec": {"unschedulable": True}}
                self.cordoned.append(path.rpartition("/")[2])
                return b"{}"
            case "POST", "namespaces":
                if self.refusals:
                    self.refusals -= 1
                    raise ApiRefused(
                        method, path, 429, "Cannot evict pod as it would violate the pod's disruption budget."
                    )
                name = path.split("/")[6]
                self.pods = [pod for pod in self.pods if pod["metadata"]["name"] != name]
                return b"{}"
        raise AssertionError((method, path))


def pod(name: str, node: str, owner: str = "ReplicaSet") -> dict[str, Any]:
    metadata = {"name": name, "namespace": "slipway", "ownerReferences": [{"kind": owner}]}
    return {"metadata": metadata, "spec": {"nodeName": node}, "status": {"phase": "Running"}}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slipway.cluster.drain, "_POLL_S", 0.0)


def test_nodes_are_cordoned_and_pods_leave() -> None:
    api = Api([pod("digits-1", "a"), pod("digits-2", "b")])
    told: list[str] = []
    assert drain(api, "group=old", told.append, threading.Event(), 10) == 2
    assert api.cordoned == ["a", "b"]
    assert api.pods == []
    assert told == ["0 of 2 nodes are empty; 2 pods are being evicted"]


def test_pods_of_a_daemon_set_stay() -> None:
    api = Api([pod("exporter-1", "a", owner="DaemonSet")])
    assert drain(api, "group=old", lambda _: None, threading.Event(), 10) == 2
    assert len(api.pods) == 1


def test_a_pod_that_its_budget_holds_is_asked_again() -> None:
    api = Api([pod("digits-1", "a")], refusals=1)
    told: list[str] = []
    drain(api, "group=old", told.append, threading.Event(), 10)
    assert told[0] == (
        "1 of 2 nodes are empty; 1 pods are being evicted, slipway/digits-1 must wait until others are ready"
    )
    assert api.pods == []


def test_pods_that_never_leave_are_named_after_the_limit() -> None:
    with pytest.raises(NodesNotDrained, match="slipway/digits-1"):
        drain(Api([pod("digits-1", "a")], refusals=10**9), "group=old", lambda _: None, threading.Event(), 0)


def test_draining_can_be_interrupted() -> None:
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(Interrupted):
        drain(Api([pod("digits-1", "a")], refusals=10**9), "group=old", lambda _: None, cancelled, 10)
