"""The rule with three outcomes: exact against fractions, and how often it errs when it is asked again and again."""

import random
from fractions import Fraction
from math import comb, isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slipway_judge.judging.verdict import Verdict, at_least, at_most, verdict

COUNTS = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
SHARES = st.floats(0.001, 0.999)


def exactly(numbers: range, n: int, share: float) -> float:
    """The probability that one of these numbers of `n` is bad, without rounding."""
    bad = Fraction(share)
    return float(sum((comb(n, k) * bad**k * (1 - bad) ** (n - k) for k in numbers), Fraction(0)))


@given(COUNTS, SHARES)
def test_the_tails_are_those_of_the_binomial_distribution(count: tuple[int, int], share: float) -> None:
    k, n = count
    assert isclose(at_least(k, n, share), exactly(range(k, n + 1), n, share), rel_tol=1e-9, abs_tol=1e-13)
    assert isclose(at_most(k, n, share), exactly(range(k + 1), n, share), rel_tol=1e-9, abs_tol=1e-13)


@given(st.integers(1, 3_000_000), SHARES, st.data())
def test_the_two_tails_add_up_to_one_for_any_number_of_calls(n: int, share: float, data: st.DataObject) -> None:
    spread = 10 * (n * share * (1 - share)) ** 0.5
    near = round(n * share + data.draw(st.floats(-1, 1)) * spread)
    k = min(max(near, 0), n)
    assert isclose(at_most(k, n, share) + at_least(k + 1, n, share), 1.0, abs_tol=1e-7)


@pytest.mark.parametrize(("bad", "n", "wanted"), [(0, 499, "inconclusive"), (0, 500, "passed"), (1, 500, "passed")])
def test_nothing_passes_with_fewer_than_the_least_requests(bad: int, n: int, wanted: Verdict) -> None:
    assert verdict(bad, n, 0.01, 500) == wanted


def test_so_many_bad_ones_fail_before_the_least_requests_are_there() -> None:
    assert [verdict(bad, 10, 0.01, 500) for bad in (1, 2, 3)] == ["inconclusive", "inconclusive", "failed"]


def test_with_a_least_number_that_is_too_small_to_tell_anything_nothing_passes_either() -> None:
    """298 good ones of 298 are not rare enough at 1 %: 0.99 ** 298 is above 5 %."""
    assert [verdict(0, n, 0.01, 1) for n in (298, 299)] == ["inconclusive", "passed"]


@given(st.integers(0, 400), st.integers(0, 1600), SHARES, st.integers(1, 1000))
def test_one_more_bad_one_never_makes_it_better(bad: int, rest: int, allowed: float, least: int) -> None:
    order = {"passed": 0, "inconclusive": 1, "failed": 2}
    n = bad + rest + 1
    assert order[verdict(bad, n, allowed, least)] <= order[verdict(bad + 1, n, allowed, least)]


@given(st.integers(0, 100), st.integers(1, 1000))
def test_where_none_may_be_bad_one_is_enough_and_none_is_never_enough(bad: int, least: int) -> None:
    assert verdict(bad, 5000, 0.0, least) == ("failed" if bad else "inconclusive")


RUNS = 2000


def ends(wrong: float, allowed: float, calls: int, seed: int) -> dict[Verdict, float]:
    """How runs end in which each call is bad with a probability, asked again after every 25 calls as the judge does."""
    found: dict[Verdict, float] = {"passed": 0.0, "failed": 0.0, "inconclusive": 0.0}
    draw = random.Random(seed)
    for _ in range(RUNS):
        bad, n = 0, 0
        end: Verdict = "inconclusive"
        while end == "inconclusive" and n < calls:
            bad += sum(draw.random() < wrong for _ in range(25))
            n += 25
            end = verdict(bad, n, allowed, 500)
        found[end] += 1 / RUNS
    return found


def test_a_release_with_twice_the_wrong_answers_that_are_allowed_passes_in_fewer_than_one_of_a_hundred_runs() -> None:
    found = ends(wrong=0.02, allowed=0.01, calls=5000, seed=1)
    assert found["passed"] < 0.01
    assert found["failed"] > 0.9


def test_an_identical_release_fails_in_fewer_than_one_of_a_hundred_runs() -> None:
    found = ends(wrong=0.0, allowed=0.01, calls=5000, seed=2)
    assert found == {"passed": pytest.approx(1.0), "failed": 0.0, "inconclusive": 0.0}


def test_a_release_as_good_as_the_old_one_whose_calls_fail_now_and_then_does_not_fail() -> None:
    """The old one fails in 0.5 %; one percentage point more is allowed."""
    found = ends(wrong=0.005, allowed=0.015, calls=20_000, seed=3)
    assert found["failed"] < 0.01
    assert found["passed"] > 0.98
