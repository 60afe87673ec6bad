"""A broken promise is told by exactly the alerts that it is about, and a kept one by none: Prometheus' own tests."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from slipway.monitoring import budget
from slipway.monitoring.objectives import burns, duration, interval_s, window_least_s
from slipway.values.windows import parse_window
from tests.support.planned import slo_plan
from tests.support.promtool import Told, groups_of, hold

EVERY = 5
"""Minutes from one evaluation to the next: Slipway writes one, which would take promtool minutes for each test."""
with pytest.MonkeyPatch.context() as patched:
    patched.setattr(budget, "interval_s", lambda _: 60 * EVERY)
    MONTH = groups_of(slo_plan().find("month", Path()))
DAY = 24 * 60
QUIET = 4 * DAY
"""Minutes without trouble before there is some, so that the longest range is full."""
CALLS = 120
"""Calls in a minute."""
ERRORS, LATENCY = "SlipwayErrorBudgetBurns", "SlipwayLatencyBudgetBurns"


def traffic(model: str, parts: Sequence[tuple[int, float, float]], calls: float = CALLS) -> dict[str, str]:
    """Series of one pod, a sample a minute. `parts`: minutes, the share of calls that fail, and that are slow."""
    of = f'namespace="slipway",model="{model}",pod="{model}-0"'
    asked = f'{of},route="/predict"'

    def counter(per_minute: Sequence[tuple[int, float]]) -> str:
        total, pieces = 0.0, []
        for minutes, each in per_minute:
            pieces.append(f"{total:.12g}+{each:.12g}x{minutes - 1}")
            total += each * minutes
        return " ".join(pieces)

    every = counter([(minutes, calls) for minutes, _, _ in parts])
    return {
        f"up{{{of}}}": counter([(sum(minutes for minutes, _, _ in parts), 0)]).replace("0+0", "1+0", 1),
        f'slipway_requests_total{{{asked},status="200"}}': counter([(n, calls * (1 - bad)) for n, bad, _ in parts]),
        f'slipway_requests_total{{{asked},status="500"}}': counter([(n, calls * bad) for n, bad, _ in parts]),
        f"slipway_request_seconds_count{{{asked}}}": every,
        f'slipway_request_seconds_bucket{{{asked},le="+Inf"}}': every,
        f'slipway_request_seconds_bucket{{{asked},le="0.1"}}': counter([(n, calls * (1 - s)) for n, _, s in parts]),
    }


def held(
    folder: Path, parts: Sequence[tuple[int, float, float]], told: dict[int, set[Told]], calls: float = CALLS
) -> None:
    """Hold the rules of `month` against traffic; times in minutes."""
    at = {f"{minute}m": wanted for minute, wanted in told.items()}
    hold(folder, MONTH, f"{EVERY}m", traffic("month", parts, calls), at, sampled="1m")


def test_a_quiet_week_is_told_by_no_alert(tmp_path: Path) -> None:
    """Half of each budget is used."""
    held(tmp_path, [(7 * DAY, 0.0005, 0.025)], {hours * 60: set() for hours in range(1, 7 * 24, 6)})


def test_idle_days_are_told_by_no_alert(tmp_path: Path) -> None:
    held(tmp_path, [(2 * DAY, 0, 0)], {hours * 60: set() for hours in range(1, 2 * 24, 6)}, calls=0)


def test_calls_that_fail_are_told_within_minutes_and_no_longer_once_they_are_answered(tmp_path: Path) -> None:
    """A fifth fails for ten minutes: more than 2 % of the budget of a month, and less than 5 %."""
    told: dict[int, set[Told]] = {QUIET: set(), QUIET + 10: {(ERRORS, "1h")}, QUIET + 20: set()}
    held(tmp_path, [(QUIET, 0, 0), (10, 0.2, 0), (60, 0, 0)], told)


def test_an_outage_is_told_by_every_range(tmp_path: Path) -> None:
    told: dict[int, set[Told]] = {QUIET + 30: {(ERRORS, one) for one in ("1h", "6h", "1d", "3d")}}
    held(tmp_path, [(QUIET, 0, 0), (40, 1, 0)], told)


@pytest.mark.parametrize(("share", "ranges"), [(0.0008, ()), (0.0015, ("3d",)), (0.004, ("1d", "3d"))])
def test_a_slow_leak_is_told_by_the_long_ranges(tmp_path: Path, share: float, ranges: Sequence[str]) -> None:
    held(tmp_path, [(QUIET, share, 0)], {QUIET - 5: {(ERRORS, one) for one in ranges}})


def test_calls_that_are_late_are_told_as_such_and_no_longer_once_they_are_not(tmp_path: Path) -> None:
    """Latency's budget is large, a twentieth of all calls: it takes most of an hour until 2 % of a month's went."""
    told: dict[int, set[Told]] = {QUIET + 20: set(), QUIET + 50: {(LATENCY, "1h")}, QUIET + 60: set()}
    held(tmp_path, [(QUIET, 0, 0), (50, 0, 1), (60, 0, 0)], told)


def test_where_few_call_a_failure_or_four_are_not_told(tmp_path: Path) -> None:
    """One call in five minutes; all of a quarter of an hour fail."""
    held(tmp_path, [(QUIET, 0, 0), (15, 1, 0), (60, 0, 0)], {QUIET + minute: set() for minute in (5, 10, 15, 30)}, 0.2)


def test_where_few_call_an_outage_is_told_all_the_same(tmp_path: Path) -> None:
    told: dict[int, set[Told]] = {QUIET + 55: {(ERRORS, one) for one in ("1h", "6h", "1d", "3d")}}
    held(tmp_path, [(QUIET, 0, 0), (60, 1, 0)], told, calls=0.2)


def test_the_ranges_of_a_month_are_those_of_the_book() -> None:
    found = [(float(burn.rate), duration(burn.long_s), duration(burn.short_s)) for burn in burns(parse_window("30d"))]
    assert found == [(14.4, "1h", "5m"), (6, "6h", "30m"), (3, "1d", "2h"), (1, "3d", "6h")]


@pytest.mark.parametrize("scrape_s", [1, 2, 5])
def test_the_shortest_range_of_the_shortest_window_holds_four_scrapes_and_as_many_evaluations(scrape_s: int) -> None:
    least = window_least_s(scrape_s)
    assert burns(least)[0].short_s == 4 * scrape_s
    assert burns(least - 12 * 720)[0].short_s < 4 * scrape_s
    assert burns(least)[0].short_s // interval_s(least) >= 4


def test_half_a_day_is_watched_each_second(tmp_path: Path) -> None:
    groups = [group for group in groups_of(slo_plan().find("half-day", Path())) if group["name"].endswith("-slo")]
    assert groups[0]["interval"] == "1s"
    of = 'namespace="slipway",model="half-day",pod="half-day-0",route="/predict"'
    seconds = 1600
    series = {
        f'slipway_requests_total{{{of},status="200"}}': f"0+20x{seconds} {20 * seconds}+0x200",
        f'slipway_requests_total{{{of},status="503"}}': f"0+0x{seconds} 0+20x200",
    }
    # All calls of a fifth of a minute are more than 14.4 times a budget of 1 %, and of six minutes less than 6 times.
    told: dict[str, set[Told]] = {"1590s": set(), "1612s": {(ERRORS, "1m")}}
    hold(tmp_path, groups, "1s", series, told)
