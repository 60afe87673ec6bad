"""Keep what devices said last of each model."""

import sqlite3
from collections.abc import Mapping

from slipway.edge import kept_events
from slipway.edge.rings import Answer


def write(db: sqlite3.Connection, device: str, said: Mapping[str, tuple[str, str, str, str]]) -> None:
    """Replace what a device said: name, release, state and reason, by model.

    Only what is new is written: each change of a row is told to every command that looks on.
    """
    kept_events.write_answers(db, device, said.values())
    known = db.execute("SELECT model, release, state, reason FROM answers WHERE device = ?", (device,))
    before = {one[0]: one for one in known.fetchall()}
    gone = [(device, model) for model in before if model not in said]
    db.executemany("DELETE FROM answers WHERE device = ? AND model = ?", gone)
    new = [(device, *one) for model, one in said.items() if before.get(model) != one]
    db.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", new)


def judged(db: sqlite3.Connection, model: str, release: str) -> dict[str, Answer]:
    """What devices said of a release, by device; those that only work at it are left out."""
    rows = db.execute(
        "SELECT device, state FROM answers WHERE model = ? AND release = ? AND state IN ('good', 'failed', 'returned')",
        (model, release),
    )
    return {device: "good" if state == "good" else "failed" for device, state in rows}
