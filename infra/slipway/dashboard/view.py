"""Say what the page shows of an overview: every text that is in it, so that the template only places them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from slipway.values.aliases import Json

UNKNOWN = "unknown"
_AWAY = "not deployed"
Tone = Literal["good", "bad", "waits", "plain"]
"""What a word is marked with beside its colour: nothing is told by colour alone."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table: its text, how it is marked, and the address that it leads to."""

    text: str
    tone: Tone = "plain"
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its caption, the names of its columns, and rows, the first cell of which is the row's heading."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Rollout:
    """A rollout that goes on: `percent` of the calls that the new release gets, None where that is not known."""

    model: str
    text: str
    percent: float | None


@dataclass(frozen=True, slots=True)
class Section:
    """One environment.

    Attributes:
        name: its name.
        taken: when it was asked, in UTC.
        problem: why nothing else of it can be shown; None where it can.
        unreached: why nothing is known of what is live; None where that is known.
        facts: what a person should know first, by name.
        rollouts: those that go on.
        tables: models, alerts where some fire, last changes where they are known.
        notes: what else is worth knowing.
    """

    name: str
    taken: str
    problem: str | None
    unreached: str | None
    facts: tuple[tuple[str, Cell], ...]
    rollouts: tuple[Rollout, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...]


_MODELS = ("Model", "State", "Version", "Replicas", "Last verdict", "Objectives", "$ a month", "Address")
_CHANGES = ("Time (UTC)", "Action", "Subject", "Outcome", "Who", "Commit", "Details")
_OUTCOMES: Mapping[str, Tone] = {"passed": "good", "done": "good", "failed": "bad", "interrupted": "waits"}


def sections(overview: Sequence[Json]) -> list[Section]:
    """What is shown of each environment; the documents are those of `slipway.commands.inspecting.overview`."""
    return [_section(one) for one in overview]


def _section(one: Json) -> Section:
    if one["problem"] is not None:
        return Section(one["environment"], _moment(one["taken"]), one["problem"], None, (), (), (), ())
    rows = one["models"]
    models = Table("Models", _MODELS, tuple(_model(row) for row in rows))
    alerts = [*(one["alerts"] or ()), *(alert for row in rows for alert in row["alerts"] or ())]
    return Section(
        name=one["environment"],
        taken=_moment(one["taken"]),
        problem=None,
        unreached=one["unreached"],
        facts=tuple(_facts(one, alerts)),
        rollouts=tuple(_rollouts(rows)),
        tables=(models, *_alerts(one, rows), *_changes(one["changes"])),
        notes=tuple(_notes(one)),
    )


def _facts(one: Json, alerts: Sequence[Json]) -> Iterator[tuple[str, Cell]]:
    """What a person should know of an environment first."""
    rows = one["models"]
    if one["unreached"] is not None:
        yield "Models", Cell(f"{len(rows)} planned, {UNKNOWN} what is live", "waits")
    else:
        serving, away = sum(map(_serves, rows)), sum(row["state"] == _AWAY for row in rows)
        tone: Tone = "bad" if serving + away < len(rows) else "waits" if away else "good"
        yield "Models", Cell(f"{serving} of {len(rows)} serve" + (f", {away} not deployed" if away else ""), tone)
    known = one["alerts"] is not None
    firing = Cell(f"{len(alerts)} firing", "bad" if alerts else "good") if known else Cell(UNKNOWN, "waits")
    yield "Alerts", firing
    usd = one["usd"]
    if usd is not None:
        used = usd["budget"]["share"]["max"]
        month = _usd(usd["total"])
        yield "$ a month", Cell(f"{month} of a budget of {usd['budget']['month']:,}", "bad" if used > 1 else "plain")
    else:
        yield "$ a month", Cell("nothing is charged by the hour")


def _notes(one: Json) -> Iterator[str]:
    yield from one["notes"]
    if one["changesUnread"] is not None:
        yield f"last changes are not known: {one['changesUnread']}"


def _serves(row: Json) -> bool:
    return str(row["state"]).startswith(("serves", "sleeps"))


def _model(row: Json) -> tuple[Cell, ...]:
    return (
        Cell(row["model"]),
        Cell(row["state"], _tone(row)),
        Cell(_or_unknown(row, row["version"], "none")),
        Cell(_replicas(row)),
        _verdict(row),
        Cell(_objectives(row)),
        Cell("-" if row["usd"] is None else _usd(row["usd"])),
        Cell(row["url"] or "-", href=row["url"] if str(row["url"]).startswith(("https://", "http://")) else None),
    )


def _tone(row: Json) -> Tone:
    if row["state"] == UNKNOWN or row["state"] == _AWAY:
        return "waits"
    return "good" if _serves(row) else "bad"


def _or_unknown(row: Json, value: object, nothing: str) -> str:
    """A value as text; of a model about which nobody knows anything, that it is unknown."""
    if value is None:
        return UNKNOWN if row["state"] == UNKNOWN else nothing
    return str(value)


def _replicas(row: Json) -> str:
    if row["ready"] is None:
        return UNKNOWN
    if row["state"] == _AWAY:
        return "none"
    scaling = row["scaling"]
    scaled = scaling is not None and scaling["max"] != scaling["min"]
    bounds = f", {scaling['min']} to {scaling['max']}" if scaled else ""
    return f"asleep{bounds}" if row["asleep"] else f"{row['ready']} of {row['wanted']} ready{bounds}"


def _verdict(row: Json) -> Cell:
    last = row["lastVerdict"]
    if last is None:
        return Cell("none noted")
    return Cell(f"{last['action']} {last['outcome']}, {_moment(last['time'])}", _OUTCOMES.get(last["outcome"], "plain"))


def _objectives(row: Json) -> str:
    if row["slo"] is None:
        return "-"
    left = row.get("budgetLeft") or {}
    shown = []
    for name, text in row["slo"]["promised"].items():
        of = left.get(name)
        shown.append(f"{name} {text}: {UNKNOWN if of is None else f'{of:.1%}'} of its budget left")
    return f"{'; '.join(shown)} ({row['slo']['window']})"


def _rollouts(rows: Sequence[Json]) -> Iterator[Rollout]:
    for row in rows:
        if row["rollout"] is not None:
            yield Rollout(row["model"], row["rolloutLine"] or UNKNOWN, row["rollout"]["percent"])


def _alerts(one: Json, rows: Sequence[Json]) -> Iterator[Table]:
    about = [("the environment", alert) for alert in one["alerts"] or ()]
    about += [(row["model"], alert) for row in rows for alert in row["alerts"] or ()]
    if about:
        cells = tuple(
            (
                Cell(alert["name"], "bad"),
                Cell(name),
                Cell(alert["severity"]),
                Cell(alert["since"]),
                Cell(alert["summary"]),
            )
            for name, alert in about
        )
        yield Table("Alerts", ("Alert", "About", "Severity", "Since", "Summary"), cells)


def _changes(changes: Sequence[Json] | None) -> Iterator[Table]:
    if changes is None:
        return
    rows = tuple(
        (
            Cell(_moment(one["time"])),
            Cell(one["action"]),
            Cell(one["subject"] or "the environment"),
            Cell(one["outcome"], _OUTCOMES.get(one["outcome"], "plain")),
            Cell(one["who"]["user"]),
            Cell(_commit(one["commit"])),
            Cell("; ".join([*one["details"], *([one["reason"]] if one["reason"] else [])]) or "-"),
        )
        for one in changes
    )
    yield Table("Last changes", _CHANGES, rows)


def _commit(commit: Mapping[str, Any] | None) -> str:
    return "-" if commit is None else f"{commit['sha'][:12]}{'+' if commit['dirty'] else ''}"


def _usd(cost: Json) -> str:
    least, most = (f"{cost['month'][name]:,.2f}" for name in ("min", "max"))
    return least if least == most else f"{least} to {most}"


def _moment(text: str) -> str:
    """A time of ISO 8601 in UTC, to the second, for people."""
    return text.replace("T", " ")[:19]
