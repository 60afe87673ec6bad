"""Whole rollouts by the real judge: good and bad releases, and everything around it that may fail."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from doubles import TOTAL
from judged import Judge, Rollout, a_rollout, right


def ended(rollout: Rollout, judge: Judge) -> dict[str, Any]:
    """The state in which a rollout ends."""
    judge.until(lambda: rollout.api.state.get("phase") in ("passed", "failed"), f"an end: {rollout.api.state}")
    return rollout.api.state


def all_back(rollout: Rollout, judge: Judge) -> None:
    judge.until(lambda: rollout.api.weights == [(TOTAL, 0)], "the old release has all calls")


def test_a_good_release_gets_all_calls_step_by_step(tmp_path: Path) -> None:
    with a_rollout(tmp_path, right) as rollout:
        judge = rollout.judge()
        rollout.traffic()
        state = ended(rollout, judge)
        assert (state["phase"], state["percent"], state["reason"]) == ("passed", 100.0, "every step passed")
        assert [(step["percent"], step["verdict"]) for step in state["steps"]] == [
            (0.0, "passed"),
            (50.0, "passed"),
            (100.0, "passed"),
        ]
        assert all(step["evidence"]["compared"] >= 60 for step in state["steps"])
        assert all(step["evidence"]["live"]["new"] >= 60 for step in state["steps"][1:])
        judge.until(lambda: rollout.api.weights == [(1, TOTAL - 1)], "the new release has all calls")
        assert set(rollout.releases["new"].passes) == {"signed"}
        assert judge.metric("slipway_judge_pairs_total", outcome="agree") > 100
        judge.until(lambda: judge.metric("slipway_judge_phase", phase="passed") == 1, "the metric says so")
        # Whoever reads the state or the log learns no value of any call.
        assert "0.123456" not in rollout.api.data["state.json"] + judge.log.read_text()
        assert judge.stop() == 0


def slow(number: int) -> tuple[int, dict[str, Any]]:
    time.sleep(1.0)
    return right(number)


def failing(number: int) -> tuple[int, dict[str, Any]]:
    return (400, {}) if number % 5 == 0 else right(number)


def wrong(number: int) -> tuple[int, dict[str, Any]]:
    return (200, {"label": [11], "score": [0.5]}) if number % 50 == 0 else right(number)


BAD = [
    (slow, {"p95_ms": 1.0}, "latency of replayed calls"),
    (failing, {}, "errors of replayed calls"),
    (wrong, {"agreement": 0.999, "least_requests": 5000}, "agreement"),
]


@pytest.mark.parametrize(("new", "judge", "reason"), BAD, ids=["slow", "failing", "wrong in 2 %"])
def test_a_bad_release_fails_before_any_client_has_it(
    new: Any, judge: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    with a_rollout(tmp_path, new, judge=judge) as rollout:
        running = rollout.judge()
        rollout.traffic()
        state = ended(rollout, running)
        assert (state["phase"], state["step"], state["percent"]) == ("failed", 0, 0.0)
        assert state["reason"].startswith(reason)
        assert rollout.api.weights == [(TOTAL, 0)]
        if new is wrong:
            assert {output["output"] for each in state["disagreements"] for output in each["outputs"]} <= {
                "label",
                "score",
            }


def test_a_release_that_turns_bad_under_clients_loses_them_again(tmp_path: Path) -> None:
    with a_rollout(tmp_path, right) as rollout:
        judge = rollout.judge()
        rollout.traffic()
        judge.until(lambda: rollout.api.state.get("step") == 1, "the first step with clients")
        judge.until(lambda: rollout.api.weights == [(TOTAL // 2, TOTAL // 2)], "half of the calls")
        rollout.releases["new"].answers = failing
        state = ended(rollout, judge)
        assert (state["phase"], state["step"]) == ("failed", 1)
        all_back(rollout, judge)


def test_an_old_release_that_answers_at_random_cannot_be_compared_with(tmp_path: Path) -> None:
    draw = random.Random(5)

    def at_random(_: int) -> tuple[int, dict[str, Any]]:
        return 200, {"score": [draw.random()]}

    with a_rollout(tmp_path, at_random, at_random) as rollout:
        judge = rollout.judge()
        rollout.traffic()
        state = ended(rollout, judge)
        assert state["phase"] == "failed"
        assert state["reason"].startswith("the old release against itself: it gave two answers to one call")


def test_what_both_refuse_is_no_evidence(tmp_path: Path) -> None:
    """Two of three calls are mistakes of the callers."""

    def refusing(number: int) -> tuple[int, dict[str, Any]]:
        return (400, {}) if number % 3 else right(number)

    with a_rollout(tmp_path, refusing, refusing) as rollout:
        judge = rollout.judge()
        rollout.traffic()
        state = ended(rollout, judge)
        assert state["phase"] == "passed", state["reason"]
        assert all(step["evidence"]["replayed"]["new_errors"] == 0 for step in state["steps"])
        replays = judge.metric("slipway_judge_replays_total", side="new", outcome="4xx")
        assert replays > judge.metric("slipway_judge_pairs_total")


def test_without_traffic_nothing_passes_and_the_deadline_ends_it(tmp_path: Path) -> None:
    with a_rollout(tmp_path, right, deadline_s=3.0) as rollout:
        judge = rollout.judge()
        state = ended(rollout, judge)
        assert (state["phase"], state["step"]) == ("failed", 0)
        assert state["reason"].startswith("inconclusive for 3 s: ")


@pytest.mark.parametrize("silence", ["away", "empty"])
def test_while_prometheus_says_nothing_no_step_with_clients_passes(silence: str, tmp_path: Path) -> None:
    with a_rollout(tmp_path, right, deadline_s=10.0) as rollout:
        setattr(rollout.prometheus, silence, True)
        judge = rollout.judge()
        rollout.traffic()
        state = ended(rollout, judge)
        assert (state["phase"], state["step"]) == ("failed", 1)
        assert state["reason"].startswith("inconclusive for 10 s: calls of clients: Prometheus at http")
        all_back(rollout, judge)
        assert judge.metric("slipway_judge_unreachable", what="prometheus") == 1


def test_a_judge_that_is_killed_goes_on_where_it_was_and_counts_anew(tmp_path: Path) -> None:
    with a_rollout(tmp_path, right, hold_s=4.0) as rollout:
        judge = rollout.judge()
        rollout.traffic()
        judge.until(lambda: rollout.api.state.get("step") == 1, "the first step with clients")
        judge.until(lambda: rollout.api.state["evidence"], "evidence of it")
        judge.kill()
        before = rollout.api.state
        assert rollout.api.weights == [(TOTAL // 2, TOTAL // 2)]
        again = rollout.judge()
        again.until(lambda: rollout.api.state["phase"] == "warming" != before["phase"], "it warms up again")
        resumed = rollout.api.state
        assert (resumed["step"], resumed["since"]) == (1, before["since"])
        again.until(lambda: rollout.api.state["step"] == 2, "it goes on")
        step = rollout.api.state["steps"][1]
        assert step["evidence"]["since"] > before["updated"]
        assert ended(rollout, again)["phase"] == "passed"


def test_an_api_server_that_is_away_changes_no_verdict(tmp_path: Path) -> None:
    with a_rollout(tmp_path, right) as rollout:
        judge = rollout.judge()
        rollout.traffic()
        judge.until(lambda: rollout.api.state.get("step") == 1, "the first step with clients")
        before = rollout.api.state
        rollout.api.away = True
        judge.until(lambda: rollout.api.refused.count(503) > 20, "it asks again and again")
        assert rollout.api.state["since"] == before["since"]
        assert judge.metric("slipway_judge_unreachable", what="api_server") == 1
        rollout.renew_token()
        rollout.api.away = False
        assert ended(rollout, judge)["phase"] == "passed"


def test_a_state_that_somebody_else_wrote_meanwhile_is_read_before_it_is_written(tmp_path: Path) -> None:
    with a_rollout(tmp_path, right) as rollout:
        judge = rollout.judge()
        rollout.traffic()
        judge.until(lambda: rollout.api.state, "it has begun")
        for number in range(40):
            rollout.api.write("note", str(number))
            time.sleep(0.05)
        assert ended(rollout, judge)["phase"] == "passed"
        assert rollout.api.data["note"] == "39"


def test_more_calls_come_only_once_that_is_kept_and_they_go_whether_it_is_kept_or_not(tmp_path: Path) -> None:
    with a_rollout(tmp_path, right) as rollout:
        judge = rollout.judge()
        rollout.traffic()
        judge.until(lambda: rollout.api.state.get("phase") == "judging", "the first step is judged")
        rollout.api.conflicts = True
        judge.until(lambda: judge.metric("slipway_judge_pairs_total", outcome="agree") > 100, "enough was seen")
        judge.until(lambda: rollout.api.refused.count(409) > 20, "it tries to keep the next step")
        assert rollout.api.weights == [(TOTAL, 0)]
        rollout.api.conflicts = False
        judge.until(lambda: rollout.api.weights == [(TOTAL // 2, TOTAL // 2)], "half of the calls")
        rollout.api.conflicts = True
        rollout.releases["new"].answers = failing
        all_back(rollout, judge)
        assert rollout.api.state["phase"] != "failed"
        rollout.api.conflicts = False
        assert ended(rollout, judge)["phase"] == "failed"


def test_a_route_that_is_not_this_rollouts_is_left_alone_and_nothing_is_judged(tmp_path: Path) -> None:
    with a_rollout(tmp_path, right) as rollout:
        judge = rollout.judge()
        rollout.traffic()
        judge.until(lambda: rollout.api.weights == [(TOTAL // 2, TOTAL // 2)], "half of the calls")
        rollout.api.annotations["slipway.dev/rollout"] = "another"
        judge.until(lambda: any(event["event"] == "waiting" for event in judge.events()), "it sees that")
        before = rollout.api.state
        time.sleep(2)
        assert (rollout.api.state, rollout.api.weights) == (before, [(TOTAL // 2, TOTAL // 2)])


def test_a_judge_of_another_rollout_touches_nothing(tmp_path: Path) -> None:
    with a_rollout(tmp_path, right) as rollout:
        judge = rollout.judge("another")
        judge.until(lambda: any(event["event"] == "waiting" for event in judge.events()), "it waits")
        assert judge.get("/readyz") == (503, '{"ready":false,"reason":"the plan was not read yet"}')
        assert judge.get("/healthz")[0] == 200
        assert rollout.api.state == {}


def test_who_ends_a_rollout_is_obeyed(tmp_path: Path) -> None:
    with a_rollout(tmp_path, right) as rollout:
        judge = rollout.judge()
        rollout.traffic()
        judge.until(lambda: rollout.api.weights == [(TOTAL // 2, TOTAL // 2)], "half of the calls")
        end = {"id": rollout.api.state["id"], "who": "ann", "reason": "wrong labels"}
        rollout.api.write("end.json", json.dumps(end))
        state = ended(rollout, judge)
        assert (state["phase"], state["reason"]) == ("failed", "ended by ann: wrong labels")
        all_back(rollout, judge)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "SLIPWAY_MODEL is ''; allowed: the name of a model"),
        (
            {
                "SLIPWAY_MODEL": "digits",
                "SLIPWAY_NAMESPACE": "models",
                "SLIPWAY_ROLLOUT": "a",
                "SLIPWAY_JUDGE_TICK_S": "x",
            },
            "SLIPWAY_JUDGE_TICK_S is 'x'; allowed: seconds, 0 to 3600",
        ),
    ],
)
def test_what_it_is_told_wrongly_is_one_line_and_exit_code_1(environ: dict[str, str], said: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "slipway_judge"], env=environ, capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 1
    (line,) = ran.stderr.splitlines()
    assert json.loads(line)["reason"].startswith(said)
