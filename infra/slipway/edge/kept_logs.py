"""Keep the log of a device that somebody asked for: the last one that came, of each device."""

import json
import sqlite3
from dataclasses import dataclass

from slipway.values.aliases import Json

SCHEMA = """
CREATE TABLE IF NOT EXISTS logs (device TEXT PRIMARY KEY, asked REAL, came REAL, lines TEXT) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Log:
    """What came. `came`: seconds since the epoch; `lines`: oldest first, each with `age_s` at that time."""

    came: float
    lines: tuple[Json, ...]


def ask(db: sqlite3.Connection, device: str, now: float) -> None:
    """Ask a device for its log with its next report; what it sent before is forgotten."""
    db.execute("INSERT OR REPLACE INTO logs VALUES (?, ?, NULL, NULL)", (device, now))


def asked(db: sqlite3.Connection, device: str) -> bool:
    """Whether a device was asked, and has not answered."""
    row = db.execute("SELECT 1 FROM logs WHERE device = ? AND came IS NULL", (device,)).fetchone()
    return row is not None


def write(db: sqlite3.Connection, device: str, lines: list[Json], now: float) -> bool:
    """Keep what a device sent; False, and nothing, where nobody asked."""
    values = (now, json.dumps(lines), device)
    return db.execute("UPDATE logs SET came = ?, lines = ? WHERE device = ? AND came IS NULL", values).rowcount == 1


def read(db: sqlite3.Connection, device: str) -> Log | None:
    """What a device sent; None where it has not yet."""
    row = db.execute("SELECT came, lines FROM logs WHERE device = ? AND came IS NOT NULL", (device,)).fetchone()
    return None if row is None else Log(row[0], tuple(json.loads(row[1])))
