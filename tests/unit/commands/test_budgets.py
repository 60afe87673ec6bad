"""`slipway status` says what is left of each budget, and says so where nobody knows."""

import pytest

from slipway.cluster.prometheus import Prometheus, Silent
from slipway.commands.inspecting.budgets import budget_json, budget_lines, budgets
from tests.support.planned import slo_plan

LEFT = {"month": {"availability": 0.254, "latency": -0.5}}
PLAN = slo_plan()
MONTH = next(model for model in PLAN.models if model.name == "month")


class Context:
    """What is asked of an environment."""

    name = "watched"
    plan = PLAN
    settings = PLAN.settings
    cluster = None


CONTEXT: object = Context()


def test_what_is_left_is_shown_in_percent_and_what_is_not_known_as_such() -> None:
    lines = budget_lines(CONTEXT, ["month", "half-day"], LEFT, "")  # type: ignore[arg-type]
    assert lines == [
        "half-day: left of the budget of 12h: availability not known (no calls, or no rules yet), "
        "latency not known (no calls, or no rules yet)",
        "month: left of the budget of 30d: availability 25.4%, latency -50.0%",
    ]


def test_a_prometheus_that_is_silent_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*_: object) -> None:
        raise Silent("it is away")

    monkeypatch.setattr(Prometheus, "budgets", ask)
    found, why = budgets(CONTEXT, ["month"])  # type: ignore[arg-type]
    assert budget_lines(CONTEXT, ["month"], found, why) == ["budgets are not known: it is away"]  # type: ignore[arg-type]
    assert budget_json(MONTH, found) == {"budgetLeft": {"availability": None, "latency": None}}


def test_nobody_is_asked_where_nothing_is_promised() -> None:
    assert budgets(CONTEXT, []) == ({}, "")  # type: ignore[arg-type]
    assert budget_json(None, {}) == {}
