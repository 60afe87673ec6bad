"""Commands that show what was called and what it costs: usage, monthly statement, export."""

import csv
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from slipway import console
from slipway.cluster.keys_admin import KeysAdmin
from slipway.commands.context import EnvironmentContext
from slipway.errors.base import Place, UserError, WrongValue
from slipway.values.aliases import Json

GROUPS = ("key", "model", "day")
EVENTS = ("cloudevents", "lago")
_AT = Place("command line")
_MONTH = re.compile(r"20[0-9]{2}-(?:0[1-9]|1[0-2])")
_AMOUNTS = ("calls", "failed", "unsettled", "bytes_in", "bytes_out", "compute_seconds", "tokens", "usd")
_OF_STATEMENT = (
    "model",
    "calls",
    "failed",
    "unsettled",
    "bytes_in",
    "bytes_out",
    "compute_seconds",
    "tokens",
    "included",
    "calls_usd",
    "subscription_usd",
    "usd",
)


def show_usage(context: EnvironmentContext, first: date | None, last: date | None, by: str, form: str) -> None:
    """Print the usage of whole days in UTC, from `first` (else the first of the month) to `last` (else today).

    `form`: `table`, `json`, `csv`; or `cloudevents`, `lago`: one JSON object per call, a line each.
    """
    today = datetime.now(tz=UTC).date()
    last = last or today
    first = first or min(today.replace(day=1), last)
    if first > last:
        allowed = "a day that is not after --to"
        raise WrongValue(_AT, "--from", str(first), f"is after --to {last}", allowed, "exchange the two")
    query = {"from": _midnight(first), "to": _midnight(last + timedelta(days=1))}
    admin = KeysAdmin(context.cluster, context.name)
    if form in EVENTS:
        for event in _events(admin, {**query, "format": form, "source": f"slipway/{context.name}"}):
            sys.stdout.write(json.dumps(event, separators=(",", ":")) + "\n")
        return
    groups = groups_of(by)
    rows = admin.get("/admin/usage", {**query, "by": ",".join(groups)})["rows"]
    if form == "json":
        console.document({"environment": context.name, "from": query["from"], "to": query["to"], "rows": rows})
        return
    cells = [[_cell(row[name]) for name in (*groups, *_AMOUNTS)] for row in rows]
    _print((*groups, *_AMOUNTS), cells, form)


def show_statement(context: EnvironmentContext, key: str, month: str | None, form: str) -> None:
    """Print what a key, and those that were rotated from it, used and costs in a month."""
    month = month or datetime.now(tz=UTC).strftime("%Y-%m")
    if not _MONTH.fullmatch(month):
        raise WrongValue(_AT, "--month", month, "is not a month", "YYYY-MM", "write for example 2026-11")
    if form in EVENTS:
        problem = "has no statement: it has a line for each call"
        raise WrongValue(_AT, "--format", form, problem, "table, json, csv", "leave --statement out")
    if key.startswith("sk_"):
        todo = "write its id, as `slipway keys list` shows it"
        raise UserError(_AT, "--statement", "this is a key", "the id of a key", todo)
    found = KeysAdmin(context.cluster, context.name).get("/admin/statement", {"key": key, "month": month})
    if form == "json":
        console.document(found)
        return
    _print(_OF_STATEMENT, statement_rows(found), form)
    if form == "table":
        console.result("")
        console.result(f"{found['name']} ({found['key']}), {month}, {found['state']}: {found['total_usd']} USD")


def statement_rows(statement: Json) -> list[list[str]]:
    """The lines of a statement as cells: of each model, and of it all."""
    rows = [[_cell(line[name]) for name in _OF_STATEMENT] for line in statement["lines"]]
    return [*rows, ["total", *[""] * (len(_OF_STATEMENT) - 2), str(statement["total_usd"])]]


def groups_of(by: str) -> tuple[str, ...]:
    """`key,model` as the columns that usage is summed by."""
    names = tuple(part.strip() for part in by.split(","))
    for name in names:
        if name not in GROUPS or names.count(name) > 1:
            problem = "is written twice" if name in GROUPS else "is not what usage is summed by"
            raise WrongValue(_AT, "--by", name, problem, "key, model, day, with commas", "write for example key,model")
    return names


def _events(admin: KeysAdmin, query: Mapping[str, str]) -> Iterator[Json]:
    """Every event, page by page: neither here nor there all of them are held at once."""
    after: str | None = ""
    while after is not None:
        page = admin.get("/admin/export", {**query, "after": after} if after else query)
        yield from page["events"]
        after = page["next"]


def _print(columns: Sequence[str], rows: Sequence[Sequence[str]], form: str) -> None:
    if form == "csv":
        csv.writer(sys.stdout, lineterminator="\n").writerows([columns, *rows])
    else:
        console.table([name.upper().replace("_", " ") for name in columns], rows)


def _cell(value: object) -> str:
    """A value of a row; what nobody measured is no zero."""
    return "-" if value is None else str(value)


def _midnight(day: date) -> str:
    return datetime.combine(day, time(tzinfo=UTC)).isoformat()
