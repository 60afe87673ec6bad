"""Name the tables of the control side's file, and read and write what changed in them since.

Each change of a row gets a number that only rises. So two that know the same state up to a number give each other what
is newer than that, and nothing else, whichever of them has the file.
"""

import base64
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slipway.edge import kept_events, kept_logs
from slipway.values.aliases import Json


@dataclass(frozen=True, slots=True)
class Table:
    """A table of which commands on other machines have a copy.

    Attributes:
        name: of the table.
        key: columns that name a row.
        watched: columns whose change counts; a device's every request changes others.
        read: columns that a copy has.
        written: columns that a copy sends; none where commands only delete rows.
        of_devices: whether devices change it by themselves, so that a change of theirs is no command's.
    """

    name: str
    key: tuple[str, ...]
    watched: tuple[str, ...]
    read: tuple[str, ...]
    written: tuple[str, ...]
    of_devices: bool = False


_ROLLOUT = ("release", "before", "state")
_ANSWER = ("release", "state", "reason")
_EVENT = ("at", "text")
_LOG = ("asked", "came", "lines")
TABLES = (
    Table("meta", ("name",), ("value",), ("value",), ("value",)),
    # The digest of a token stays in the file: nobody has to know it who did not make the token.
    Table(
        "devices",
        ("name",),
        ("state", "token", "public"),
        ("state", "public", "seen", "report"),
        ("state", "token"),
        of_devices=True,
    ),
    # What was signed is verified by the device alone.
    Table("documents", ("device",), ("serial", "digest"), ("serial", "digest"), ("serial", "digest", "envelope")),
    Table("releases", ("release",), ("entry",), ("entry",), ("entry",)),
    Table("rollouts", ("model",), _ROLLOUT, _ROLLOUT, _ROLLOUT),
    Table("progress", ("model",), ("state",), ("state",), ("state",)),
    Table("answers", ("device", "model"), _ANSWER, _ANSWER, (), of_devices=True),
    Table("events", ("model", "release", "kind", "subject"), _EVENT, _EVENT, _EVENT, of_devices=True),
    Table("logs", ("device",), _LOG, _LOG, _LOG, of_devices=True),
)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS devices (
  name TEXT PRIMARY KEY, state TEXT NOT NULL, token TEXT UNIQUE, public BLOB, nonce INTEGER NOT NULL DEFAULT -1,
  seen REAL, report TEXT) STRICT;
CREATE TABLE IF NOT EXISTS documents (
  device TEXT PRIMARY KEY, serial INTEGER NOT NULL, digest TEXT NOT NULL, envelope BLOB NOT NULL DEFAULT x'') STRICT;
CREATE TABLE IF NOT EXISTS releases (release TEXT PRIMARY KEY, entry TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS rollouts (
  model TEXT PRIMARY KEY, release TEXT NOT NULL, before TEXT NOT NULL, state TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS progress (model TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS answers (
  device TEXT NOT NULL, model TEXT NOT NULL, release TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY (device, model)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS changes (
  number INTEGER PRIMARY KEY AUTOINCREMENT, place TEXT NOT NULL, key TEXT NOT NULL, UNIQUE (place, key)) STRICT;
"""
_CHANGED = """
CREATE TRIGGER IF NOT EXISTS {table}_{event} AFTER {when} ON {table} BEGIN
  DELETE FROM changes WHERE place = '{table}' AND key = json_array({key});
  INSERT INTO changes (place, key) VALUES ('{table}', json_array({key}));
END;
"""


class RowsRefused(ValueError):
    """Rows that were sent are none of these tables."""


def schema() -> str:
    """The statements that make what is missing of the tables, and of what numbers their changes."""
    made = [_SCHEMA, kept_events.SCHEMA, kept_logs.SCHEMA]
    for table in TABLES:
        for event, when, row in (
            ("added", "INSERT", "NEW"),
            ("changed", f"UPDATE OF {', '.join(table.watched)}", "NEW"),
            ("deleted", "DELETE", "OLD"),
        ):
            key = ", ".join(f"{row}.{column}" for column in table.key)
            made.append(_CHANGED.format(table=table.name, event=event, when=when, key=key))
    return "".join(made)


def number(db: sqlite3.Connection) -> int:
    """The number of the last change; 0 where nothing was changed yet."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'changes'").fetchone()
    return 0 if row is None else int(row[0])


def commanded_since(db: sqlite3.Connection, since: int) -> bool:
    """Whether a command changed anything after a change: what devices did is no reason to look again."""
    ours = [table.name for table in TABLES if not table.of_devices]
    marks = ", ".join("?" * len(ours))
    found = db.execute(f"SELECT 1 FROM changes WHERE number > ? AND place IN ({marks}) LIMIT 1", (since, *ours))  # noqa: S608 - question marks
    return found.fetchone() is not None


def news(db: sqlite3.Connection, since: int) -> Json | None:
    """What was changed after a change: its number and the rows; all rows for one that is not known; None: nothing."""
    now = number(db)
    if since == now:
        return None
    whole = not 0 < since < now
    return {"number": now, "all": whole, "rows": all_rows(db) if whole else rows_since(db, since, to_copy=True)}


def taken(db: sqlite3.Connection, known: int, rows: Any) -> int | None:
    """Write what a copy sent that knows of everything up to a change; None, and nothing, where a command was faster.

    Returns the last change that the copy knows of by then: devices may have changed something meanwhile.
    """
    before = number(db)
    if known > before or commanded_since(db, known):
        return None
    commanded(db, rows)
    return known if before != known else number(db)


def all_rows(db: sqlite3.Connection) -> Json:
    """Every row, for a copy that has none."""
    return {
        table.name: {
            "rows": [list(map(_written, row)) for row in db.execute(_select(table, table.read))],
            "gone": [],
        }
        for table in TABLES
    }


def rows_since(db: sqlite3.Connection, since: int, *, to_copy: bool) -> Json:
    """The rows that were changed after a change, and the keys of those that were deleted.

    `to_copy`: with the columns that a copy has, else with those that it sends.
    """
    found: dict[str, Any] = {}
    for table in TABLES:
        columns = table.read if to_copy else table.written
        rows, gone = [], []
        for key in _keys(db, table, since):
            row = db.execute(f"{_select(table, columns)} WHERE {_where(table)}", key).fetchone()
            if row is None:
                gone.append(key)
            else:
                rows.append(list(map(_written, row)))
        if rows or gone:
            found[table.name] = {"rows": rows, "gone": gone}
    return found


def _keys(db: sqlite3.Connection, table: Table, since: int) -> Iterator[list[str]]:
    found = db.execute("SELECT key FROM changes WHERE number > ? AND place = ?", (since, table.name))
    return (json.loads(key) for (key,) in found.fetchall())


def cleared(db: sqlite3.Connection) -> None:
    """Delete every row, before all of them come again."""
    for table in TABLES:
        db.execute(f"DELETE FROM {table.name}")  # noqa: S608 - our own word


def copied(db: sqlite3.Connection, sent: Json) -> None:
    """Write into a copy what `all_rows` or `rows_since` gave."""
    for table in TABLES:
        if table.name in sent:
            _put(db, table, table.read, sent[table.name]["rows"])
            _delete(db, table, sent[table.name]["gone"])


def commanded(db: sqlite3.Connection, sent: Any) -> None:
    """Write into the file what a copy sent; raises `RowsRefused`, and `sqlite3.Error` for values of other types."""
    known = {table.name: table for table in TABLES}
    if not isinstance(sent, Mapping) or not set(sent) <= set(known):
        raise RowsRefused(f"the rows are not of {', '.join(known)}")
    for name, part in sent.items():
        table, rows, gone = known[name], _listed(part, "rows"), _listed(part, "gone")
        width = len(table.key) + len(table.written)
        if any(len(row) != width for row in rows) or any(len(key) != len(table.key) for key in gone):
            raise RowsRefused(f"a row of {name} has not {width} values")
        if name == "devices":
            _command_devices(db, rows, gone)
            continue
        if rows and not table.written:
            raise RowsRefused(f"only devices write {name}")
        _put(db, table, table.written, rows)
        _delete(db, table, gone)


def _listed(part: Any, name: str) -> list[list[Any]]:
    found = part.get(name) if isinstance(part, Mapping) else None
    if not isinstance(found, list) or not all(isinstance(one, list) for one in found):
        raise RowsRefused(f"{name} is no list of lists")
    return found


def _command_devices(db: sqlite3.Connection, rows: Sequence[Sequence[Any]], gone: Sequence[object]) -> None:
    """Invite, retire and revoke; whether a device is enrolled is between it and the file."""
    if gone:
        raise RowsRefused("devices are never deleted")
    for name, state, token in rows:
        if state == "invited" and isinstance(token, str):
            invite(db, name, token)
        elif state in ("retired", "revoked"):
            leave(db, name, state)
        else:
            raise RowsRefused(f"a device is not made {state} by a command")


def invite(db: sqlite3.Connection, device: str, token_digest: str) -> None:
    """Let a device enrol by a token; its former key is forgotten."""
    db.execute(
        "INSERT INTO devices (name, state, token) VALUES (?, 'invited', ?) ON CONFLICT (name) DO UPDATE "
        "SET state = 'invited', token = excluded.token, public = NULL, nonce = -1, report = NULL",
        (device, token_digest),
    )


def leave(db: sqlite3.Connection, device: str, state: str) -> None:
    """Retire or revoke a device; a token that it has not used is void."""
    db.execute("UPDATE devices SET state = ?, token = NULL WHERE name = ?", (state, device))


def _put(db: sqlite3.Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    names = (*table.key, *columns)
    changed = ", ".join(f"{column} = excluded.{column}" for column in columns)
    statement = (
        f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "  # noqa: S608 - our own words
        f"ON CONFLICT ({', '.join(table.key)}) DO UPDATE SET {changed}"
    )
    db.executemany(statement, [tuple(map(_read, row)) for row in rows])


def _delete(db: sqlite3.Connection, table: Table, keys: Sequence[Sequence[str]]) -> None:
    db.executemany(f"DELETE FROM {table.name} WHERE {_where(table)}", keys)  # noqa: S608 - our own words


def _select(table: Table, columns: Sequence[str]) -> str:
    return f"SELECT {', '.join((*table.key, *columns))} FROM {table.name}"  # noqa: S608 - our own words


def _where(table: Table) -> str:
    return " AND ".join(f"{column} = ?" for column in table.key)


def _written(value: Any) -> Any:
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _read(value: Any) -> Any:
    return base64.b64decode(value["base64"], validate=True) if isinstance(value, dict) and "base64" in value else value
