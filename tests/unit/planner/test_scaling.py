"""What a model scales on is refused only where it would scale on it, and what sleeps has a price all the same."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from slipway.capacity.estimates import estimates
from slipway.environments.planning.kinds import planning
from slipway.loading.settings import load_settings
from slipway.planner.environment import plan
from slipway.planner.traffic import route
from tests.support.planned import CODE, FIXTURES, gateway_plan, scaling_plan
from tests.support.pools import CPU, loaded, spec

SETTINGS = FIXTURES / "scaling/settings"
ASLEEP: dict[str, Any] = {"max": 4, "target": {"concurrency": 4}, "to_zero": {"after": "15m"}}


def test_a_target_that_nothing_follows_needs_no_metrics() -> None:
    """As where a model has one replica in the environment of its developers."""
    fixed = loaded(spec("digits", scale={"min": 1, "max": 1, "target": {"p95_ms": 100}}))
    settings = load_settings(SETTINGS, "unmeasured")
    assert plan("unmeasured", settings, [fixed], CODE).models[0].scaler is None


@pytest.mark.parametrize(
    ("name", "scaler", "alerts"),
    [
        ("fixed", None, False),
        ("by-cpu", "HorizontalPodAutoscaler", False),
        ("by-cpu-and-clock", "ScaledObject", False),
        ("by-p95", "ScaledObject", True),
        ("asleep", "ScaledObject", True),
    ],
)
def test_who_writes_the_replicas_follows_from_the_spec(name: str, scaler: str | None, alerts: bool) -> None:
    model = scaling_plan("measured").find(name, Path())
    assert (model.scaler, model.alerts) == (scaler, alerts)
    assert model.to_json()["scaler"] == scaler


def test_a_second_of_a_model_that_sleeps_costs_what_a_second_of_a_replica_costs() -> None:
    gateway = planning(gateway_plan("own").settings).gateway
    assert gateway is not None
    prices = []
    for scale in (ASLEEP, {"max": 4, "target": {"concurrency": 4}}):
        model = spec("digits", scale=scale, endpoint={"public": True})
        found = route(gateway, model, estimates(CPU, model, 0).cost, 60)
        assert found is not None
        prices.append(found.price["per_second"])
    assert prices[0] == prices[1] == round(Decimal("0.05") / 3600, 12)
