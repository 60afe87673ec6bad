"""What the steps made serves if the last of it is as good as `accept` asks for, and else it is said why not."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from slipway.errors.base import Place
from slipway.gate.judge import error, judge
from slipway.gate.report import Report, rounded
from slipway.spec.artifact.accept import Accept
from tests.unit.gate.reports import ROWS, of, report, variant

COUNTS = st.integers(0, ROWS)


def accept(**rules: Any) -> Accept:
    return Accept.model_validate({"dataset": "models/digits/test.npz", **rules})


def stages(measured: Report, **rules: Any) -> list[tuple[str, str]]:
    return [(each.stage, each.rule) for each in judge(measured, accept(**rules))]


@given(st.lists(COUNTS, min_size=1, max_size=6), st.integers(0, ROWS))
def test_a_drop_is_allowed_to_the_row(right: list[int], most: int) -> None:
    """Counted in rows there is no rounding: so many may be lost and not one more."""
    found = stages(of([count / ROWS for count in right]), metric="accuracy", max_drop=most / ROWS)
    assert bool(found) == (right[0] - right[-1] > most)


@given(st.lists(COUNTS, min_size=2, max_size=6), st.integers(1, ROWS))
def test_the_step_is_named_from_which_on_it_is_too_bad(right: list[int], most: int) -> None:
    found = stages(of([count / ROWS for count in right]), metric="accuracy", max_drop=most / ROWS)
    assume(found)
    index = int(found[0][0].split()[0])
    assert all(right[0] - each > most for each in right[index:])
    assert index == 1 or right[0] - right[index - 1] <= most


@given(st.lists(COUNTS, min_size=1, max_size=4), st.integers(0, ROWS))
def test_a_least_value_is_enough(right: list[int], least: int) -> None:
    found = stages(of([count / ROWS for count in right]), metric="accuracy", min=least / ROWS)
    assert bool(found) == (right[-1] < least)


@given(st.lists(st.floats(0, 10), min_size=2, max_size=4), st.floats(0.1, 5))
def test_less_of_an_error_is_never_refused(values: list[float], most: float) -> None:
    measured = of(values, metric="rmse")
    found = stages(measured, metric="rmse", max_drop=most)
    if values[-1] <= values[0]:
        assert not found
    if values[-1] > values[0] + most + 0.1:
        assert found == [(found[0][0], "accept.max_drop")]


@given(st.lists(COUNTS, min_size=1, max_size=5), st.integers(0, 50), st.integers(0, 50))
def test_who_asks_for_less_is_refused_no_more_often(right: list[int], few: int, more: int) -> None:
    measured = of([count / ROWS for count in right])
    strict = stages(measured, metric="accuracy", max_drop=min(few, more) / ROWS)
    lax = stages(measured, metric="accuracy", max_drop=max(few, more) / ROWS)
    assert strict or not lax


@given(st.integers(1, 10**6), st.floats(0, 1))
def test_a_rounded_share_is_a_number_of_rows(rows: int, value: float) -> None:
    share = rounded(value, rows, share=True)
    assert share * rows == pytest.approx(round(share * rows), abs=rows * 1e-6)
    assert abs(share - value) <= 0.5 / rows + 1e-6


def test_a_later_step_may_bring_back_what_one_lost() -> None:
    assert stages(of([0.95, 0.5, 0.95]), metric="accuracy", max_drop=0.01) == []


def test_a_refusal_has_step_numbers_and_a_way_out() -> None:
    (refusal,) = judge(of([0.95, 0.95, 0.9]), accept(metric="accuracy", max_drop=0.01))
    assert (refusal.stage, refusal.rule) == ("2 step", "accept.max_drop")
    assert refusal.problem == "accuracy falls from 0.95 to 0.9, by 0.05"
    assert refusal.allowed == "at most 0.01"
    assert "drop that step" in refusal.todo and "raise accept.max_drop" in refusal.todo


def test_a_source_that_is_not_good_enough_is_not_blamed_on_a_step() -> None:
    (refusal,) = judge(of([0.8, 0.8]), accept(metric="accuracy", min=0.9))
    assert refusal.stage == "source"
    assert refusal.todo.startswith("train the model better")


def test_fewer_rows_than_can_show_the_drop_are_refused_with_how_many_it_takes() -> None:
    (refusal,) = judge(of([0.9, 0.9], rows=50), accept(metric="accuracy", max_drop=0.01))
    assert (refusal.stage, refusal.rule) == ("dataset", "accept.max_drop")
    assert "one of 50 rows is 0.02 already" in refusal.problem
    assert "100 rows or more" in refusal.todo


def test_no_drop_at_all_can_be_asked_of_any_number_of_rows() -> None:
    assert stages(of([0.9, 0.9], rows=10), metric="accuracy", max_drop=0) == []
    assert stages(of([0.9, 0.8], rows=10), metric="accuracy", max_drop=0) == [("1 step", "accept.max_drop")]


def test_answers_that_agree_too_seldom_are_refused() -> None:
    measured = report(variant("source", agreement=1.0), variant("1 step", agreement=0.96))
    (refusal,) = judge(measured, accept(agreement=0.98))
    assert refusal.problem == "answers 192 of 200 rows as the source does, 0.96"
    assert not judge(measured, accept(agreement=0.96))


def test_broken_answers_are_refused_and_not_counted_as_a_metric() -> None:
    measured = report(variant("source"), variant("1 fp16", None, broken_rows=7))
    (refusal,) = judge(measured, accept(metric="accuracy", max_drop=0.01))
    assert refusal.problem == "answers NaN or infinity in 7 of 200 rows"


def test_what_is_less_robust_than_the_source_is_refused_for_that_disturbance_only() -> None:
    measured = report(
        variant("source", robustness={"noise": 0.9, "blur": 0.8}),
        variant("1 step", robustness={"noise": 0.89, "blur": 0.6}),
    )
    (refusal,) = judge(measured, accept(metric="accuracy", robustness={"noise": 0.1, "blur": 1, "max_drop": 0.05}))
    assert refusal.rule == "accept.robustness.max_drop"
    assert refusal.problem == "accuracy under blur falls from 0.8 to 0.6, by 0.2"


def test_refusals_become_one_error_about_the_spec() -> None:
    refusals = judge(of([0.95, 0.5]), accept(metric="accuracy", min=0.9, max_drop=0.01))
    text = str(error(refusals, Place("models/digits.yaml", 7)))
    assert text.splitlines() == [
        "models/digits.yaml:7: accept.min: 1 step: accuracy is 0.5; allowed: at least 0.9; next: drop that step, give "
        "it another calibration, range, exclude or share, or lower accept.min",
        "models/digits.yaml:7: accept.max_drop: 1 step: accuracy falls from 0.95 to 0.5, by 0.45; allowed: at most "
        "0.01; next: drop that step, give it another calibration, range, exclude or share, or raise accept.max_drop",
    ]
