"""What a spec says about updates is whole: steps rise to all calls, and a strategy passes nothing over."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from slipway.spec.rollout import STEPS, RolloutRules
from slipway.values.percentages import format_percentage
from tests.support.pools import spec

STRATEGIES = ("rolling", "recreate", "blue-green", "canary")
TENTHS = st.integers(1, 1000).map(lambda tenths: tenths / 1000)
JUDGED_ONLY: dict[str, Any] = {
    "hold": "1m",
    "deadline": "1h",
    "shadow": "5%",
    "sticky": {"by": "key"},
    "header": {"name": "x-variant", "value": "next"},
    "judge": {"p95_ms": 100},
}


def rules(strategy: str, **written: Any) -> RolloutRules:
    downtime = {"downtime": "allowed"} if strategy == "recreate" else {}
    return RolloutRules.model_validate({"strategy": strategy} | downtime | written)


@pytest.mark.parametrize(
    ("strategy", "judged", "shares"),
    [("rolling", False, ()), ("recreate", False, ()), ("blue-green", True, (1.0,)), ("canary", True, STEPS)],
)
def test_a_strategy_says_which_shares_of_the_calls_a_new_release_gets(
    strategy: str, judged: bool, shares: tuple[float, ...]
) -> None:
    assert (rules(strategy).judged, rules(strategy).shares) == (judged, shares)


@given(st.lists(TENTHS, min_size=1, max_size=12))
def test_steps_are_accepted_exactly_when_they_rise_to_all_calls(steps: list[float]) -> None:
    written = [format_percentage(step) for step in steps]
    right = len(steps) <= 10 and steps == sorted(set(steps)) and steps[-1] == 1
    if right:
        assert rules("canary", steps=written).shares == tuple(steps)
    else:
        with pytest.raises(ValidationError):
            rules("canary", steps=written)


@given(st.sets(TENTHS, max_size=9).map(lambda steps: sorted({*steps, 1.0})))
def test_steps_are_read_and_written_the_same(steps: list[float]) -> None:
    written = [format_percentage(step) for step in steps]
    found = rules("canary", steps=written)
    assert found.shares == tuple(steps)
    assert found.model_dump(mode="json")["steps"] == written


@given(st.sampled_from(STRATEGIES), st.sets(st.sampled_from(sorted(JUDGED_ONLY))), st.booleans())
def test_what_a_strategy_does_not_read_is_refused(strategy: str, fields: set[str], with_steps: bool) -> None:
    written = {field: JUDGED_ONLY[field] for field in fields} | ({"steps": ["100%"]} if with_steps else {})
    judged = strategy in ("blue-green", "canary")
    if (judged or not fields) and (strategy == "canary" or not with_steps):
        assert rules(strategy, **written).judged == judged
    else:
        with pytest.raises(ValidationError):
            rules(strategy, **written)


@given(st.integers(1, 86_400), st.integers(1, 86_400))
def test_a_step_has_ten_seconds_and_a_deadline_above_them(hold: int, deadline: int) -> None:
    written = {"hold": f"{hold}s", "deadline": f"{deadline}s"}
    if 10 <= hold < deadline:
        assert (rules("canary", **written).hold, rules("canary", **written).deadline) == (hold, deadline)
    else:
        with pytest.raises(ValidationError):
            rules("canary", **written)


def test_an_override_may_take_back_what_only_a_judge_reads() -> None:
    """`null` removes a field: of a canary elsewhere, where the environment has no gateway."""
    assert not rules("rolling", sticky=None, header=None).judged


def test_what_is_left_out_is_not_dumped() -> None:
    assert RolloutRules().model_dump(mode="json") == {"downtime": "refused", "drain": "10s"}
    assert rules("canary").model_dump(mode="json") == {"downtime": "refused", "drain": "10s", "strategy": "canary"}


def test_a_judge_has_limits_though_a_spec_names_none() -> None:
    judge = rules("blue-green").judge
    assert (judge.errors, judge.p95_ms, judge.agreement, judge.tolerance) == (0.01, None, None, 0.001)
    assert (judge.outputs, judge.least_requests) == (None, 500)


@pytest.mark.parametrize("agreement", [0.49, 0.9995, 1, float("nan"), True, "0.99"])
def test_no_agreement_that_any_model_has_or_none_can_have(agreement: object) -> None:
    with pytest.raises(ValidationError):
        rules("canary", judge={"agreement": agreement})


def test_no_share_of_errors_that_no_calls_can_show() -> None:
    with pytest.raises(ValidationError, match="out of range"):
        rules("canary", judge={"errors": "0%"})


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("public", [True, False])
@pytest.mark.parametrize("asleep", [True, False])
def test_only_what_is_always_called_is_judged(strategy: str, public: bool, asleep: bool) -> None:
    changes: dict[str, Any] = {
        "rollout": rules(strategy).model_dump(mode="json"),
        "endpoint": {"public": public},
        "scale": {"target": {"queue": 2}} | ({"to_zero": {"after": "15m"}} if asleep else {}),
    }
    if rules(strategy).judged and (asleep or not public):
        with pytest.raises(ValidationError):
            spec(**changes)
    else:
        assert spec(**changes).rollout.strategy == strategy
