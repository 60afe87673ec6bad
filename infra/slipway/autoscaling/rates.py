"""Compute what Prometheus computes of samples: rates of counters, means and least values of gauges, quantiles.

Samples of one family are an array whose last axis is the scrape; the first is the pod, those between are labels. A
series that was not there when a pod was scraped is ABSENT; NaN is a value as any other.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]

ABSENT = -1.0
"""In place of a sample that there is not: no counter, and no gauge of a model server, is below zero."""

_CLOSE = 1.1
"""Prometheus takes a series to reach to the end of its window if the next sample would lie there, give or take 10 %."""


def rate(values: Array, times: Array, at: float, window_s: float) -> Array:
    """Return how much counters grew in a second, as Prometheus 3 does (promql/functions.go, extrapolatedRate).

    Args:
        values: counters; they begin again at zero when a server does.
        times: when each pod was scraped, in seconds: shape (pods, scrapes).
        at: the end of the window.
        window_s: its length.

    Returns:
        One number for each series, ABSENT for those with fewer than two samples in the window.
    """
    times = np.broadcast_to(times.reshape(times.shape[:1] + (1,) * (values.ndim - 2) + times.shape[1:]), values.shape)
    there, number = _within(values, times, at, window_s)
    first, last = there.argmax(-1), values.shape[-1] - 1 - there[..., ::-1].argmax(-1)
    began, ended = _taken(times, first), _taken(times, last)
    start = _taken(values, first)
    with np.errstate(invalid="ignore", divide="ignore"):
        increase = _increase(values, there, first)
        span = ended - began
        apart = span / (number - 1)
        to_start, to_end = began - (at - window_s), at - ended
        to_start = np.where(to_start >= _CLOSE * apart, apart / 2, to_start)
        to_end = np.where(to_end >= _CLOSE * apart, apart / 2, to_end)
        # A counter was zero once: it does not reach further back than to there.
        to_zero = np.where((increase > 0) & (start >= 0), span * start / increase, np.inf)
        rates: Array = increase * (span + np.minimum(to_start, to_zero) + to_end) / span / window_s
    return np.where(number < 2, ABSENT, rates)


def mean(values: Array, times: Array, at: float, window_s: float) -> Array:
    """Return the mean of each gauge's samples in the window, ABSENT without any (avg_over_time)."""
    there, number = _within(values, times, at, window_s)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(number == 0, ABSENT, np.where(there, values, 0.0).sum(-1) / number)


def least(values: Array, times: Array, at: float, window_s: float) -> Array:
    """Return the least of each gauge's samples in the window, ABSENT without any (min_over_time)."""
    there, number = _within(values, times, at, window_s)
    return np.where(number == 0, ABSENT, np.where(there, values, np.inf).min(-1, initial=np.inf))


def total(series: Array) -> float | None:
    """Return the sum of all series that there are, None if there is none."""
    there = series != ABSENT
    return float(series[there].sum()) if there.any() else None


def quantile(share: float, edges: tuple[float, ...], counts: Array) -> float:
    """Return a quantile of a histogram, NaN if it is empty (promql/quantile.go, BucketQuantile).

    Args:
        share: from 0 to 1.
        edges: upper bounds of the buckets but the last, which has none.
        counts: observations up to each bound, those of all buckets before included; the last is all of them.
    """
    everything = float(counts[-1])
    if not everything > 0:
        return float("nan")
    rank = share * everything
    bucket = int(np.searchsorted(np.maximum.accumulate(counts[:-1]), rank))
    if bucket == len(edges):
        return edges[-1]
    below, lower = (float(counts[bucket - 1]), edges[bucket - 1]) if bucket else (0.0, 0.0)
    return lower + (edges[bucket] - lower) * (rank - below) / (float(counts[bucket]) - below)


def _within(values: Array, times: Array, at: float, window_s: float) -> tuple[npt.NDArray[np.bool_], Array]:
    there = (values != ABSENT) & (times > at - window_s) & (times <= at)
    return there, there.sum(-1).astype(np.float64)


def _increase(values: Array, there: npt.NDArray[np.bool_], first: npt.NDArray[np.intp]) -> Array:
    """Return how far each counter came from its first sample to its last, over restarts."""
    scrapes = np.arange(values.shape[-1])
    latest = np.maximum.accumulate(np.where(there, scrapes, -1), axis=-1)
    held = np.take_along_axis(values, np.maximum(latest, first[..., None]), axis=-1)
    before, after = held[..., :-1], held[..., 1:]
    increase: Array = np.where(after < before, after, after - before).sum(-1)
    return increase


def _taken(values: Array, index: npt.NDArray[np.intp]) -> Array:
    return np.take_along_axis(values, index[..., None], axis=-1)[..., 0]
