"""A schedule that is accepted is one that cronsim and robfig/cron read alike."""

from datetime import UTC, datetime, timedelta

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from slipway.values.cron import parse_cron, parse_timezone, same_times

BOUNDS = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)]


@st.composite
def fields(draw: st.DrawFn, index: int) -> tuple[str, set[int]]:
    """A field, and the numbers that it names by the rules of robfig/cron."""
    low, high = BOUNDS[index]
    if draw(st.booleans()):
        step = draw(st.integers(1, 99))
        return (f"*/{step}" if step > 1 else "*"), set(range(low, high + 1, step))
    written, numbers = [], set[int]()
    for _ in range(draw(st.integers(1, 3))):
        first = draw(st.integers(low, high))
        last = draw(st.integers(first, high))
        step = draw(st.integers(1, 9))
        form = draw(st.sampled_from(["one", "range", "steps"] if last > first else ["one", "range"]))
        numbers |= {first} if form == "one" else set(range(first, last + 1, step if form == "steps" else 1))
        written.append({"one": f"{first}", "range": f"{first}-{last}", "steps": f"{first}-{last}/{step}"}[form])
    return ",".join(written), numbers


@given(fields(0), fields(1), fields(4))
def test_times_are_the_same_that_robfig_reads(
    minute: tuple[str, set[int]], hour: tuple[str, set[int]], weekday: tuple[str, set[int]]
) -> None:
    text = parse_cron(f"{minute[0]}  {hour[0]} * * {weekday[0]} ")
    assert text == f"{minute[0]} {hour[0]} * * {weekday[0]}"
    at = next(CronSim(text, datetime(2026, 3, 1, 12, tzinfo=UTC)))
    assert at.minute in minute[1]
    assert at.hour in hour[1]
    assert at.isoweekday() % 7 in weekday[1]
    assert at - datetime(2026, 3, 1, 12, tzinfo=UTC) <= timedelta(days=7)


@given(st.text(st.sampled_from("0123456789*,-/ LW#?@MONJANSUN"), max_size=30))
def test_any_text_is_refused_or_names_times(text: str) -> None:
    try:
        parsed = parse_cron(text)
    except PydanticCustomError:
        return
    assert next(CronSim(parsed, datetime(2026, 1, 1, tzinfo=UTC))) < datetime(2031, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "wrong",
    [
        *("", "@daily", "0 7 * *", "0 0 7 * * *", "TZ=UTC 0 7 * * *", "60 * * * *", "0 24 * * *", "0 7 0 * *"),
        *("0 7 32 * *", "0 7 30 2 *", "0 7 * 13 *", "0 7 * * 7", "0 7 * * 5-7", "0 7 * * SUN-SAX", "0 7 L * *"),
        *("0 7 * * 5L", "0 7 * * 1#2", "0 7 LW * *", "0 7 ? * *", "0/5 7 * * *", "5-1 * * * *", "*/0 * * * *"),
        *("0 7 1 * 1", "0 7 */2 * 1", "* *,5 * * *", "0 7 * * 1,", "0\u00a07 * * ٣", "0 7 * * " + "1," * 50 + "1"),
        *("0 8-08/2 * * *", None, 5, True, ["0 7 * * *"]),
    ],
)
def test_what_two_programs_do_not_read_alike_is_refused(wrong: object) -> None:
    with pytest.raises(PydanticCustomError):
        parse_cron(wrong)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("0 7 * * 1-5", "00 07 * * MON-FRI", True),
        ("0 7 * * *", "0 7 * * 0-6", True),
        ("*/30 * * * *", "0,30 * * * *", True),
        ("0 7 * * 1-5", "0 7 * * 1-4", False),
        ("0 7 1 * *", "0 7 * * *", False),
    ],
)
def test_schedules_are_compared_by_the_times_that_they_name(one: str, other: str, same: bool) -> None:
    assert same_times(parse_cron(one), parse_cron(other)) is same


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"])
def test_a_time_zone_keeps_its_name(name: str) -> None:
    assert parse_timezone(name) == name


@pytest.mark.parametrize("wrong", ["", "Berlin", "europe/berlin", "Local", "+02:00", "../etc/passwd", None, 1, ["UTC"]])
def test_what_is_no_time_zone_is_refused(wrong: object) -> None:
    with pytest.raises(PydanticCustomError):
        parse_timezone(wrong)
