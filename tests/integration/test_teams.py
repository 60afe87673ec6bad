"""Teams that share a full node: who preempts whom, what a quota refuses, and that the plan said so before."""

import json
import re
import time
from typing import Any

import pytest

from slipway.cluster.pod_trouble import condition
from slipway.values.names import priority_class, priority_classes, selector
from slipway.values.quantities import parse_cpu
from tests.support.workbench import Workbench

pytestmark = [pytest.mark.integration, pytest.mark.serial]  # they share out the whole node

FIRST, LAST = {"priority": -5}, {"priority": -10}
"""Below 0, which pods without a class have: those of the local environment itself must stay."""
LIMIT_S = 60
LEFT_LIMIT_S = 180
"""A server stops once nobody has asked it for a while, and a database in its own time."""


def free(bench: Workbench) -> int:
    """Thousandths of a core of the one node that no pod asks for, once what tests before left has gone."""
    (node,) = json.loads(bench.cluster.request("GET", "/api/v1/nodes"))["items"]
    deadline = time.monotonic() + LEFT_LIMIT_S
    while left := leaving(bench):
        assert time.monotonic() < deadline, f"namespaces are still leaving after {LEFT_LIMIT_S} s: {left}"
        time.sleep(1)
    pods = json.loads(bench.cluster.request("GET", "/api/v1/pods"))["items"]
    running = [pod for pod in pods if pod["status"]["phase"] not in ("Succeeded", "Failed")]
    asked = [item["resources"].get("requests", {}).get("cpu") for pod in running for item in pod["spec"]["containers"]]
    return parse_cpu(node["status"]["allocatable"]["cpu"]) - sum(parse_cpu(cpu) for cpu in asked if cpu)


def leaving(bench: Workbench) -> list[str]:
    """Namespaces that are being deleted, whose pods keep their room until they have stopped."""
    namespaces = json.loads(bench.cluster.request("GET", "/api/v1/namespaces"))["items"]
    return [item["metadata"]["name"] for item in namespaces if "deletionTimestamp" in item["metadata"]]


def keep_at(bench: Workbench, model: str, replicas: int) -> None:
    """Have the autoscaler keep a model at so many replicas, whatever its load."""
    path = bench.cluster.url("HorizontalPodAutoscaler", model)
    body = {"spec": {"minReplicas": replicas}}
    bench.cluster.request("PATCH", path, body=body, content_type="application/merge-patch+json")


def take(bench: Workbench, like: str) -> str:
    """Make a pod like those of a model that never runs, but counts in its team's quota; returns its name."""
    (pod,) = pods(bench, like)
    spec = {key: value for key, value in pod["spec"].items() if key not in ("nodeName", "priority", "tolerations")}
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "job", "namespace": bench.namespace},
        "spec": spec | {"nodeSelector": {"example.com/there-is": "none"}},
    }
    bench.cluster.create(body)
    return "job"


def pods(bench: Workbench, model: str) -> list[dict[str, Any]]:
    labels = ",".join(f"{key}={value}" for key, value in selector(model).items())
    return [pod for pod in bench.cluster.list("Pod", labels) if "deletionTimestamp" not in pod["metadata"]]


def states(bench: Workbench, model: str) -> list[str]:
    """Of each pod of a model: `ready`, `pending` (no node), or `starting`."""
    found = []
    for pod in pods(bench, model):
        ready, scheduled = (condition(pod, kind).get("status") == "True" for kind in ("Ready", "PodScheduled"))
        found.append("ready" if ready else "starting" if scheduled else "pending")
    return sorted(found)


def until(bench: Workbench, model: str, wanted: list[str]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while (now := states(bench, model)) != wanted:
        assert time.monotonic() < deadline, f"pods of {model} are {now} instead of {wanted} after {LIMIT_S} s"
        time.sleep(0.5)


def classes(bench: Workbench) -> set[str]:
    """The PriorityClasses of the environment, which are the cluster's."""
    return {
        name for name in bench.cluster.names("PriorityClass", "") if name.startswith(priority_classes(bench.namespace))
    }


def scaled(least: int, most: int) -> dict[str, Any]:
    return {"min": least, "max": most, "target": {"cpu_percent": 70}}


def test_pods_of_a_higher_priority_preempt_those_of_a_lower_one_as_the_plan_said(bench: Workbench) -> None:
    there = free(bench)
    small, large = ({"cpu": f"{there * share // 100}m", "memory": "256Mi"} for share in (24, 45))
    pool = {"name": "default", "max_nodes": 1, "cpu": f"{there}m", "memory": "16Gi"}
    bench.write_settings(node_pools=[pool], teams={"vision": FIRST, "batch": LAST})
    bench.write("low", owner="batch", resources=small, scale=scaled(1, 3))
    assert bench.up().returncode == 0
    keep_at(bench, "low", 3)
    until(bench, "low", ["ready"] * 3)

    bench.write("high", owner="vision", resources=large, rollout={"drain": "5s", "downtime": "allowed"})
    (full,) = json.loads(bench.well("plan", bench.environment, "--json"))["fullPools"]
    assert full["order"][0] == {"team": "vision", "priority": -5, "preempts": ["batch"]}
    said = {model["name"]: (model["runs"], model["pending"]) for model in full["models"]}
    assert said == {"high": (1, 0), "low": (2, 1)}
    result = bench.up()
    assert result.returncode == 0, result.stderr
    until(bench, "low", ["pending", "ready", "ready"])
    (pod,) = pods(bench, "high")
    assert pod["spec"]["priorityClassName"] == priority_class(bench.namespace, "vision", -5)
    assert pod["spec"]["priority"] == -5

    # A class stays as long as a model names it; then `up` deletes it.
    bench.write_settings(teams={"vision": {"priority": -6}, "batch": LAST})
    assert bench.up("high").returncode == 0
    old, new = (priority_class(bench.namespace, "vision", value) for value in (-5, -6))
    assert {old, new} <= classes(bench)
    assert bench.up().returncode == 0
    assert new in classes(bench)
    assert old not in classes(bench)
    bench.down()
    assert classes(bench) == set()


def test_a_pod_beyond_a_quota_is_refused_and_up_says_by_which_whose_and_what_to_do(bench: Workbench) -> None:
    bench.write_settings(teams={"tests": {"priority": -5, "quota": {"cpu": "400m"}}})
    bench.write("sums")
    first = bench.up()
    assert first.returncode == 0, first.stderr
    measured = json.loads(bench.well("plan", bench.environment, "--live", "--json"))["coldStarts"]["sums"]["measured"]
    assert {part for part in ("node", "pull", "load", "warm", "total") if measured[part] is None} == set()
    assert measured["load"] > measured["warm"] > 0

    job = take(bench, "sums")
    bench.write("sums", 3.0, version="1.1.0")
    refused = bench.up()
    assert refused.returncode == 2
    assert re.search(
        r"the quota of team tests \(ResourceQuota team-tests\) refuses its pods: cpu: 400m of 400m used, and a pod "
        r"needs 200m; next: raise teams\.tests\.quota in the settings, or lower scale\.min",
        refused.stderr,
    )
    assert "1.0.0 serves again" in refused.stderr
    bench.cluster.delete("Pod", job)
    again = bench.up()
    assert again.returncode == 0, again.stderr
    bench.down()
