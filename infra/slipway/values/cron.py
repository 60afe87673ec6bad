"""Parse times that repeat: schedules of cron, and the time zone that they are read in.

Two programs read a schedule: KEDA with robfig/cron, the simulator with cronsim. What they understand differently is
refused here: seconds, macros, `L`, `W`, `#`, 7 for Sunday, `N/STEP`, and a day of the month beside a day of the week,
which cron takes as either of them though people mean both.
"""

import re
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import available_timezones

from cronsim import CronSim, CronSimError
from pydantic import BeforeValidator, WithJsonSchema

from slipway.errors.base import nearest
from slipway.values.quantities import kind_of, refusal

_LONGEST = 100
_FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
_NAMES = {"month": "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", "day of the week": "SUN MON TUE WED THU FRI SAT"}
_EXAMPLE = "write for example 0 7 * * 1-5, which is 7:00 from Monday to Friday"
_ALLOWED = (
    "five fields: minute 0-59, hour 0-23, day of the month 1-31, month 1-12 or JAN-DEC, day of the week 0-6 or "
    "SUN-SAT; each `*`, `*/STEP`, or numbers and ranges with ',' between them, and one of the days `*`"
)
_SOME_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def parse_cron(value: object) -> str:
    """A schedule of cron, `0 7 * * 1-5`, with one space between its fields."""
    if not isinstance(value, str):
        raise refusal(f"is {kind_of(value)}, not text", _ALLOWED, _EXAMPLE)
    fields = value.split()
    if len(value) > _LONGEST or len(fields) != len(_FIELDS):
        problem = f"has {len(fields)} fields" if len(value) <= _LONGEST else f"has {len(value)} characters"
        raise refusal(problem, _ALLOWED, _EXAMPLE)
    for name, field in zip(_FIELDS, fields, strict=True):
        if not _pattern(name).fullmatch(field) or any(map(_steps_over_one, field.split(","))):
            raise refusal(f"has {field} for its {name}", _ALLOWED, _EXAMPLE)
    if fields[2] != "*" and fields[4] != "*":
        raise refusal("names days of the month and of the week", _ALLOWED, "write * for one of them")
    text = " ".join(fields)
    try:
        CronSim(text, _SOME_MOMENT)
    except CronSimError as error:
        wrong = str(error).removeprefix("Bad ").replace("day-of-", "day of the ")
        raise refusal(f"is out of range in its {wrong}", _ALLOWED, _EXAMPLE) from None
    return text


def _pattern(name: str) -> re.Pattern[str]:
    """What a field may look like; whether its numbers are in range is for cronsim to say."""
    item = _range("[0-9]{1,2}")
    if name in _NAMES:
        item = f"(?:{item}|{_range('(?:' + _NAMES[name].replace(' ', '|') + ')')})"
    not_seven = r"(?!.*(?:^|[,-])0*7(?:[,/-]|$))" if name == "day of the week" else ""
    return re.compile(rf"{not_seven}(?:\*(?:/[1-9][0-9]?)?|{item}(?:,{item}){{0,30}})", re.IGNORECASE)


def _range(one: str) -> str:
    return f"{one}(?:-{one}(?:/[1-9][0-9]?)?)?"


def _steps_over_one(item: str) -> bool:
    """Whether an item is `8-8/2`: cronsim takes it for `8/2`, from 8 to the last."""
    first, _, rest = item.upper().partition("-")
    last, steps, _ = rest.partition("/")
    return bool(steps) and first.lstrip("0") == last.lstrip("0")


def same_times(one: str, other: str) -> bool:
    """Whether two schedules, both as `parse_cron` returns them, name the same times."""
    first, second = CronSim(one, _SOME_MOMENT), CronSim(other, _SOME_MOMENT)
    fields = ("minutes", "hours", "days", "months")
    days = [{day if isinstance(day, tuple) else day % 7 for day in schedule.weekdays} for schedule in (first, second)]
    return days[0] == days[1] and all(getattr(first, name) == getattr(second, name) for name in fields)


def parse_timezone(value: object) -> str:
    """A time zone by its name in the IANA database: `Europe/Berlin`."""
    allowed = "a name of the IANA time zone database, as UTC or Europe/Berlin"
    if not isinstance(value, str):
        raise refusal(f"is {kind_of(value)}, not text", allowed, "write for example Europe/Berlin")
    known = available_timezones()
    if value not in known:
        near = nearest(value, sorted(known))
        raise refusal("is not a time zone", allowed, f"write {near or 'for example Europe/Berlin'}")
    return value


Cron = Annotated[
    str, BeforeValidator(parse_cron), WithJsonSchema({"type": "string", "pattern": r"^\s*\S+(?:\s+\S+){4}\s*$"})
]
"""A schedule of cron, written `0 7 * * 1-5`."""

TimeZone = Annotated[str, BeforeValidator(parse_timezone), WithJsonSchema({"type": "string", "minLength": 1})]
"""A time zone, written `Europe/Berlin`."""
