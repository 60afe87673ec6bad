"""Keep what happens in a replay, by intervals: requests, latencies, replicas; memory grows with intervals alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from slipway.autoscaling.rates import Array

_FINEST_S = 0.0001
_STEP = 1.01
_BINS = 1700
"""Latencies of all requests are counted in bins that are 1 % wide, from 0.1 ms to half an hour."""


class Open:
    """An interval that is not over, or of which requests are still held."""

    __slots__ = ("held", "latencies", "lost", "most", "ready_s", "replica_s", "start")

    def __init__(self, start: float) -> None:
        self.start = start
        self.latencies: list[float] = []
        self.lost = 0
        self.held = 0
        self.replica_s = 0.0
        self.ready_s = 0.0
        self.most = 0


@dataclass(frozen=True)
class Row:
    """One interval; a request belongs to the one in which it came.

    Attributes:
        start_s: its beginning, in seconds from the first request.
        arrivals: requests that came.
        answered: those of them that were answered.
        lost: those that were not.
        replicas: mean number of replicas that there were, those that started included.
        ready: mean number of replicas that answered.
        most: most replicas at once.
        p50_s: median of what the answered took, or None.
        p95_s: 95th percentile of that, or None.
    """

    start_s: float
    arrivals: int
    answered: int
    lost: int
    replicas: float
    ready: float
    most: int
    p50_s: float | None
    p95_s: float | None


class Rows:
    """All intervals of a replay.

    Attributes:
        interval_s: length of an interval.
        current: the one that is not over; requests are added to its `latencies`.
        done: those that are.
        within: answered requests that took no longer than the objective.
        starts: replicas that were started.
    """

    def __init__(self, interval_s: float, objective_s: float | None) -> None:
        self.interval_s = interval_s
        self._objective_s = objective_s
        self.current = Open(0.0)
        self.done: list[Row] = []
        self._waiting: list[Open] = []
        self._since = 0.0
        self._there = self._ready = 0
        self._bins = np.zeros(_BINS, np.int64)
        self.total_s = 0.0
        self.within = 0
        self.starts = 0

    @property
    def end(self) -> float:
        """When the current interval is over."""
        return self.current.start + self.interval_s

    def replicas(self, now: float, there: int, ready: int) -> None:
        """From now on there are so many replicas, so many of them ready."""
        current = self.current
        current.replica_s += self._there * (now - self._since)
        current.ready_s += self._ready * (now - self._since)
        current.most = max(current.most, there)
        self._since, self._there, self._ready = now, there, ready

    def turn(self) -> None:
        """Begin the next interval."""
        end = self.end
        self.replicas(end, self._there, self._ready)
        self._waiting.append(self.current)
        self.current = Open(end)
        self.current.most = self._there
        while self._waiting and not self._waiting[0].held:
            self._close(self._waiting.pop(0))

    def quantile(self, share: float) -> float | None:
        """Return a quantile of the latencies of all answered requests, to 1 %; None if there is none."""
        total = int(self._bins.sum())
        if not total:
            return None
        index = int(np.searchsorted(self._bins.cumsum(), share * total))
        return float(_FINEST_S * _STEP ** (index + 0.5))

    def _close(self, row: Open) -> None:
        latencies = np.array(row.latencies)
        p50, p95 = _percentiles(latencies)
        self.done.append(
            Row(
                start_s=row.start,
                arrivals=len(row.latencies) + row.lost,
                answered=len(row.latencies),
                lost=row.lost,
                replicas=row.replica_s / self.interval_s,
                ready=row.ready_s / self.interval_s,
                most=row.most,
                p50_s=p50,
                p95_s=p95,
            )
        )
        if latencies.size:
            bins = np.log(np.maximum(latencies, _FINEST_S) / _FINEST_S) / log(_STEP)
            self._bins += np.bincount(np.minimum(bins.astype(np.int64), _BINS - 1), minlength=_BINS)
            self.total_s += float(latencies.sum())
            if self._objective_s is not None:
                self.within += int((latencies <= self._objective_s).sum())


def _percentiles(latencies: Array) -> Sequence[float | None]:
    if not latencies.size:
        return None, None
    return [float(value) for value in np.percentile(latencies, [50, 95])]
