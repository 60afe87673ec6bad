"""A rollout is told in one line, by what is known of it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from slipway.deploy.update.state import Rollout, State
from slipway.deploy.update.telling import line, to_json
from slipway.plan.rollout import Limits, RolloutPlan, Side

SINCE = "2026-11-26T12:00:00Z"
PLAN = RolloutPlan(
    id="3f2a9c01b4de",
    model="digits",
    namespace="models",
    environment="prod",
    old=Side("1.0.0", "aa" * 32, "digits"),
    new=Side("1.1.0", "bb" * 32, "digits-candidate"),
    port=80,
    steps=(0.0, 0.05, 0.25, 1.0),
    hold_s=120.0,
    deadline_s=1800.0,
    shadow=0.1,
    sticky=None,
    header=None,
    judge=Limits(0.01, None, 0.99, 0.001, None, 500),
    runtime="onnxruntime",
    prometheus="http://prometheus",
    timeout_s=5.0,
    started=SINCE,
)
EVIDENCE = {
    "new_requests": 312,
    "new_errors": 0,
    "old_errors": 0,
    "new_p95_ms": 12.2,
    "old_p95_ms": 11.0,
    "compared": 312,
    "disagreements": 0,
}


def told(after_s: float = 80.0, **state: Any) -> str:
    given: dict[str, Any] = {"id": PLAN.id, "phase": "judging", "step": 1, "since": SINCE, "evidence": EVIDENCE}
    now = datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp() + after_s
    return line(Rollout("digits", PLAN, State.model_validate(given | state)), now)


def test_a_step_is_told_with_what_was_counted_and_what_it_waits_for() -> None:
    assert told() == (
        "step 2 of 4, 5 %: 312 of 500 answers, 0 errors (old 0), p95 12 ms (old 11), 0 of 312 disagree; "
        "40 s left of its hold"
    )


def test_after_its_hold_a_step_says_what_is_missing() -> None:
    assert told(200, reason="312 of 500 answers; errors: 0 of 312").endswith("disagree; 312 of 500 answers")


def test_answers_are_not_held_against_what_is_needed_once_there_are_enough() -> None:
    assert told(evidence={"new_requests": 812}).startswith("step 2 of 4, 5 %: 812 answers;")


def test_the_first_step_is_of_calls_that_are_replayed() -> None:
    assert told(step=0).startswith("step 1 of 4, 10 % of the calls replayed: 312 of 500 answers")


@pytest.mark.parametrize(
    "evidence", [{}, {"new_requests": "many", "compared": None}, {"compared": 0, "disagreements": 0}]
)
def test_evidence_that_is_missing_is_left_out(evidence: dict[str, Any]) -> None:
    assert told(evidence=evidence) == "step 2 of 4, 5 %: nothing was counted yet; 40 s left of its hold"


def test_the_end_is_told_with_its_reason_and_what_to_do() -> None:
    assert told(phase="failed", step=0, reason="3 of 190 answers disagree") == (
        "1.1.0 failed at step 1 of 4, 10 % of the calls replayed: 3 of 190 answers disagree"
    )
    assert told(phase="passed") == ("1.1.0 passed and has all calls; slipway up prod digits makes it the stable one")


def test_what_nobody_wrote_yet_or_can_read_is_said() -> None:
    rollout = Rollout("digits", PLAN, None)
    assert line(rollout, 0) == "waiting for the judge"
    assert line(replace(rollout, plan=None), 0) == "what ConfigMap digits-rollout says cannot be read"
    found = to_json(rollout)
    assert found is not None
    assert (found["from"], found["to"], found["steps"]) == ("1.0.0", "1.1.0", [0.0, 5.0, 25.0, 100.0])
    assert to_json(None) is None
