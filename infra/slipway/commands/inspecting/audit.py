"""Show the audit trail of an environment, or verify it."""

import csv
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from slipway import console
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.noting import notes_of
from slipway.errors.base import Place, UserError, UserErrors
from slipway.history.errors import HistoryUnread
from slipway.history.record import Record, hash_of
from slipway.history.trail import Trail, parsed
from slipway.history.verify import verify
from slipway.values.aliases import Json
from slipway.values.sheets import as_text

_DAYS = 30
_CLOCKS = timedelta(days=1)
"""Records are in the order in which they were added; the clocks of two machines may differ by so much."""
_PART = 64
_TABLE = ("NUMBER", "TIME (UTC)", "ACTION", "SUBJECT", "OUTCOME", "WHO", "COMMIT", "DETAILS")
_CSV = ("number", "time", "action", "subject", "outcome", "user", "host", "run", "commit", "slipway")
_TEXTS = ("reason", "details", "hash")
_SHOWN = 60


def show_trail(context: EnvironmentContext, since: datetime | None, *, as_csv: bool, as_json: bool) -> None:
    """Print records, the newest last in CSV and JSON and first in a table; `since`: from that moment on.

    One that cannot be read is named after all others. Raises `NoHistory`, and `HistoryUnread` for the first of them.
    """
    moment = since or datetime.now(UTC) - timedelta(days=_DAYS)
    found: list[tuple[Record, str]] = []
    bad: list[HistoryUnread] = []
    for one in newest(notes_of(context).trail):
        if isinstance(one, HistoryUnread):
            bad.append(one)
        elif one[0].what.time < moment - _CLOCKS:
            break
        elif one[0].what.time >= moment:
            found.append(one)
    if as_json:
        document = [_document(record, digest) for record, digest in reversed(found)]
        console.document({"environment": context.name, "records": document})
    elif as_csv:
        lines = csv.writer(sys.stdout, lineterminator="\n")
        lines.writerow([*_CSV, *_TEXTS])
        lines.writerows([_line(record, digest) for record, digest in reversed(found)])
    else:
        console.table(_TABLE, [_row(record) for record, _ in found])
        if since is None:
            console.message(f"the last {_DAYS} days; --since shows more")
    for other in bad[1:]:
        console.message(str(other))
    if bad:
        raise bad[0]


def last_records(context: EnvironmentContext, limit: int) -> list[Json]:
    """The newest records, the newest first, as `slipway audit --json` has them.

    Raises `NoHistory`, and `HistoryUnread` for one that cannot be read.
    """
    trail = notes_of(context).trail
    found: list[Json] = []
    for number, raw in trail.read_all(trail.numbers()[::-1][:limit]):
        if isinstance(raw, HistoryUnread):
            raise raw
        found.append(_document(parsed(raw, trail.file(number)), hash_of(raw)))
    return found


def verify_trail(context: EnvironmentContext, expected: str | None, *, as_json: bool) -> None:
    """Verify the trail; raises `UserErrors` with all that is wrong, `NoHistory`, `HistoryUnread`."""
    notes = notes_of(context)
    found = verify(notes.trail, notes.store, context.name, expected)
    if as_json:
        console.document(
            {
                "environment": context.name,
                "records": found.records,
                "head": found.head or None,
                "expectedAt": found.expected_at,
                "beforeTheTrail": found.taken_in,
                "pending": found.pending,
                "findings": list(found.findings),
            }
        )
    if found.pending:
        text = "is in the last record and not in the history: a run goes on, or was killed; the next run writes it"
        console.message(f"{found.pending} {text}")
    if found.taken_in:
        text = "from before the trail, or of a backup without one: that they are there is known, not what was in them"
        console.message(f"entries {text}: {found.taken_in}")
    if found.findings:
        allowed = "records and entries as they were written"
        todo = "find out who may write there; a bucket with versions, or a backup, has what was there before"
        place = Place(f"environment {context.name}")
        raise UserErrors([UserError(place, "audit trail", text, allowed, todo) for text in found.findings])
    if as_json:
        return
    if not found.records:
        console.result(f"environment {context.name} has no audit trail yet: the next change begins it")
        return
    after = "" if found.expected_at is None else f"; the expected hash is of record {found.expected_at}"
    console.result(f"{found.records} records, each as it was written{after}; hash of the last:")
    console.result(found.head)


def newest(trail: Trail) -> Iterator[tuple[Record, str] | HistoryUnread]:
    """Records with their hashes, the newest first; as many are read at once as a screen has lines."""
    numbers = trail.numbers()[::-1]
    for first in range(0, len(numbers), _PART):
        for number, raw in trail.read_all(numbers[first : first + _PART]):
            try:
                if isinstance(raw, HistoryUnread):
                    raise raw
                yield parsed(raw, trail.file(number)), hash_of(raw)
            except HistoryUnread as error:
                yield error


def _details(record: Record) -> list[str]:
    """What an event says besides, or what an entry of a model is about."""
    if record.event is not None:
        return list(record.event.details)
    entry = record.entry
    if entry is None:
        return []
    release = f", release {entry.release[:16]}" if entry.release else ""
    return [f"version {entry.version}{release}"] if entry.version else []


def _row(record: Record) -> list[str]:
    what = record.what
    text = "; ".join([*_details(record), *([what.reason] if what.reason else [])])
    return [
        str(record.number),
        f"{what.time:%Y-%m-%d %H:%M:%S}",
        what.action,
        record.subject,
        record.outcome,
        str(what.who),
        str(what.commit or "-"),
        text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}...",
    ]


def _document(record: Record, digest: str) -> Json:
    """A record as JSON; the release itself, and digests of settings, are in its file."""
    what = record.what
    return {
        "number": record.number,
        "hash": digest,
        "previous": record.previous,
        "time": what.time.isoformat(),
        "action": what.action,
        "subject": record.subject,
        "outcome": record.outcome,
        "reason": what.reason,
        "details": _details(record),
        "who": what.who.model_dump(mode="json"),
        "commit": what.commit.model_dump(mode="json") if what.commit else None,
        "slipway": what.slipway,
    }


def _line(record: Record, digest: str) -> list[str]:
    what = record.what
    cells = [
        str(record.number),
        what.time.isoformat(),
        what.action,
        record.subject,
        record.outcome,
        what.who.user,
        what.who.host,
        what.who.run or "",
        str(what.commit or ""),
        what.slipway,
        what.reason,
        "; ".join(_details(record)),
        digest,
    ]
    return as_text(cells)
