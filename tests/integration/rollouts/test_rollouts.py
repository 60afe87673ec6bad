"""New releases earn their calls on the cluster: a good one is promoted, a bad one is stopped before it gets a call.

Lost is what the generator says: no answer, another status than 200, a wrong answer, one later than the timeout.
"""

import json
import re
from contextlib import ExitStack
from typing import Any

import pytest

from slipway.deploy.record import live_models, saved
from slipway.deploy.update.route import share_of_candidate
from slipway.deploy.update.state import judged_models, rollout_of
from slipway.values import names
from tests.integration.rollouts.conftest import SHAPE, TIMEOUT_S
from tests.support import rollout_rounds
from tests.support.behind_gateway import Way, envoys
from tests.support.canaries import failing_in_10_percent, is_right, requests, slow, wrong_in_2_percent
from tests.support.looking import until
from tests.support.monitoring import without_prometheus
from tests.support.open_loop import OpenLoop
from tests.support.workbench import Workbench

pytestmark = [pytest.mark.integration, pytest.mark.serial]

RATE = 30
LIMIT_S = 240.0
BAD = {
    "wrong": (wrong_in_2_percent(), "pairs disagree", 15),
    "slow": (slow(600), "latency of", 5),
    "failing": (failing_in_10_percent(), "errors of", 15),
}
"""What each is, what its judge says of it, and how often it is called."""


def load(way: Way, model: str, rate: int = RATE) -> OpenLoop:
    return OpenLoop(requests(way, model), rate, TIMEOUT_S, way.authority)


def is_alone(bench: Workbench, model: str, version: str) -> None:
    """A release serves by itself: nothing is left of a rollout."""
    assert live_models(bench.cluster)[model].version == version
    # What is deleted ends with its pods, for which `up` does not wait.
    until(f"nothing is left of the rollout of {model}", lambda: model not in judged_models(bench.cluster), 90)
    record = saved(bench.cluster, model)
    assert record is not None
    assert record.version == version
    (rule,) = (bench.cluster.read("HTTPRoute", model) or {})["spec"]["rules"]
    assert [ref["name"] for ref in rule["backendRefs"]] == [model]
    labelled = f"{names.CANDIDATE_LABEL}={model}"
    assert [bench.cluster.names(kind, labelled) for kind in ("Deployment", "Service", "Role", "NetworkPolicy")] == [
        ()
    ] * 4


def phase(bench: Workbench, model: str) -> str | None:
    found = rollout_of(bench.cluster, model)
    return found.state.phase if found is not None and found.state is not None else None


def test_a_good_canary_is_promoted_and_no_call_is_lost(bench: Workbench, way: Way) -> None:
    bench.write("sums", version="1.1.0", **SHAPE)
    with load(way, "sums") as loop:
        up = bench.run("up", bench.environment, "--yes", "sums", limit_s=400)
    assert up.returncode == 0, up.stdout + up.stderr
    assert loop.lost(is_right) == []
    is_alone(bench, "sums", "1.1.0")
    assert re.search(r"step 2 of 3, 50 %: \d+( of 100)? answers", up.stderr), up.stderr
    (counted,) = re.findall(r"sums: (\d+) of ([\d,]+) requests lost", up.stderr)
    assert counted[0] == "0"
    assert int(counted[1].replace(",", "")) > 0
    print(f"{len(loop.answers)} requests, 0 lost; the gateway counted {counted[1]}")


def test_each_bad_canary_is_stopped_before_it_gets_a_call_and_for_the_right_reason(bench: Workbench, way: Way) -> None:
    for model, (nodes, *_) in BAD.items():
        bench.write(model, nodes=nodes, version="2.0.0", **SHAPE)
    with ExitStack() as stack:
        loops = {model: stack.enter_context(load(way, model, rate)) for model, (*_, rate) in BAD.items()}
        up = bench.run("up", bench.environment, "--yes", "--jobs", "3", *BAD, limit_s=400)
    assert up.returncode == 2, up.stdout + up.stderr
    print(up.stderr)
    for model, (_, reason, _) in BAD.items():
        (said,) = re.findall(
            rf"model {model}: 2\.0\.0 was judged beside 1\.0\.0 and failed: (.*?); 1\.0\.0 has", up.stderr
        )
        assert reason in said
        assert loops[model].lost(is_right) == []
        found = rollout_of(bench.cluster, model)
        assert found is not None
        assert found.state is not None
        assert (found.state.phase, found.state.step) == ("failed", 0)
        assert share_of_candidate(bench.cluster, model) == 0
        assert bench.cluster.read("Deployment", names.candidate(model)) is not None
    rows = {row["model"]: row for row in json.loads(bench.well("status", bench.environment, "--json"))["models"]}
    assert {rows[model]["rollout"]["phase"] for model in BAD} == {"failed"}
    # Nobody wants them any more: what is left of them goes.
    for model in BAD:
        bench.write(model, version="1.0.0", **SHAPE)
    up = bench.run("up", bench.environment, "--yes", "--jobs", "3", *BAD)
    print(up.stdout, up.stderr)
    assert up.returncode == 0, up.stdout + up.stderr
    for model in BAD:
        is_alone(bench, model, "1.0.0")


def test_killed_whatever_is_in_between_nothing_is_passed_without_evidence_and_it_converges(
    bench: Workbench, way: Way
) -> None:
    """Without traffic it holds; `up`, the judge, Prometheus and Envoy go in the middle; then it is concluded."""
    patient: dict[str, Any] = SHAPE | {"rollout": SHAPE["rollout"] | {"deadline": "10m"}}
    bench.write("sums", version="1.2.0", **patient)
    with bench.up_until("step 1 of 3", LIMIT_S) as watched:
        watched.process.kill()
    cluster, selector = envoys(bench)
    with pytest.raises(AssertionError):  # nobody calls: the shadow step is not decided, however long its hold is over
        until("it is decided without a call", lambda: phase(bench, "sums") != "judging", 25)
    with load(way, "sums"):
        until("it has calls", lambda: share_of_candidate(bench.cluster, "sums") > 0, LIMIT_S)
        with without_prometheus():
            bench.cluster.request("DELETE", bench.cluster.url("Pod"), query={"labelSelector": _judge("sums")})
            with pytest.raises(AssertionError):
                until("it is decided without metrics", lambda: phase(bench, "sums") in ("passed", "failed"), 25)
        (envoy,) = cluster.list("Pod", selector)
        cluster.delete("Pod", envoy["metadata"]["name"])
        until("it has passed", lambda: phase(bench, "sums") == "passed", LIMIT_S * 2)
    up = bench.up("sums")
    assert up.returncode == 0, up.stdout + up.stderr
    is_alone(bench, "sums", "1.2.0")


def _judge(model: str) -> str:
    return ",".join(f"{key}={value}" for key, value in names.judge_selector(model).items())


def test_rollouts_and_rollbacks_under_load_lose_nothing(bench: Workbench, way: Way) -> None:
    """`make soak` plays twenty."""
    bench.write("slow", **rollout_rounds.SHAPE)
    assert bench.up("slow").returncode == 0
    for played in rollout_rounds.rounds(bench, way, "slow", 1):
        print(played)
        assert played.faults == (), played
        assert played.answered > 0
