"""Keep what happened to each rollout: rings that opened, devices that answered, how it ended. Bounded by releases.

A thing that happens again (a second pause) takes the place of the first, so that a release has no more rows than rings
and three times its devices.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from slipway.edge.rings import Rollout

# fmt: off
Kind = Literal[
    "started", "devices", "opened", "waiting", "approved", "paused", "resumed", "stopped", "done",
    "good", "failed", "returned",
]
# fmt: on
"""`devices`: all of the rollout in the order of rings, as one text; the last three: what a device first answered."""
ANSWERS = ("good", "failed", "returned")
SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
  model TEXT NOT NULL, release TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, at REAL NOT NULL,
  text TEXT NOT NULL, PRIMARY KEY (model, release, kind, subject)) STRICT, WITHOUT ROWID;
"""
KEPT = 5
"""Releases of each model whose events are kept: the newest."""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened. `subject`: a ring or a device; `at`: seconds since the epoch, by the control side's clock."""

    model: str
    release: str
    kind: Kind
    subject: str
    at: float
    text: str = ""


def happened(
    model: str, release: str, was: Rollout | None, now: Rollout, rings: Sequence[str], at: float
) -> list[Event]:
    """What became of a rollout between two looks. `was`: None where it begins; `rings`: their names."""

    def event(kind: Kind, subject: str = "", text: str = "") -> Event:
        return Event(model, release, kind, subject, at, text)

    found: list[Event] = []
    if was is None:
        found += [event("started"), event("devices", "", " ".join(now.devices))]
    if now.devices and (was is None or now.ring > was.ring):
        found.append(event("opened", rings[now.ring]))
    before = was.approved if was is not None else ()
    found += [event("approved", ring) for ring in now.approved if ring not in before]
    phase = was.phase if was is not None else "rolling"
    if now.phase != "rolling" and now.phase != phase:  # noqa: PLR1714 - narrows the type
        found.append(event(now.phase, "", now.reason))
    if phase == "paused" and now.phase == "rolling":
        found.append(event("resumed"))
    return found


def write(db: sqlite3.Connection, events: Iterable[Event]) -> None:
    """Keep events; those of a rollout that begins are all that is known of its release."""
    for one in events:
        if one.kind == "started":
            db.execute("DELETE FROM events WHERE model = ? AND release = ?", (one.model, one.release))
            _forget_old(db, one.model)
        row = (one.model, one.release, one.kind, one.subject, one.at, one.text)
        db.execute("INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?, ?)", row)


def _forget_old(db: sqlite3.Connection, model: str) -> None:
    db.execute(
        "DELETE FROM events WHERE model = ? AND release NOT IN (SELECT release FROM events WHERE model = ? "
        "AND kind = 'started' ORDER BY at DESC LIMIT ?)",
        (model, model, KEPT - 1),
    )


def write_answers(db: sqlite3.Connection, device: str, answers: Iterable[tuple[str, str, str, str]]) -> None:
    """Keep what a device answered first of each release: model, release, state, reason; only of rollouts that began."""
    for model, release, state, reason in answers:
        if state in ANSWERS:
            db.execute(
                "INSERT OR IGNORE INTO events SELECT ?1, ?2, ?3, ?4, seen, ?5 FROM devices WHERE name = ?4 AND EXISTS "
                "(SELECT 1 FROM events WHERE model = ?1 AND release = ?2 AND kind = 'started')",
                (model, release, state, device, reason[:300]),
            )


def read(db: sqlite3.Connection) -> Iterator[Event]:
    """All that is kept, by model and release, in the order in which it happened."""
    for row in db.execute("SELECT model, release, kind, subject, at, text FROM events ORDER BY model, release, at"):
        yield Event(*row)
