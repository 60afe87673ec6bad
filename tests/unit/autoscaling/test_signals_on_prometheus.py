"""The queries, asked of a real Prometheus, say the same as the formulas in Python that `slipway simulate` follows."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from slipway.autoscaling.rates import ABSENT
from slipway.autoscaling.signals import Seen, query, total
from slipway.spec.scale import Scale, Target
from tests.support.prometheus import Prometheus, prometheus
from tests.support.scrapes import BASE, exposition, made_up

TARGETS = [
    {"requests_per_second": 20},
    {"concurrency": 4},
    {"queue": 2},
    {"p95_ms": 100},
    {"p95_ms": 500},
    {"mean_ms": 50},
    {"mean_ms": 1000},
]
MADE_UP = 60
CORES = 0.75


def scale(target: dict[str, float]) -> Scale:
    return Scale(min=1, max=8, target=Target.model_validate(target))


def steady(pods: int = 2, *, asked: bool = True, at: float = BASE + 40) -> Seen:
    """Pods that each answer ten requests a second in 30 ms, of which the model runs 20 ms."""
    times = np.tile(at - 1 - 5.0 * np.arange(8)[::-1], (pods, 1))
    number = 10 * (times - BASE) * asked
    slow, quick = np.zeros((pods, 3, 15, 8)), np.zeros((pods, 15, 8))
    slow[:, 0, 5:] = number[:, None]
    quick[:, 4:] = number[:, None]
    took = np.zeros((pods, 3, 8))
    took[:, 0] = 0.03 * number
    requests = np.zeros((pods, 6, 8))
    requests[:, 0] = number
    return Seen(
        at=at, times=times, in_flight=np.ones((pods, 8)), queue=np.zeros((pods, 8)), cpu=0.01 * number,
        requests=requests, took=took, took_buckets=slow, ran=0.02 * number, ran_buckets=quick,
    )  # fmt: skip


def hung() -> Seen:
    """One of two pods has had three requests inside for a minute; neither answers."""
    seen = steady(asked=False)
    seen.in_flight[0] = 4
    return seen


def one_missing() -> Seen:
    seen = steady()
    for family in (seen.in_flight, seen.queue, seen.cpu, seen.requests, seen.took, seen.took_buckets, seen.ran):
        family[0, ..., 5] = ABSENT
    seen.ran_buckets[0, ..., 5] = ABSENT
    return seen


def scraped_once() -> Seen:
    seen = steady(1)
    for family in (seen.in_flight, seen.queue, seen.cpu, seen.requests, seen.took, seen.took_buckets, seen.ran):
        family[..., :-1] = ABSENT
    seen.ran_buckets[..., :-1] = ABSENT
    return seen


def broken() -> Seen:
    seen = steady(1)
    return replace(seen, took=seen.took * np.nan, took_buckets=seen.took_buckets * np.nan)


def loading() -> Seen:
    """One of two pods has not been ready yet: it has no series."""
    seen = steady()
    for family in (seen.in_flight, seen.queue, seen.cpu, seen.requests, seen.took, seen.took_buckets, seen.ran):
        family[1] = ABSENT
    seen.ran_buckets[1] = ABSENT
    return seen


def restarted() -> Seen:
    """One of two pods began again at zero between two scrapes."""
    seen = steady()
    for family in (seen.cpu, seen.requests, seen.took, seen.took_buckets, seen.ran, seen.ran_buckets):
        family[1, ..., 5:] -= family[1, ..., 5:6]
    return seen


CASES = {
    "steady": steady(),
    "idle": steady(asked=False),
    "gone": steady(at=BASE - 300),
    "hung": hung(),
    "missing": one_missing(),
    "once": scraped_once(),
    "broken": broken(),
    "loading": loading(),
    "restarted": restarted(),
    **{f"made-up-{seed}": made_up(np.random.default_rng(seed)) for seed in range(MADE_UP)},
}


@pytest.fixture(scope="module")
def server() -> Iterator[Prometheus]:
    with prometheus(exposition(CASES)) as running:
        yield running


def asked(server: Prometheus, target: dict[str, float], case: str) -> float | None:
    """What a query says of a case now, at 40 s."""
    result = server.ask(query(scale(target), namespace="shop", model=case, cores=CORES), BASE + 40)
    assert len(result) <= 1
    assert not result or result[0]["metric"] == {}
    return float(result[0]["value"][1]) if result else None


def computed(target: dict[str, float], case: str) -> float | None:
    return total(scale(target), replace(CASES[case], at=BASE + 40), cores=CORES)


def equal(one: float | None, other: float | None) -> bool:
    return one is other if one is None or other is None else one == pytest.approx(other, rel=1e-7)


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_a_query_and_the_formula_say_the_same(server: Prometheus, target: dict[str, float]) -> None:
    answers = {case: (asked(server, target, case), computed(target, case)) for case in CASES}
    differing = {case: pair for case, pair in answers.items() if not equal(*pair)}
    assert not differing
    numbers = {number for number, _ in answers.values() if number}
    assert len(numbers) > 12, "the cases are too much alike to tell anything"


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_unknown_is_empty_and_idle_is_zero(server: Prometheus, target: dict[str, float]) -> None:
    assert asked(server, target, "gone") is None
    assert asked(server, target, "once") is None
    assert asked(server, target, "idle") == 0


@pytest.mark.parametrize("target", [{"concurrency": 4}, {"p95_ms": 100}, {"mean_ms": 50}], ids=str)
def test_what_is_not_a_number_is_unknown(server: Prometheus, target: dict[str, float]) -> None:
    assert asked(server, target, "broken") is None


def test_a_hung_pod_is_not_idle(server: Prometheus) -> None:
    assert asked(server, {"concurrency": 4}, "hung") == 3
    assert asked(server, {"p95_ms": 100}, "hung") == 2


@pytest.mark.parametrize(
    ("case", "share"), [("steady", 2.0), ("missing", 2.0), ("loading", 1.0), ("restarted", 1.8)], ids=str
)
def test_requests_are_those_of_pods_that_serve(server: Prometheus, case: str, share: float) -> None:
    """The restart loses what was asked since the last scrape before it."""
    assert asked(server, {"requests_per_second": 20}, case) == pytest.approx(10 * share, rel=0.06)
    assert asked(server, {"concurrency": 4}, case) == pytest.approx(0.3 * share, rel=0.06)
