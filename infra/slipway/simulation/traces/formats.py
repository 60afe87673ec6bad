"""Understand the lines of a trace: CSV, Common or Combined Log Format, JSON as a gateway writes it.

Each format is a function from a line to an Entry, or to None for a line that asked no model: of another route, or
answered with 4xx, which a gateway or a server says before any model runs. What is wrong with a line is a BadLine.
"""

import csv
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite
from typing import NamedTuple

from slipway.errors.base import nearest, shown

COLUMNS = ("time", "duration_ms", "count")
_TIME_ALLOWED = "seconds, or a time as 2026-05-04T12:00:00.250Z"
_MOST_S = 1e11
_MOST_COUNT = 1_000_000_000
_CLF = re.compile(r'\S+ \S+ .*?\[([^\]]{20,40})\] "(?:[^"\\]|\\.)*" (\d{3}) (?:\d+|-)(?: .*)?')
_CLF_EXAMPLE = '203.0.113.7 - - [04/May/2026:12:00:00 +0000] "POST /predict HTTP/1.1" 200 512'
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CLF_TIME = re.compile(r"(\d{2})/(\w{3})/(\d{4}):(\d{2}:\d{2}:\d{2} [+-]\d{4})")


class Entry(NamedTuple):
    """What a line says: when, in seconds since 1970 or since anything else; how long it took, if said; how often."""

    at: float
    took_s: float | None
    number: int
    whole: bool
    """Whether the time has no part of a second."""


class BadLine(ValueError):
    """A line, or a field of it, cannot be understood."""

    def __init__(self, field: str | None, value: object, problem: str, allowed: str, todo: str) -> None:
        super().__init__(problem)
        self.field = field
        self.value = value
        self.problem = problem
        self.allowed = allowed
        self.todo = todo


Format = Callable[[str], Entry | None]


def csv_format(head: str) -> Format:
    """Return the format of a CSV file with this first line.

    Raises:
        BadLine: a column is unknown, given twice or missing.
    """
    names = [name.strip() for name in _cells(head)]
    for name in names:
        if name not in COLUMNS:
            near = nearest(name, COLUMNS)
            todo = f"write {near} instead" if near else "remove the column"
            raise BadLine(None, name, "is no column of a trace", ", ".join(COLUMNS), todo)
        if names.count(name) > 1:
            raise BadLine(None, name, "is named twice", ", ".join(COLUMNS), "remove one of them")
    if "time" not in names:
        raise BadLine("time", None, "has no such column", ", ".join(COLUMNS), "add it")

    def entry(line: str) -> Entry:
        cells = _cells(line)
        if len(cells) != len(names):
            allowed = f"{len(names)}, as the first line has"
            raise BadLine(None, None, f"has {len(cells)} columns", allowed, "correct or remove the line")
        row = dict(zip(names, cells, strict=True))
        at, whole = _moment("time", row["time"].strip())
        count = row.get("count", "").strip() or "1"
        if not count.isdecimal() or not len(count) <= 10 or int(count) > _MOST_COUNT:
            raise BadLine("count", count, "is no number of requests", "a whole number, from 0", "write one")
        return Entry(at, _milliseconds("duration_ms", row.get("duration_ms", "").strip()), int(count), whole)

    return entry


def _cells(line: str) -> list[str]:
    if '"' not in line:
        return line.split(",")
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error as error:
        raise BadLine(None, None, f"is not CSV: {error}", "cells with ',' between them", "correct the line") from None


def log_format(line: str) -> Entry | None:
    """Read a line in Common or Combined Log Format; what follows the size is passed over."""
    found = _CLF.fullmatch(line)
    if not found:
        todo = "correct or remove the line"
        raise BadLine(None, None, "is not in Common or Combined Log Format", f"as {_CLF_EXAMPLE}", todo)
    if found[2].startswith("4"):
        return None
    return Entry(_log_time(found[1]), None, 1, True)


@lru_cache(maxsize=64)
def _log_time(text: str) -> float:
    found = _CLF_TIME.fullmatch(text)
    if not found or found[2] not in _MONTHS:
        raise BadLine("time", text, "is no time", "as 04/May/2026:12:00:00 +0000", "correct or remove the line")
    try:
        date = f"{found[1]} {_MONTHS.index(found[2]) + 1} {found[3]} {found[4]}"
        return datetime.strptime(date, "%d %m %Y %H:%M:%S %z").timestamp()
    except ValueError:
        problem = "is not in the calendar"
        raise BadLine("time", text, problem, "as 04/May/2026:12:00:00 +0000", "correct or remove the line") from None


def json_format(route: str) -> Format:
    """Return the format of a gateway's log: ours, or that of Envoy Gateway when nothing is set.

    `route`: beginning of the name of the model's route; lines that name another are of other models.
    """

    def entry(line: str) -> Entry | None:
        try:
            document = json.loads(line)
        except ValueError as error:
            raise BadLine(None, None, f"is not JSON: {error}", "one JSON object", "correct or remove it") from None
        if not isinstance(document, dict):
            raise BadLine(None, None, "is no JSON object", "one JSON object", "correct or remove the line")
        name = _first(document, "route", "route_name")
        status = str(_first(document, "status", "response_code") or "")
        if (isinstance(name, str) and not name.startswith(route)) or status.startswith("4"):
            return None
        time = _first(document, "start_time", "time")
        if time is None:
            raise BadLine("start_time", None, "is missing, and so is time", _TIME_ALLOWED, "add one of them")
        at, whole = _moment("start_time", str(time))
        took = _first(document, "duration_ms", "duration")
        return Entry(at, _milliseconds("duration_ms", "" if took in (None, "-") else str(took)), 1, whole)

    return entry


def _first(document: dict[str, object], *keys: str) -> object:
    return next((document[key] for key in keys if document.get(key) is not None), None)


def _moment(field: str, text: str) -> tuple[float, bool]:
    """Return a time in seconds, and whether it is a whole one."""
    at = _number(text)
    if at is None:
        try:
            when = datetime.fromisoformat(text)
            at = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            raise BadLine(field, text, "is no time", _TIME_ALLOWED, "correct or remove the line") from None
    if not 0 <= at <= _MOST_S:
        raise BadLine(field, text, "is out of range", f"{_TIME_ALLOWED}, from 0 to {_MOST_S:.0e}", "write seconds")
    return at, at.is_integer()


def _milliseconds(field: str, text: str) -> float | None:
    if not text:
        return None
    number = _number(text)
    if number is None or not 0 <= number <= 86_400_000:
        allowed = "milliseconds, at most a day; empty if it is not known"
        raise BadLine(field, text, "is no duration", allowed, "correct or remove the line")
    return number / 1000


def _number(text: str) -> float | None:
    try:
        number = float(text) if text.isascii() and "_" not in text else float("nan")
    except ValueError:
        return None
    return number if isfinite(number) else None


def format_of(line: str, route: str) -> tuple[Format, bool]:
    """Return the format of a file that begins with this line, and whether the line is a head without an entry.

    Raises:
        BadLine: no format begins so.
    """
    if line.startswith("{"):
        return json_format(route), False
    if _CLF.fullmatch(line):
        return log_format, False
    if "time" in [cell.strip() for cell in line.split(",")] or "," in line:
        return csv_format(line), True
    allowed = f"a CSV file whose first line names its columns ({', '.join(COLUMNS)}), as time,duration_ms; an access "
    allowed += f"log in Common or Combined Log Format, as {_CLF_EXAMPLE}; or JSON with start_time and duration_ms"
    raise BadLine(None, None, f"{shown(line)} begins no trace that is known", allowed, "convert it to one of those")
