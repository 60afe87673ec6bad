"""The command `verify`, which asks live models, and the line that a person asks one with."""

import os
import shlex
import socket
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from slipway import console
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.fleet_verify import show_fleet_verdicts
from slipway.commands.inspecting.waking import awake
from slipway.deploy.judge import verify as judge_live
from slipway.deploy.record import Live, live_models, saved
from slipway.deploy.verdict import Verdict
from slipway.deploy.waking import NotWoken
from slipway.environments.planning.fleet import fleet_of
from slipway.errors.failures import ModelNotServing, RolloutFailed, WrongAnswer
from slipway.reading.folders import find_root
from slipway.runtimes.registry import RUNTIMES
from slipway.spec.model import ModelSpec

_REACH_LIMIT_S = 15.0
_REACH_RETRY_S = 0.5


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
    fleet = fleet_of(context.settings)
    if fleet is not None:
        show_fleet_verdicts(context, fleet, names, as_json=as_json)
        return
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
