"""Say what the page shows of a fleet: rollouts as bands, devices worst first, what each rollout came to."""

from collections.abc import Iterator, Mapping

from slipway.dashboard.bands import bands
from slipway.dashboard.section import Cell, Section, Table, Tone, changes_table, moment, notes_of
from slipway.values.aliases import Json

_DRAWN = 6
"""Rollouts that are drawn, the newest; all that are kept are in the table."""
_DEVICES_MOST = 200
_STATES: Mapping[str, Tone] = {
    **dict.fromkeys(("failed", "returned", "revoked"), "bad"),
    **dict.fromkeys(("silent", "not enrolled", "pulling", "checking", "waiting"), "waits"),
    **{"good": "good"},
}
_PHASES: Mapping[str, Tone] = {"done": "good", "stopped": "bad", "paused": "waits", "waiting": "waits"}
_DEVICES = ("Device", "State", "Model", "Release", "Site", "Hardware", "Seen", "Reason")
_ROLLOUTS = ("Release", "Model", "Version", "Phase", "Began (UTC)", "Until (UTC)", "Good", "Failed", "Why", "Held by")


def fleet_section(one: Json) -> Section:
    """What is shown of a fleet."""
    fleet = one["fleet"]
    rollouts, devices = fleet["rollouts"], fleet["devices"]
    left = len(devices) - _DEVICES_MOST
    more = (f"{left} more devices are not in the table; slipway status shows them",) if left > 0 else ()
    return Section(
        name=one["environment"],
        taken=moment(one["taken"]),
        problem=None,
        unreached=fleet["unreached"],
        facts=tuple(_facts(fleet)),
        rollouts=(),
        tables=(_devices(devices), _history(rollouts), *changes_table(one["changes"])),
        notes=(*more, *notes_of(one)),
        pictures=tuple(bands(rollout) for rollout in rollouts[:_DRAWN]),
    )


def _facts(fleet: Json) -> Iterator[tuple[str, Cell]]:
    if fleet["unreached"] is not None:
        yield "Devices", Cell("unknown", "waits")
        return
    names = {row["device"] for row in fleet["devices"]}
    bad = {row["device"] for row in fleet["devices"] if _STATES.get(row["state"]) == "bad"}
    good = {row["device"] for row in fleet["devices"] if row["state"] == "good"} - bad
    yield "Devices", Cell(f"{len(good)} of {len(names)} good", "good" if len(good) == len(names) else "waits")
    yield "Failed", Cell(str(len(bad)), "bad" if bad else "good")
    for rollout in fleet["rollouts"]:
        if rollout["phase"] in ("rolling", "paused", "waiting"):
            text = f"{rollout['version']} {rollout['phase']}: {rollout['reason']}"
            yield f"Rollout of {rollout['model']}", Cell(text, _PHASES.get(rollout["phase"], "plain"))


def _devices(rows: list[Json]) -> Table:
    cells = tuple(
        (
            Cell(row["device"]),
            Cell(row["state"], _STATES.get(row["state"], "plain")),
            *(Cell(str(row[name]) or "-") for name in ("model", "release", "site", "hardware", "seen", "reason")),
        )
        for row in rows[:_DEVICES_MOST]
    )
    return Table("Devices, worst first", _DEVICES, cells)


def _history(rollouts: list[Json]) -> Table:
    rows = []
    for one in rollouts:
        states = [answer["state"] for answer in one["answers"]]
        held = [
            f"{held['kind']} {held['about']} {moment(held['at'])}"
            for held in one["moments"]
            if held["kind"] in ("paused", "resumed", "waiting", "approved")
        ]
        rows.append(
            (
                Cell(one["release"]),
                Cell(one["model"]),
                Cell(one["version"]),
                Cell(one["phase"], _PHASES.get(one["phase"], "plain")),
                Cell(moment(one["began"])),
                Cell(moment(one["until"])),
                Cell(str(states.count("good"))),
                Cell(str(len(states) - states.count("good"))),
                Cell(one["reason"] or "-"),
                Cell("; ".join(held) or "-"),
            )
        )
    return Table("Rollouts", _ROLLOUTS, tuple(rows))
