"""Contain what the page shows of one environment: texts, tables and pictures, which the template only places."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from slipway.dashboard.bands import Bands
from slipway.values.aliases import Json

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
        pictures: of the rollouts of a fleet, the newest first.
    """

    name: str
    taken: str
    problem: str | None
    unreached: str | None
    facts: tuple[tuple[str, Cell], ...]
    rollouts: tuple[Rollout, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...]
    pictures: tuple[Bands, ...] = ()


_CHANGES = ("Time (UTC)", "Action", "Subject", "Outcome", "Who", "Commit", "Details")
OUTCOMES: Mapping[str, Tone] = {"passed": "good", "done": "good", "failed": "bad", "interrupted": "waits"}


def notes_of(one: Json) -> Iterator[str]:
    """What else is worth knowing of an environment."""
    yield from one["notes"]
    if one["changesUnread"] is not None:
        yield f"last changes are not known: {one['changesUnread']}"


def changes_table(changes: Sequence[Json] | None) -> Iterator[Table]:
    """The newest records of the audit trail; nothing where they are not known."""
    if changes is None:
        return
    rows = tuple(
        (
            Cell(moment(one["time"])),
            Cell(one["action"]),
            Cell(one["subject"] or "the environment"),
            Cell(one["outcome"], OUTCOMES.get(one["outcome"], "plain")),
            Cell(one["who"]["user"]),
            Cell(_commit(one["commit"])),
            Cell("; ".join([*one["details"], *([one["reason"]] if one["reason"] else [])]) or "-"),
        )
        for one in changes
    )
    yield Table("Last changes", _CHANGES, rows)


def _commit(commit: Mapping[str, Any] | None) -> str:
    return "-" if commit is None else f"{commit['sha'][:12]}{'+' if commit['dirty'] else ''}"


def moment(text: str) -> str:
    """A time of ISO 8601 in UTC, to the second, for people."""
    return text.replace("T", " ")[:19]
