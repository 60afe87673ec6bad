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


class Logs:
    """The logs of one file."""

    def __init__(self, db: sqlite3.Connection) -> None:
        """Take the connection; who changes something does so in a transaction of the store."""
        self._db = db

    def ask(self, device: str, now: float) -> None:
        """Ask a device for its log with its next report; what it sent before is forgotten."""
        self._db.execute("INSERT OR REPLACE INTO logs VALUES (?, ?, NULL, NULL)", (device, now))

    def asked(self, device: str) -> bool:
        """Whether a device was asked, and has not answered."""
        row = self._db.execute("SELECT 1 FROM logs WHERE device = ? AND came IS NULL", (device,)).fetchone()
        return row is not None

    def write(self, device: str, lines: list[Json], now: float) -> bool:
        """Keep what a device sent; False, and nothing, where nobody asked."""
        text = "UPDATE logs SET came = ?, lines = ? WHERE device = ? AND came IS NULL"
        return self._db.execute(text, (now, json.dumps(lines), device)).rowcount == 1

    def read(self, device: str) -> Log | None:
        """What a device sent; None where it has not yet."""
        row = self._db.execute(
            "SELECT came, lines FROM logs WHERE device = ? AND came IS NOT NULL", (device,)
        ).fetchone()
        return None if row is None else Log(row[0], tuple(json.loads(row[1])))
