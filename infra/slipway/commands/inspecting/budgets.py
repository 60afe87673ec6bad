"""Tell how much of the budgets of live models' objectives is left, where Prometheus says so."""

from collections.abc import Mapping, Sequence
from typing import Any

from slipway.cluster.prometheus import Prometheus, Silent
from slipway.commands.context import EnvironmentContext
from slipway.environments.planning.kinds import planning
from slipway.monitoring.budget import LEFT
from slipway.monitoring.objectives import names_of
from slipway.plan.model import ModelPlan
from slipway.values.names import fitted
from slipway.values.windows import format_window

Left = Mapping[str, Mapping[str, float]]
"""The part of a budget that is left, by model and objective."""


def budgets(context: EnvironmentContext, models: Sequence[str]) -> tuple[Left | None, str]:
    """What is left of the budgets of an environment, None where nobody knows, and then why.

    Prometheus is asked only where one of `models` promises something.
    """
    monitoring = planning(context.settings).monitoring
    if monitoring is None or not any(model.spec.slo and model.name in models for model in context.plan.models):
        return {}, ""
    try:
        return Prometheus(context.cluster, monitoring.prometheus).budgets(fitted(context.name), LEFT), ""
    except Silent as silent:
        return None, str(silent)


def budget_json(model: ModelPlan | None, left: Left | None) -> dict[str, Any]:
    """What a row of `slipway status --json` has of a model that promises something; null is unknown."""
    if model is None or model.spec.slo is None:
        return {}
    of = (left or {}).get(model.name, {})
    return {"budgetLeft": {name: of.get(name) for name in names_of(model.spec.slo)}}


def budget_lines(context: EnvironmentContext, models: Sequence[str], left: Left | None, why_not: str) -> list[str]:
    """For people, below a table."""
    if left is None:
        return [f"budgets are not known: {why_not}"]
    lines = []
    for model in context.plan.models:
        slo = model.spec.slo
        if slo is None or model.name not in models:
            continue
        of = left.get(model.name, {})
        parts = [
            f"{name} {of[name]:.1%}" if name in of else f"{name} not known (no calls, or no rules yet)"
            for name in names_of(slo)
        ]
        lines.append(f"{model.name}: left of the budget of {format_window(slo.window)}: {', '.join(parts)}")
    return lines
