"""Gather what the page shows of a fleet: its devices, worst first, and what happened to each rollout, ring by ring."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby

from slipway.commands.context import EnvironmentContext
from slipway.commands.fleet_store import fleet_store
from slipway.commands.inspecting.fleet import device_rows
from slipway.edge.kept_events import ANSWERS, Event
from slipway.edge.kept_rollouts import Going
from slipway.edge.rings import rules_of
from slipway.edge.store import Store
from slipway.errors.base import SlipwayError
from slipway.settings.edge import EdgeSettings
from slipway.values.aliases import Json

_ENDS = ("stopped", "done")


def fleet_overview(context: EnvironmentContext, settings: EdgeSettings) -> Json:
    """What is known of a fleet; never raises a `SlipwayError`.

    `unreached`: why nothing is known of devices and rollouts; None where it is. `devices`: rows of `slipway status
    --json`. `rollouts`: the newest first, each with `rings`, `answers` and `moments`; see `_rollout`.
    """
    try:
        with fleet_store(context, settings) as store:
            going = store.going()
            devices = device_rows(settings, store, going)
            rollouts = _rollouts(settings, store, going, store.clock())
    except SlipwayError as error:
        return {"unreached": str(error), "devices": [], "rollouts": []}
    return {"unreached": None, "devices": devices, "rollouts": rollouts}


def _rollouts(settings: EdgeSettings, store: Store, going: Sequence[Going], now: float) -> list[Json]:
    releases = store.releases()
    current = {(one.model, one.release): one for one in going}
    found = [
        _rollout(settings, list(events), releases, current.get(key), now)
        for key, events in groupby(store.events(), lambda one: (one.model, one.release))
    ]
    return sorted((one for one in found if one["rings"]), key=lambda one: str(one["began"]), reverse=True)


def _rollout(
    settings: EdgeSettings, events: Sequence[Event], releases: Mapping[str, Json], going: Going | None, now: float
) -> Json:
    """One rollout.

    `rings`: by name, with how many devices each has of its own and when it was opened. `answers`: the last that each
    device said, with its ring. `moments`: pauses, approvals and the end, in their order. Times are in UTC. A rollout
    that another release took the place of is `replaced`.
    """
    model, release = events[0].model, events[0].release
    devices = next((one.text.split() for one in events if one.kind == "devices"), [])
    rules = rules_of(settings, len(devices))
    ring_of: dict[str, str] = {}
    rings: list[Json] = []
    first = 0
    for name, size in zip(rules.names, rules.sizes, strict=True):
        own = devices[first:size]
        first = max(first, size)
        ring_of |= dict.fromkeys(own, name)
        at = next((one.at for one in events if one.kind == "opened" and one.subject == name), None)
        if own:
            rings.append({"name": name, "devices": len(own), "opened": None if at is None else _moment(at)})
    answers = {one.subject: one for one in sorted(events, key=lambda one: one.at) if one.kind in ANSWERS}
    end = next((one for one in events if one.kind in _ENDS), None)
    phase = going.rollout.phase if going is not None else end.kind if end is not None else "replaced"
    reason = going.rollout.reason if going is not None else end.text if end is not None else ""
    other = [one for one in events if one.kind not in (*ANSWERS, "devices", "opened", "started")]
    return {
        "model": model,
        "release": release,
        "version": str(releases[release]["version"]) if release in releases else "unknown",
        "phase": phase,
        "reason": reason,
        "began": _moment(min(one.at for one in events if one.kind in ("started", "opened"))),
        "until": _moment(end.at if end is not None else now if going is not None else max(one.at for one in events)),
        "rings": rings,
        "answers": [
            {
                "device": name,
                "ring": ring_of.get(name, ""),
                "state": one.kind,
                "at": _moment(one.at),
                "reason": one.text,
            }
            for name, one in answers.items()
        ],
        "moments": [
            {"kind": one.kind, "about": one.subject, "at": _moment(one.at), "text": one.text}
            for one in sorted(other, key=lambda one: one.at)
        ],
    }


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
