"""Keep what the control side knows, in one SQLite file: devices, documents, releases and rollouts.

Commands and `slipway edge serve` have it open at once: each change is a transaction, and a killed one never was. Where
the file is on another machine, commands have a copy instead (`slipway.edge.remote`).
"""

import hashlib
import json
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from slipway.edge import kept_answers, kept_events, kept_rollouts, tables
from slipway.edge.kept_events import Event
from slipway.edge.kept_logs import Logs
from slipway.edge.kept_rollouts import Going
from slipway.edge.rings import Answer, Rollout
from slipway.errors.base import FileRefused, SlipwayError
from slipway.values.aliases import Json

VARIABLE = "SLIPWAY_FLEET_STORE"
_BUSY_S = 30.0
_AGAIN = 20
"""How often a change is made anew, because another command was faster."""
_Made = TypeVar("_Made")


class StoreRefused(SlipwayError):
    """The control side's file cannot be read or written; nothing was changed in it."""


class StoreChanged(SlipwayError):
    """Another command changed the fleet since this one looked; nothing of this one's was written."""

    def __init__(self) -> None:
        super().__init__("another command changed the fleet at the same time; next: run this one again")


@dataclass(frozen=True, slots=True)
class Kept:
    """A device as the control side knows it.

    Attributes:
        name: as in the settings.
        state: `invited` until its token is used, then `enrolled`; `retired` or `revoked` for good.
        public: its 32 bytes of public key; None before it enrolled.
        nonce: the highest number that one of its requests had.
        seen: when it was last heard of, in seconds since the epoch.
        report: what it said last.
    """

    name: str
    state: str
    public: bytes | None
    nonce: int
    seen: float | None
    report: Json | None


class Store:
    """The file. Every method raises `StoreRefused` where SQLite does."""

    def __init__(self, path: Path) -> None:
        """Open or make the file, readable for its owner alone: it tells what each device runs."""
        self.where = str(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            todo = f"name another file with {VARIABLE}"
            raise FileRefused(str(path), f"cannot be made: {error.strerror}", "a file for the fleet", todo) from None
        with self._explained():
            self._db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
            # Of a power cut nothing may be lost that was answered: a token that is used, a nonce, a rollout.
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(tables.schema())

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """One transaction: all of it is written, or nothing."""
        with self._explained(), self._whole():
            yield

    @contextmanager
    def _whole(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def changed(self, act: Callable[[], _Made]) -> _Made:
        """What `act` returns, done in one transaction; done anew where another command was faster."""
        for _ in range(_AGAIN):
            try:
                with self.changing():
                    return act()
            except StoreChanged:
                continue
        raise StoreChanged

    def changes(self, since: int) -> Json | None:
        """What was changed after a change, or everything; None where nothing was. Of one moment."""
        with self.changing():
            return tables.news(self._db, since)

    def command(self, known: int, rows: Any) -> int | None:
        """Write rows as a whole; see `tables.taken`."""
        with self._whole():
            return tables.taken(self._db, known, rows)

    def refresh(self) -> None:
        """See what others changed: here that is seen anyway."""

    def clock(self) -> float:
        """Seconds since the epoch, by the clock of the machine that has the file."""
        return time.time()

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part of a transaction: where it raises, what it changed is taken back, and the rest stays."""
        self._db.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK TO part")
            raise
        finally:
            self._db.execute("RELEASE part")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            text = f"{self.where}: {error}; next: end what else has it open, or restore it from a backup"
            raise StoreRefused(text) from error

    def set_meta(self, name: str, value: str) -> None:
        """Keep one value by its name."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def meta(self, name: str) -> str | None:
        """A value that was kept."""
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def invite(self, device: str) -> str:
        """Keep a new device and return its token, of which only the digest is kept; its former key is forgotten."""
        token = secrets.token_urlsafe(32)
        tables.invite(self._db, device, _digest(token))
        return token

    def enrol(self, token: str, device: str, public: bytes, now: float) -> bool:
        """Take a device's key for its token, which is used up with it; False where the token is not this device's."""
        changed = self._db.execute(
            "UPDATE devices SET state = 'enrolled', public = ?, token = NULL, nonce = -1, seen = ? "
            "WHERE name = ? AND token = ? AND state = 'invited'",
            (public, now, device, _digest(token)),
        )
        return changed.rowcount == 1

    def device(self, name: str) -> Kept | None:
        """A device by its name."""
        rows = self._devices("WHERE name = ?", (name,))
        return rows[0] if rows else None

    def devices(self) -> list[Kept]:
        """All that were ever invited, by name."""
        return self._devices("ORDER BY name", ())

    def _devices(self, where: str, values: tuple[str, ...]) -> list[Kept]:
        columns = "name, state, public, nonce, seen, report"
        rows = self._db.execute(f"SELECT {columns} FROM devices {where}", values)  # noqa: S608 - both are our own words
        return [
            Kept(name, state, public, nonce, seen, None if report is None else json.loads(report))
            for name, state, public, nonce, seen, report in rows
        ]

    def heard(self, device: Kept, nonce: int, now: float) -> bool:
        """Note a request; False where its number is not higher than all before, so that it may be a copy of one.

        Or where the device has another key since it was looked up, or was revoked.
        """
        changed = self._db.execute(
            "UPDATE devices SET nonce = ?, seen = ? WHERE name = ? AND public = ? AND state != 'revoked' AND nonce < ?",
            (nonce, now, device.name, device.public, nonce),
        )
        return changed.rowcount == 1

    def set_public(self, device: str, public: bytes) -> None:
        """Replace a device's key; its requests go on counting where they are."""
        self._db.execute("UPDATE devices SET public = ? WHERE name = ?", (public, device))

    def set_state(self, device: str, state: str) -> None:
        """Retire or revoke a device; a token that it has not used is void."""
        tables.leave(self._db, device, state)

    def reported(self, device: str, report: Json, answers: Iterable[tuple[str, str, str, str]]) -> None:
        """Keep a report, and what it says of each model: name, release, state, reason.

        What a report says that was written before the device had its last document is no answer to that.
        """
        self._db.execute("UPDATE devices SET report = ? WHERE name = ?", (json.dumps(report), device))
        there = self.document(device)
        if there is None or report["serial"] < there[0]:
            return
        kept_answers.write(self._db, device, {one[0]: one for one in answers})

    def answers(self, model: str, release: str) -> dict[str, Answer]:
        """What devices said of a release; those that only work at it are left out."""
        return kept_answers.judged(self._db, model, release)

    def said(self) -> list[tuple[str, str, str, str, str]]:
        """All that devices said last: device, model, release, state, reason."""
        return list(self._db.execute("SELECT device, model, release, state, reason FROM answers"))

    def document(self, device: str) -> tuple[int, str, bytes] | None:
        """A device's serial, the digest of what its document says, and the envelope."""
        row = self._db.execute("SELECT serial, digest, envelope FROM documents WHERE device = ?", (device,)).fetchone()
        return None if row is None else (row[0], row[1], row[2])

    def set_document(self, device: str, serial: int, digest: str, envelope: bytes) -> None:
        """Replace a device's document."""
        values = (device, serial, digest, envelope)
        self._db.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)", values)

    def set_release(self, release: str, entry: Json) -> None:
        """Keep what documents say of a release."""
        self._db.execute("INSERT OR IGNORE INTO releases VALUES (?, ?)", (release, json.dumps(entry)))

    def releases(self) -> dict[str, Json]:
        """What documents say of each release, by its name."""
        return {name: json.loads(entry) for name, entry in self._db.execute("SELECT release, entry FROM releases")}

    def going(self) -> list[Going]:
        """The last rollout of each model, by its name."""
        return list(kept_rollouts.read(self._db))

    def set_going(self, going: Going) -> None:
        """Replace a model's rollout."""
        kept_rollouts.write(self._db, going)

    def forget_answers(self, model: str, release: str) -> None:
        """Forget what devices said of a release: it is tried anew."""
        self._db.execute("DELETE FROM answers WHERE model = ? AND release = ?", (model, release))

    def set_progress(self, model: str, rollout: Rollout) -> None:
        """Replace how far a model's rollout is."""
        kept_rollouts.write_progress(self._db, model, rollout)

    def note(self, events: Iterable[Event]) -> None:
        """Keep what happened to rollouts."""
        kept_events.write(self._db, events)

    def events(self) -> list[Event]:
        """What happened to rollouts, by model and release, in its order."""
        return list(kept_events.read(self._db))

    @property
    def logs(self) -> Logs:
        """The logs of devices that were asked for them."""
        return Logs(self._db)

    def forget(self, model: str) -> None:
        """Put a model on no device any more."""
        kept_rollouts.delete(self._db, model)


@contextmanager
def opened(path: Path) -> Iterator[Store]:
    """The store, closed afterwards."""
    store = Store(path)
    try:
        yield store
    finally:
        store.close()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
