"""Distances are scipy's, and bounds are what chance exceeds in one window of a thousand."""

from collections.abc import Mapping

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]
from scipy.spatial.distance import jensenshannon  # type: ignore[import-untyped]

from slipway.gate.distances import FALSE_ALARMS, SIZES, STATISTICS, bounds, js, ks, psi, scale

PROFILE = [0, 40, 50, 45, 45, 46, 44, 46, 40, 46, 48, 0, 0]


@pytest.fixture(scope="module")
def windows() -> list[list[int]]:
    chance = np.random.default_rng(7)
    return [chance.multinomial(size, np.array(PROFILE) / sum(PROFILE)).tolist() for size in (100, 500, 5000)]


def with_half(counts: list[int]) -> np.ndarray:
    return np.array(counts) + 0.5


def test_psi_is_the_divergence_in_both_directions(windows: list[list[int]]) -> None:
    for window in windows:
        p, q = with_half(window), with_half(PROFILE)
        assert psi(window, PROFILE) == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p), rel=1e-12)


def test_js_is_the_square_of_scipys_distance(windows: list[list[int]]) -> None:
    for window in windows:
        assert js(window, PROFILE) == pytest.approx(jensenshannon(with_half(window), with_half(PROFILE)) ** 2, rel=1e-9)


def test_ks_is_scipys_of_two_samples(windows: list[list[int]]) -> None:
    for window in windows:
        places = np.arange(len(PROFILE))
        found = stats.ks_2samp(np.repeat(places, window), np.repeat(places, PROFILE), method="asymp")
        assert ks(window, PROFILE) == pytest.approx(found.statistic, rel=1e-12)


def test_bounds_are_near_their_limit_for_large_samples() -> None:
    """Of ten bins in use chi-squared with nine degrees of freedom, and Kolmogorov's distribution, which is above it."""
    (found,) = bounds([[45_000] * 10], [True])
    chi2 = stats.chi2.ppf(1 - FALSE_ALARMS, 9)
    assert found["psi"] == pytest.approx(chi2, rel=0.15)
    assert 8 * found["js"] == pytest.approx(chi2, rel=0.15)
    assert 0.8 * stats.kstwobign.ppf(1 - FALSE_ALARMS) < found["ks"] < stats.kstwobign.ppf(1 - FALSE_ALARMS)


@pytest.fixture(scope="module")
def of_six() -> list[Mapping[str, float]]:
    return bounds([PROFILE] * 6, [True] * 6)


@pytest.mark.parametrize("size", SIZES)
def test_a_model_with_six_features_is_seldom_beyond_any_bound(size: int, of_six: list[Mapping[str, float]]) -> None:
    """Of 5,000 windows 5 are expected beyond the bound; 20 would come of chance once in a million times."""
    chance, shares = np.random.default_rng(size), np.array(PROFILE) / sum(PROFILE)
    for name, distance in STATISTICS.items():
        beyond = np.zeros(5000, dtype=bool)
        for bound in of_six:
            drawn = (chance.multinomial(rows, shares, size=5000) for rows in (size, sum(PROFILE)))
            beyond |= distance(*drawn) > bound[name] * scale(name, size, sum(PROFILE))
        assert beyond.sum() < 20


def test_the_same_profiles_have_the_same_bounds_and_classes_none_of_ks() -> None:
    first, second = (bounds([PROFILE, [20, 30, 0]], [True, False]) for _ in range(2))
    assert first == second
    assert set(first[1]) == {"psi", "js"}


def test_a_shift_of_half_a_bin_is_beyond_the_bound_of_a_large_window() -> None:
    (found,) = bounds([PROFILE], [True])
    shifted = [150, *[100] * 9, 50, 0, 0]
    assert psi(shifted, PROFILE) > found["psi"] * scale("psi", sum(shifted), sum(PROFILE))
