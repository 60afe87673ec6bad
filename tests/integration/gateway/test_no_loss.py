"""Through the gateway, with a key, at a steady rate: nothing is lost while the gateway or what is behind it restarts.

Lost is what the generator says: no answer, another status than 200, a wrong answer, one later than the spec's timeout.
The ledger's own count has to be the generator's.
"""

import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from slipway.local import cluster as local_cluster
from slipway.local.build import golang
from slipway.local.cluster import node_tools
from slipway.local.host import processes
from tests.support import gateway_kills, pod_processes, rounds
from tests.support.behind_gateway import Way, envoys, factor, ledger, way_in, with_gateway
from tests.support.looking import until
from tests.support.open_loop import OpenLoop
from tests.support.workbench import Workbench, fresh

pytestmark = [pytest.mark.integration, pytest.mark.serial]

RATE = 40
ROUNDS = 1
"""`make soak` plays five."""
TIMEOUT_S = 5.0
SETTLED_S = 60.0
GOES_ON_S = 60.0
SHAPE: dict[str, Any] = {
    "scale": {"min": 2, "max": 2},
    "resources": {"cpu": "100m", "memory": "256Mi"},
    "endpoint": {"public": True, "timeout": f"{TIMEOUT_S:g}s"},
    "rollout": {"drain": "5s"},
}
PODS = "app.kubernetes.io/name=sums"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """One environment for all tests here: two Envoys, two keys services, two pods of a model."""
    workbench = Workbench(tmp_path_factory.mktemp("no-loss") / "repo", f"t{os.urandom(4).hex()}")
    with_gateway(workbench, replicas=2)
    workbench.write("sums", **SHAPE)
    try:
        up = workbench.up()
        assert up.returncode == 0, up.stdout + up.stderr
        yield workbench
    finally:
        workbench.discard()


@pytest.fixture(scope="module")
def way(bench: Workbench) -> Way:
    return way_in(bench, "sums")


@contextmanager
def loaded(bench: Workbench, way: Way, *factors: float) -> Iterator[OpenLoop]:
    """Ask while the block runs; afterwards nothing is lost, and each answer is in the ledger once, and nothing else."""
    before = {row["request_id"] for row in ledger(bench)}
    with OpenLoop(way.to("sums"), RATE, TIMEOUT_S, way.authority) as load:
        time.sleep(2)
        yield load
        time.sleep(3)
    assert load.lost(lambda answer: factor(answer) in factors) == []
    assert {factor(answer) for answer in load.answers} == set(factors)
    answered = [answer.request_id for answer in load.answers]
    assert len(set(answered)) == len(answered)
    rows = settled(bench, before, len(answered))
    assert {row["request_id"] for row in rows} == set(answered)
    assert {row["status"] for row in rows} == {200}
    repeated = sum(row["attempts"] - 1 for row in rows)
    print(f"{len(answered)} requests, 0 lost, {repeated} repeated by the gateway")


def settled(bench: Workbench, before: set[str], count: int) -> list[Any]:
    """Wait until the access log has told of so many new requests; gives their lines, whatever there are then."""
    rows: list[Any] = []
    until = time.monotonic() + SETTLED_S
    while time.monotonic() < until:
        rows = [row for row in ledger(bench) if row["request_id"] not in before]
        if len(rows) >= count and all(row["state"] == "settled" for row in rows):
            break
        time.sleep(0.5)
    return rows


def test_a_rollout_loses_nothing(bench: Workbench, way: Way) -> None:
    bench.write("sums", 3.0, nodes=fresh(3.0), version="1.1.0", **SHAPE)
    with loaded(bench, way, 2.0, 3.0):
        assert bench.up().returncode == 0
        pod_processes.ready(bench.cluster, PODS, 2)


def test_a_pod_whose_server_is_killed_loses_nothing(bench: Workbench, way: Way) -> None:
    pods = pod_processes.ready(bench.cluster, PODS, 2)
    with loaded(bench, way, 3.0):
        pod_processes.kill(pods[0])
        pod_processes.restarted(bench.cluster, pods[0])


def test_a_pod_that_is_deleted_by_force_loses_nothing(bench: Workbench, way: Way) -> None:
    pods = pod_processes.ready(bench.cluster, PODS, 2)
    with loaded(bench, way, 3.0):
        name = pods[0]["metadata"]["name"]
        bench.cluster.request("DELETE", bench.cluster.url("Pod", name), body={"gracePeriodSeconds": 0})
        pod_processes.ready(bench.cluster, PODS, 2)


def test_an_envoy_that_is_restarted_beside_another_loses_nothing(bench: Workbench, way: Way) -> None:
    cluster, selector = envoys(bench)
    there = pod_processes.ready(cluster, selector, 2)
    # A stopping Envoy has two minutes for its connections, and is waited for.
    for pod in there if rounds.FULL else there[:1]:
        with loaded(bench, way, 3.0):
            cluster.delete("Pod", pod["metadata"]["name"])
            time.sleep(5)
        pod_processes.ready(cluster, selector, 2, limit_s=400)


def test_whoever_is_killed_every_answer_is_in_the_ledger_once(bench: Workbench, way: Way) -> None:
    seed = int(os.environ.get("SLIPWAY_KILL_SEED") or secrets.randbits(32))
    for played in gateway_kills.rounds(bench, way, ROUNDS, seed, right=3.0):
        print(played)
        assert played.faults == (), f"SLIPWAY_KILL_SEED={seed}, {played}"
        assert played.answered > 0


def test_an_api_server_that_restarts_in_mid_rollout_loses_nothing(bench: Workbench, way: Way) -> None:
    """Envoy Gateway hears of the new pods only a while after the API server is back; the old ones answer until then."""
    tools = node_tools.bring(golang.find([node_tools.MODULE], print), print)
    bench.write("sums", 4.0, nodes=fresh(4.0), version="1.2.0", **SHAPE)
    try:
        with loaded(bench, way, 3.0, 4.0):
            with bench.up_until("sums: updating its stack") as up:
                pid = processes.pid("kube-apiserver")
                assert pid is not None
                os.kill(pid, signal.SIGKILL)
                time.sleep(15)
                local_cluster.start(tools, print)
            if up.returncode:
                assert "run the command again" in up.stderr or "next:" in up.stderr, up.stderr
                # An API server that has just come back answers 429 while it reads what kinds there are.
                until("an `up` goes on where that ended", lambda: bench.up().returncode == 0, GOES_ON_S)
            pod_processes.ready(bench.cluster, PODS, 2, limit_s=200)
    finally:
        local_cluster.start(tools, print)
