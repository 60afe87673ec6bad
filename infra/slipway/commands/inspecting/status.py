"""Gather what is live in an environment, model by model, and show it: `status`; the dashboard has the same."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slipway import console
from slipway.capacity.estimates import ColdStart
from slipway.capacity.measured import MeasuredStart
from slipway.cluster.pods import cold_start_s
from slipway.cluster.scaling import Scaling
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.budgets import budget_json, budget_lines, budgets
from slipway.commands.inspecting.changes import held_back
from slipway.commands.inspecting.cold_start import parts_json, show_parts, starts_of
from slipway.commands.inspecting.fleet import show_fleet_status
from slipway.commands.inspecting.scaling import alert_lines, alerts, alerts_json, scaling_json, scalings
from slipway.deploy.record import Live, live_models
from slipway.deploy.update.state import rollouts
from slipway.deploy.update.telling import line as rollout_line
from slipway.deploy.update.telling import to_json
from slipway.environments.planning.fleet import fleet_of
from slipway.errors.base import Place, UnknownName
from slipway.values.aliases import Json
from slipway.values.names import MANAGED_BY, selector

_COLUMNS = ("MODEL", "VERSION", "RELEASE", "READY", "REPLICAS", "COLD START", "STATE", "URL")
_COLD_START_MOST_S = 1800.0
"""For models without a spec; of the others, the plan knows how long a rollout may take."""


@dataclass(frozen=True)
class Status:
    """What is live in an environment.

    Attributes:
        rows: one per live model, and per spec that is not live, as `slipway status --json` has them.
        alerts: what fires about no model, likewise; None where nobody knows.
        scaled: how the replicas of each live model are set.
        rollouts: where each rollout is, in a line for people, by model.
        lines: what no row has room for, for people.
        starts: of each live model its name, the estimated cold start (None without a spec), and what was measured.
    """

    rows: list[dict[str, Any]]
    alerts: list[dict[str, Any]] | None
    scaled: Mapping[str, Scaling]
    rollouts: Mapping[str, str]
    lines: tuple[str, ...]
    starts: list[tuple[str, ColdStart | None, MeasuredStart | None]]


def show_status(context: EnvironmentContext, names: Sequence[str], *, as_json: bool) -> None:
    """Print what is live, of the models named only, when some are.

    Raises `UnknownName` for one that is neither live nor has a spec.
    """
    fleet = fleet_of(context.settings)
    if fleet is not None:
        show_fleet_status(context, fleet, names, as_json=as_json)
        return
    status = status_of(context, names)
    for unread in context.left_out:
        console.message(f"warning: {unread}")
    if as_json:
        console.document({"environment": context.name, "models": status.rows, "alerts": status.alerts})
        return
    console.table(_COLUMNS, [_cells(row, status.scaled) for row in status.rows])
    for line in (*(f"{name}: rollout: {said}" for name, said in status.rollouts.items()), *status.lines):
        console.result(line)
    show_parts(status.starts)


def status_of(context: EnvironmentContext, names: Sequence[str] = ()) -> Status:
    """Ask the cluster what is live; raises what reaching it raises, and `UnknownName` as `show_status` does."""
    live = live_models(context.cluster)
    urls = context.running.urls(context.cluster)
    planned = {model.name: model for model in context.plan.models}
    there = sorted({*live, *planned})
    for name in names:
        if name not in there:
            raise UnknownName(Place(f"environment {context.name}"), "model", name, there, "name one of those")
    wrong = {name for unread in context.left_out for name in unread.names}
    pods = context.cluster.list("Pod", f"app.kubernetes.io/managed-by={MANAGED_BY}")
    scaled, (firing, unknown) = scalings(context, live), alerts(context)
    chosen = [name for name in there if name in names or not names]
    served = [name for name in chosen if name in live]
    starts, judged = starts_of(context), rollouts(context.cluster)
    held = held_back(context.plan.models, live)
    left, why_not = budgets(context, served)
    rows: list[dict[str, Any]] = []
    for name in chosen:
        here, wanted = live.get(name), planned.get(name)
        limit_s = wanted.timing.deadline_s if wanted else _COLD_START_MOST_S
        rows.append(
            {
                "model": name,
                "version": here.version if here else None,
                "release": here.release if here else None,
                "ready": here.ready if here else 0,
                "wanted": here.wanted if here else 0,
                "asleep": here is not None and here.asleep,
                "scaling": scaling_json(scaled.get(name)),
                "alerts": alerts_json(firing, name),
                "state": state(here, wanted.release if wanted else None, spec_is_wrong=name in wrong),
                "coldStart": {
                    "estimatedSeconds": wanted.estimates.cold_start.total_s if wanted else None,
                    "measuredSeconds": cold_start_s(_of(pods, name), here.release, limit_s) if here else None,
                },
                "coldStartParts": parts_json(wanted.estimates.cold_start if wanted else None, starts.get(name)),
                "url": urls.get(name),
                "rollout": to_json(judged.get(name)),
                "heldBack": held.get(name),
                **budget_json(planned.get(name), left),
            }
        )
    estimates = {name: model.estimates.cold_start for name, model in planned.items()}
    return Status(
        rows,
        alerts_json(firing, None),
        scaled,
        {name: rollout_line(judged[name], time.time()) for name in chosen if name in judged},
        (
            *(held[name] for name in chosen if name in held),
            *budget_lines(context, served, left, why_not),
            *alert_lines(firing, unknown),
        ),
        [(name, estimates.get(name), starts.get(name)) for name in served],
    )


def state(live: Live | None, planned: str | None, *, spec_is_wrong: bool) -> str:
    """Return what a person should know first about a model. `planned`: the short digest of its spec's release."""
    if live is None:
        return "not deployed"
    if not live.serves:
        return "not ready"
    if live.verified != live.release:
        return "not verified"
    serves = "sleeps" if live.asleep else "serves"
    if planned is None:
        return f"{serves}; its spec is wrong" if spec_is_wrong else f"{serves}; has no spec"
    if live.release == planned:
        return serves
    return (
        f"{serves}; its spec's release was rolled back" if live.holds_back(planned) else f"{serves}; spec has changed"
    )


def _cells(row: Mapping[str, Any], scaled: Mapping[str, Scaling]) -> list[str]:
    return [
        str(row["model"]),
        str(row["version"] or "-"),
        str(row["release"] or "-"),
        "0 (asleep)" if row["asleep"] else f"{row['ready']}/{row['wanted']}",
        scaled[row["model"]].text() if row["model"] in scaled else "-",
        _cold_start(**row["coldStart"]),
        str(row["state"]),
        str(row["url"] or "-"),
    ]


def _of(pods: Sequence[Json], model: str) -> list[Json]:
    return [pod for pod in pods if selector(model).items() <= pod["metadata"].get("labels", {}).items()]


def _cold_start(estimatedSeconds: float | None, measuredSeconds: float | None) -> str:  # noqa: N803 - as in the JSON
    """What the quickest live replica took, and what was estimated for one on a new node: `10.0 s (est. 16.0 s)`."""
    measured = "-" if measuredSeconds is None else console.duration(measuredSeconds)
    return measured if estimatedSeconds is None else f"{measured} (est. {console.duration(estimatedSeconds)})"
