"""Commands that look at what is live and change nothing: status, verify."""

import os
import shlex
import socket
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from slipway import console
from slipway.cluster.pods import cold_start_s
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.budgets import budget_json, budget_lines, budgets
from slipway.commands.inspecting.changes import held_back
from slipway.commands.inspecting.cold_start import parts_json, show_parts, starts_of
from slipway.commands.inspecting.fleet import show_fleet_status
from slipway.commands.inspecting.scaling import alert_lines, alerts, alerts_json, scaling_json, scalings
from slipway.commands.inspecting.waking import awake
from slipway.deploy.judge import verify as judge_live
from slipway.deploy.record import Live, live_models, saved
from slipway.deploy.update.state import rollouts
from slipway.deploy.update.telling import line as rollout_line
from slipway.deploy.update.telling import to_json
from slipway.deploy.verdict import Verdict
from slipway.deploy.waking import NotWoken
from slipway.environments.planning.fleet import fleet_of
from slipway.errors.base import Place, UnknownName
from slipway.errors.failures import ModelNotServing, RolloutFailed, WrongAnswer
from slipway.reading.folders import find_root
from slipway.runtimes.registry import RUNTIMES
from slipway.spec.model import ModelSpec
from slipway.values.aliases import Json
from slipway.values.names import MANAGED_BY, selector

_REACH_LIMIT_S = 15.0
_REACH_RETRY_S = 0.5
_COLD_START_MOST_S = 1800.0
"""For models without a spec; of the others, the plan knows how long a rollout may take."""


def show_status(context: EnvironmentContext, names: Sequence[str], *, as_json: bool) -> None:
    """Print one row per live model, and per spec that is not live; of the models named only, when some are.

    Raises `UnknownName` for one that is neither.
    """
    fleet = fleet_of(context.settings)
    if fleet is not None:
        show_fleet_status(context, fleet, names, as_json=as_json)
        return
    live = live_models(context.cluster)
    urls = context.running.urls(context.cluster)
    planned = {model.name: model for model in context.plan.models}
    there = sorted({*live, *planned})
    for name in names:
        if name not in there:
            raise UnknownName(Place(f"environment {context.name}"), "model", name, there, "name one of those")
    for unread in context.left_out:
        console.message(f"warning: {unread}")
    wrong = {name for unread in context.left_out for name in unread.names}
    pods = context.cluster.list("Pod", f"app.kubernetes.io/managed-by={MANAGED_BY}")
    scaled, (firing, unknown) = scalings(context, live), alerts(context)
    chosen = [name for name in there if name in names or not names]
    starts, judged = starts_of(context), rollouts(context.cluster)
    held = held_back(context.plan.models, live)
    left, why_not = budgets(context, [name for name in chosen if name in live])
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
    if as_json:
        console.document({"environment": context.name, "models": rows, "alerts": alerts_json(firing, None)})
        return
    columns = ("MODEL", "VERSION", "RELEASE", "READY", "REPLICAS", "COLD START", "STATE", "URL")
    console.table(
        columns,
        [
            [
                str(row["model"]),
                str(row["version"] or "-"),
                str(row["release"] or "-"),
                "0 (asleep)" if row["asleep"] else f"{row['ready']}/{row['wanted']}",
                scaled[row["model"]].text() if row["model"] in scaled else "-",
                _cold_start(**row["coldStart"]),
                str(row["state"]),
                str(row["url"] or "-"),
            ]
            for row in rows
        ],
    )
    for line in (
        *(f"{name}: rollout: {rollout_line(judged[name], time.time())}" for name in chosen if name in judged),
        *(held[name] for name in chosen if name in held),
        *budget_lines(context, [name for name in chosen if name in live], left, why_not),
        *alert_lines(firing, unknown),
    ):
        console.result(line)
    show_parts(
        [
            (name, planned[name].estimates.cold_start if name in planned else None, starts.get(name))
            for name in chosen
            if name in live
        ]
    )


def _of(pods: Sequence[Json], model: str) -> list[Json]:
    return [pod for pod in pods if selector(model).items() <= pod["metadata"].get("labels", {}).items()]


def _cold_start(estimatedSeconds: float | None, measuredSeconds: float | None) -> str:  # noqa: N803 - as in the JSON
    """What the quickest live replica took, and what was estimated for one on a new node: `10.0 s (est. 16.0 s)`."""
    measured = "-" if measuredSeconds is None else console.duration(measuredSeconds)
    return measured if estimatedSeconds is None else f"{measured} (est. {console.duration(estimatedSeconds)})"


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


def curl(context: EnvironmentContext, where: str, spec: ModelSpec) -> str:
    """Return a line for a shell that sends a model's golden request; it works in the folder one is in."""
    path = os.path.relpath(find_root(context.folders.models) / spec.check.request)
    url = f"{where}{server.predict if (server := spec.own_server) else RUNTIMES[spec.runtime].predict_path}"
    rest = f"-H 'content-type: application/json' -d {shlex.quote(f'@{path}')}"
    if not where.startswith("https:"):
        return f"curl -s {url} {rest}"
    authority = f"--cacert <(slipway gateway-ca {context.name}) " if context.running.own_authority else ""
    return f'curl -s {authority}{url} -H "authorization: Bearer $KEY" {rest}'


def reachable(where: str) -> bool:
    """Whether the address of a URL accepts connections; waits a little, as a node's proxy may not know it yet."""
    address = urlsplit(where)
    deadline = time.monotonic() + _REACH_LIMIT_S
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((address.hostname or "", address.port or 80), timeout=1):
                return True
        except OSError:
            time.sleep(_REACH_RETRY_S)
    return False


def show_verdicts(context: EnvironmentContext, names: Sequence[str], *, wake: bool, as_json: bool) -> None:
    """Judge live models as they are; the last wrong answer is raised after all were printed.

    `wake`: also those that sleep, each of which is woken for it; else it is said of them that they do.
    """
    live = live_models(context.cluster)
    chosen = list(names) or sorted(live)
    wrong: WrongAnswer | None = None
    rows: list[dict[str, Any]] = []
    for name in chosen:
        if name not in live:
            raise ModelNotServing(context.name, name)
        passed_over = live[name].asleep and not wake
        verdict, error = (None, None) if passed_over else _verdict(context, live[name])
        wrong = error or wrong
        rows.append(
            {
                "model": name,
                "version": live[name].version,
                "right": None if passed_over else verdict is not None,
                "took_s": round(verdict.took_s, 4) if verdict else None,
                "reason": error.reason if error else None,
            }
        )
    if as_json:
        console.document({"environment": context.name, "models": rows})
    else:
        console.table(
            ("MODEL", "VERSION", "ANSWER", "TOOK"),
            [
                [
                    str(row["model"]),
                    str(row["version"]),
                    _ANSWERS.get(row["right"]) or f"wrong: {row['reason']}",
                    console.duration(row["took_s"]) if row["right"] else "-",
                ]
                for row in rows
            ],
        )
    if wrong:
        raise wrong


_ANSWERS = {True: "right", None: "asleep, not asked"}


def _verdict(context: EnvironmentContext, live: Live) -> tuple[Verdict | None, WrongAnswer | None]:
    """Judge one live model by the check that it was deployed with, or its spec's when it was never judged."""
    kept = saved(context.cluster, live.model)
    check = kept.check if kept else context.plan.find(live.model, context.folders.models).check
    try:
        with awake(context, live):
            return judge_live(context.cluster, live.model, check, kept.digest if kept else None), None
    except (NotWoken, RolloutFailed) as error:
        return None, WrongAnswer(live.model, str(error))
    except WrongAnswer as error:
        return None, error
