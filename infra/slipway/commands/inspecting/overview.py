"""Gather what a person looks at first: models, verdicts, rollouts, money, last changes, of several environments.

What is not known is None or the word `unknown`, with the reason beside it: a cluster that does not answer has no
models that are not there, and no replicas that are none.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, get_args

from slipway.capacity.estimates import cost_json
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.audit import last_records
from slipway.commands.inspecting.fleet_overview import fleet_overview
from slipway.commands.inspecting.status import status_of
from slipway.environments.planning.fleet import fleet_of
from slipway.errors.base import SlipwayError
from slipway.history.entry import Action
from slipway.monitoring.objectives import AVAILABILITY, LATENCY, names_of
from slipway.plan.model import ModelPlan
from slipway.planner.price import price, today
from slipway.values.aliases import Json
from slipway.values.windows import format_window

CHANGES = 20
"""Records of the audit trail that are shown."""
UNKNOWN = "unknown"
Open = Callable[[str], EnvironmentContext]


def overview(names: Sequence[str], opened: Open) -> list[Json]:
    """One document per environment, in their order; never raises a `SlipwayError`: what failed is in its document.

    Each has `environment`; `taken`, the time in UTC; `problem`, why its files cannot be
    read, None where they can; then:

    - `unreached`: why nothing is known of what is live; None where the cluster answered.
    - `models`: rows of `slipway status --json`, and `usd` (dollars an hour and a month, None where nothing is
      charged by the hour), `slo` (what is promised), `lastVerdict` (of the newest record about it; None where
      there is none).
    - `alerts`, `notes`: what fires about no model, None where nobody knows; what else a person should know.
    - `usd`: the price of the environment; None where nothing is charged by the hour.
    - `fleet`: instead of all these, of a fleet of devices (`slipway.commands.inspecting.fleet_overview`).
    - `changes`: the newest records of the audit trail; None where they cannot be read, and why in `changesUnread`.
    """
    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(lambda name: _one(name, opened), names))


def _one(name: str, opened: Open) -> Json:
    document: dict[str, Any] = {"environment": name, "taken": datetime.now(UTC).isoformat(timespec="seconds")}
    try:
        context = opened(name)
        planned = {model.name: model for model in context.plan.models}
        priced = price(context.plan, today())
        unread = [str(one) for one in context.left_out]
    except SlipwayError as error:
        return document | {"problem": str(error)}
    changes, why_not = _changes(context)
    fleet = fleet_of(context.settings)
    if fleet is not None:
        seen = {"fleet": fleet_overview(context, fleet), "changes": changes, "changesUnread": why_not}
        return document | {"problem": None, "notes": unread} | seen
    live = _live(context, planned)
    for row in live["models"]:
        model = planned.get(row["model"])
        cost = model.estimates.cost if model is not None else None
        row["usd"] = None if cost is None else cost_json(cost)
        row["slo"] = _promised(model)
        row["lastVerdict"] = _last_verdict(row["model"], changes)
    return (
        document
        | {"problem": None}
        | live
        | {
            "notes": [*unread, *live["notes"]],
            "usd": priced.to_json() if priced is not None else None,
            "changes": changes,
            "changesUnread": why_not,
        }
    )


def _live(context: EnvironmentContext, planned: Mapping[str, ModelPlan]) -> Json:
    try:
        status = status_of(context)
    except SlipwayError as error:
        rows = [_unknown(name) for name in sorted(planned)]
        return {"unreached": str(error), "models": rows, "alerts": None, "notes": []}
    rows = [row | {"rolloutLine": status.rollouts.get(row["model"])} for row in status.rows]
    return {"unreached": None, "models": rows, "alerts": status.alerts, "notes": list(status.lines)}


def _unknown(name: str) -> Json:
    """A row of a model of which only the plan is known."""
    nothing = ("version", "release", "ready", "wanted", "asleep", "scaling", "alerts", "url", "rollout", "rolloutLine")
    return {"model": name, "state": UNKNOWN, **dict.fromkeys(nothing)}


def _changes(context: EnvironmentContext) -> tuple[list[Json] | None, str | None]:
    try:
        return last_records(context, CHANGES), None
    except SlipwayError as error:
        return None, str(error)


def _last_verdict(model: str, changes: Sequence[Json] | None) -> Json | None:
    """Of the newest record that is an entry of this model: a key may be called like it."""
    about = (one for one in changes or () if one["subject"] == model and one["action"] in get_args(Action))
    return next(({name: one[name] for name in ("action", "outcome", "time")} for one in about), None)


def _promised(model: ModelPlan | None) -> Json | None:
    slo = model.spec.slo if model is not None else None
    if slo is None:
        return None
    promised = {AVAILABILITY: f"{slo.availability:g} %" if slo.availability is not None else None}
    promised |= {LATENCY: f"p95 {slo.p95_ms:g} ms" if slo.p95_ms is not None else None}
    return {"window": format_window(slo.window), "promised": {name: promised[name] for name in names_of(slo)}}
