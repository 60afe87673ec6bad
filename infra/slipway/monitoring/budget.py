"""Write the rules that record what a model's objectives miss, and those that alert before a budget is used up."""

from collections.abc import Iterator
from typing import Any

from slipway.monitoring.alert import alert, series_of
from slipway.monitoring.objectives import (
    AVAILABILITY,
    LATENCY,
    MISSED_MOST,
    Burn,
    Objective,
    burns,
    counted,
    duration,
    interval_s,
    objectives,
)
from slipway.plan.model import ModelPlan
from slipway.spec.slo import Slo
from slipway.values import names
from slipway.values.windows import format_window

CALLS, MISSED = "slipway:slo_calls:rate", "slipway:slo_missed:rate"
BURN, LEFT = "slipway:slo_burn:ratio", "slipway:slo_budget_left:ratio"
"""What is recorded: calls in a second, those that miss an objective, how fast its budget is used, the part left."""
PAGE = "docs/how-to/slo.md"
_ALERTS = {AVAILABILITY: "SlipwayErrorBudgetBurns", LATENCY: "SlipwayLatencyBudgetBurns"}


def budget_group(model: ModelPlan, slo: Slo) -> dict[str, Any]:
    """The group of rules about a model's budgets; one interval for all, so that what is recorded can be counted."""
    every = interval_s(slo.window)
    found = list(objectives(slo, series_of(model)))
    rules = [_record(model, CALLS, counted(slo, series_of(model)))]
    rules += [_record(model, MISSED, one.missed, slo=one.name) for one in found]
    for one in found:
        rules += _burning(model, slo, one)
    for one in found:
        rules += [_alert(model, slo, one, burn, every) for burn in burns(slo.window)]
    return {"name": f"slipway-{model.namespace}-{model.name}-slo", "interval": duration(every), "rules": rules}


def _burning(model: ModelPlan, slo: Slo, objective: Objective) -> Iterator[dict[str, Any]]:
    budget = _number(objective.budget)
    shortest = burns(slo.window)[0].short_s
    for range_s in sorted({range_s for burn in burns(slo.window) for range_s in (burn.long_s, burn.short_s)}):
        # Over the shortest range the rates themselves say it: a sum of them would look back twice as far.
        missed, calls = _over(model, objective, range_s if range_s > shortest else None)
        expression = f"{missed} / ({calls} > 0) / {budget}"
        yield _record(model, BURN, expression, slo=objective.name, range=duration(range_s))
    missed, calls = _over(model, objective, slo.window)
    yield _record(model, LEFT, f"1 - {missed} / ({calls} > 0) / {budget}", slo=objective.name)


def _over(model: ModelPlan, objective: Objective, range_s: int | None) -> tuple[str, str]:
    """PromQL of what was missed and of all calls, summed up over a range; their labels are the same."""
    missed = f'{MISSED}{{{series_of(model)},slo="{objective.name}"}}'
    calls = f"{CALLS}{{{series_of(model)}}}"
    if range_s is None:
        return f"sum({missed})", f"sum({calls})"
    over = f"[{duration(range_s)}]"
    return f"sum(sum_over_time({missed}{over}))", f"sum(sum_over_time({calls}{over}))"


def _alert(model: ModelPlan, slo: Slo, objective: Objective, burn: Burn, every_s: int) -> dict[str, Any]:
    """Both ranges burn, and more than a few calls missed the objective in the long one."""
    long, short = (
        f'max({BURN}{{{series_of(model)},slo="{objective.name}",range="{duration(range_s)}"}})'
        for range_s in (burn.long_s, burn.short_s)
    )
    rate = _number(burn.rate)
    missed, _ = _over(model, objective, burn.long_s)
    few = f"{every_s} * {missed} > {MISSED_MOST}"
    part = f"{float(100 * burn.rate * burn.long_s / slo.window):g} %"
    window = format_window(slo.window)
    summary = (
        f"So many calls of model {model.name} {objective.said} that {part} of the budget of {window} went in "
        f"{duration(burn.long_s)}: {rate} times what its objective allows"
    )
    return alert(
        model,
        _ALERTS[objective.name],
        f"{long} > {rate}\nand {short} > {rate}\nand {few}",
        lasting="0s",
        severity=burn.severity,
        summary=summary,
        page=PAGE,
        more={"range": duration(burn.long_s)},
    )


def _record(model: ModelPlan, name: str, expression: str, **labels: str) -> dict[str, Any]:
    whose = {"namespace": model.namespace, "model": model.name, "environment": names.fitted(model.environment)}
    return {"record": name, "expr": expression, "labels": {**whose, **labels}}


def _number(value: Any) -> str:
    """A number as PromQL reads it, exact to twelve digits."""
    return f"{float(value):.12g}"
