"""A replay does what queueing theory says of one replica, and what the rules say of many."""

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.simulation.rows import Rows
from slipway.simulation.service_time import ServiceTime
from tests.unit.simulation.replays import poisson, replayed

ALWAYS_SAME, EXPONENTIAL = 0.0, 1.0
ONE = {"min": 1, "max": 1}
NO_LIMIT_S = 1e6


def mean_s(rows: Rows) -> float:
    return rows.total_s / sum(row.answered for row in rows.done)


@pytest.mark.parametrize("busy", [0.3, 0.6, 0.8])
def test_one_replica_with_exponential_times_is_the_queue_m_m_1(busy: float) -> None:
    """Times in it are exponential, with the mean s / (1 - busy)."""
    rows = replayed(ONE, poisson((busy * 20, 20_000)), ServiceTime(0.05, EXPONENTIAL), timeout_s=NO_LIMIT_S)
    expected = 0.05 / (1 - busy)
    assert mean_s(rows) == pytest.approx(expected, rel=0.06)
    assert rows.quantile(0.5) == pytest.approx(log(2) * expected, rel=0.08)
    assert rows.quantile(0.95) == pytest.approx(log(20) * expected, rel=0.08)


@pytest.mark.parametrize("busy", [0.3, 0.6, 0.8])
def test_one_replica_with_equal_times_is_the_queue_m_d_1(busy: float) -> None:
    """The mean in it is s + s * busy / (2 * (1 - busy))."""
    rows = replayed(ONE, poisson((busy * 20, 20_000)), ServiceTime(0.05, ALWAYS_SAME), timeout_s=NO_LIMIT_S)
    assert mean_s(rows) == pytest.approx(0.05 + 0.05 * busy / (2 * (1 - busy)), rel=0.04)


def test_many_replicas_that_are_picked_by_two_are_between_one_queue_for_all_and_one_for_each() -> None:
    """Of M/M/4 at 0.8 a request waits 0.745 s on average, of four queues M/M/1 it waits 4 s, for s = 1 s."""
    fixed = {"min": 4, "max": 4}
    rows = replayed(fixed, poisson((3.2, 100_000)), ServiceTime(1.0, EXPONENTIAL), timeout_s=NO_LIMIT_S)
    assert 0.745 * 1.2 < mean_s(rows) - 1 < 4 * 0.6


def test_a_request_that_is_not_answered_in_time_is_lost_and_its_run_is_stopped() -> None:
    """Of three that come together, each of a second, the third is given up in its run: the fourth runs at once."""
    rows = replayed(ONE, np.array([0, 0, 0, 2.6]), ServiceTime(1.0, ALWAYS_SAME), timeout_s=2.5)
    (row,) = rows.done
    assert (row.answered, row.lost) == (3, 1)
    assert rows.total_s == pytest.approx(1 + 2 + 1)


def test_more_than_the_server_lets_wait_are_sent_away_at_once() -> None:
    rows = replayed(ONE, np.zeros(3000), ServiceTime(0.001, ALWAYS_SAME))
    assert sum(row.answered for row in rows.done) == 1025
    assert sum(row.lost for row in rows.done) == 1975


TARGETS = [
    {"requests_per_second": 12}, {"concurrency": 1.0}, {"queue": 1.0}, {"p95_ms": 100}, {"mean_ms": 50},
    {"cpu_percent": 60},
]  # fmt: skip


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_replicas_follow_the_load_up_and_down_and_then_rest(target: dict[str, float]) -> None:
    """20 requests a second of 30 ms are 0.6 of a replica's time, 120 are 3.6 replicas' time."""
    scale = {"min": 1, "max": 20, "target": target}
    moments = poisson((20, 900), (120, 1800), (20, 2700))
    rows = replayed(scale, moments, ServiceTime(0.03, ALWAYS_SAME), interval_s=300)
    quiet, loaded, after = rows.done[2], rows.done[8], rows.done[17]
    assert quiet.most <= 3
    assert 4 <= loaded.ready <= 11
    assert loaded.p95_s is not None
    assert loaded.p95_s < 0.15
    assert loaded.lost == 0
    assert after.most <= 3
    resting = [row.replicas for row in rows.done[14:]]
    assert max(resting) - min(resting) <= 1


@pytest.mark.parametrize("target", [*TARGETS[:2], {"queue": 0.3}, *TARGETS[3:]], ids=str)
def test_when_load_doubles_p95_is_back_within_two_minutes(target: dict[str, float]) -> None:
    scale = {"min": 1, "max": 20, "target": target}
    rows = replayed(scale, poisson((30, 900), (60, 600)), ServiceTime(0.03, ALWAYS_SAME), interval_s=60)
    assert all(row.p95_s is not None and row.p95_s < 0.25 for row in rows.done[17:])


def test_a_target_that_the_model_alone_misses_does_not_add_replicas_without_end() -> None:
    scale = {"min": 1, "max": 50, "target": {"p95_ms": 25}}
    rows = replayed(scale, poisson((20, 3600)), ServiceTime(0.03, ALWAYS_SAME), interval_s=600)
    assert rows.done[-1].most <= 8


def test_fewer_replicas_come_only_after_cooling_down() -> None:
    scale = {"min": 1, "max": 8, "target": {"requests_per_second": 10}, "cool_down": "10m"}
    rows = replayed(scale, poisson((60, 600), (5, 1500)), ServiceTime(0.02, ALWAYS_SAME), interval_s=60)
    assert min(row.replicas for row in rows.done[6:19]) >= 6
    assert rows.done[-1].replicas < 5


def test_a_floor_brings_replicas_before_the_load() -> None:
    """The replay begins at 7:33 UTC, the floor at 7:40."""
    floor = {"cron": "40 7 * * 1-5", "until": "0 8 * * 1-5", "min": 4}
    scale = {"min": 1, "max": 8, "target": {"requests_per_second": 50}, "schedule": [floor]}
    rows = replayed(scale, poisson((5, 3600)), ServiceTime(0.02, ALWAYS_SAME), interval_s=60)
    assert [row.most for row in rows.done[:6]] == [1] * 6
    assert {row.most for row in rows.done[9:27]} == {4}
    assert rows.done[-1].most < 4


ASLEEP = {"min": 1, "max": 4, "target": {"concurrency": 2}, "to_zero": {"after": "2m"}}


def test_requests_that_come_while_there_is_no_replica_wait_for_it() -> None:
    moments = np.concatenate([np.linspace(0, 5, 50), [900.0]])
    rows = replayed(ASLEEP, moments, ServiceTime(0.01, ALWAYS_SAME), interval_s=60, cold_start_s=20)
    assert [row.lost for row in rows.done] == [0] * 16
    assert rows.starts == 2
    first, last = rows.done[0], rows.done[15]
    assert first.answered == 50
    # At most two seconds until KEDA asks, then the start.
    assert first.p95_s is not None
    assert 15 < first.p95_s <= 22.5
    assert last.p95_s is not None
    assert 20 <= last.p95_s <= 22.5
    assert {row.most for row in rows.done[5:14]} == {0}


def test_a_request_is_not_held_forever() -> None:
    rows = replayed(ASLEEP, np.array([0.0, 50.0]), ServiceTime(0.01, ALWAYS_SAME), cold_start_s=60, hold_s=30)
    assert [(row.answered, row.lost) for row in rows.done] == [(1, 1), (0, 0)]


def test_the_same_seed_gives_the_same_rows() -> None:
    scale = {"min": 1, "max": 8, "target": {"p95_ms": 100}}
    moments = poisson((30, 600))
    once, again, other = (
        replayed(scale, moments, ServiceTime(0.03, EXPONENTIAL), seed=seed).done for seed in (1, 1, 2)
    )
    assert once == again
    assert once != other


@given(
    phases=st.lists(st.tuples(st.floats(0, 40), st.floats(1, 120)), min_size=1, max_size=4),
    service=st.tuples(st.floats(0.001, 3), st.sampled_from([0.0, 0.5, 2.0])),
    target=st.sampled_from([*TARGETS[:-1], {"concurrency": 50}]),
    to_zero=st.booleans(),
    cold_start_s=st.floats(0, 90),
    timeout_s=st.floats(0.01, 20),
    most=st.integers(1, 6),
)
def test_each_request_is_answered_or_lost(
    phases: list[tuple[float, float]], service: tuple[float, float], target: dict[str, float], to_zero: bool,
    cold_start_s: float, timeout_s: float, most: int,
) -> None:  # fmt: skip
    moments = np.concatenate([[0.0], poisson(*phases)])
    scale = {"min": 1, "max": most, "target": target} | ({"to_zero": {"after": "10s"}} if to_zero else {})
    rows = replayed(
        scale, moments, ServiceTime(*service), cold_start_s=cold_start_s, timeout_s=timeout_s, hold_s=40, interval_s=30
    )
    assert sum(row.answered + row.lost for row in rows.done) == moments.size
    for row in rows.done:
        came = np.count_nonzero((moments >= row.start_s) & (moments < row.start_s + 30))
        assert row.arrivals == row.answered + row.lost == came
        assert 0 <= row.ready <= row.replicas + 1e-9
        assert row.replicas <= row.most <= most
