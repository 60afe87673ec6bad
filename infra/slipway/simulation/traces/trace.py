"""Read a trace whole: every moment at which a request came, in order, and how long requests took when few came.

The moments are in a file without a name, eight bytes each, that goes when the trace does: memory does not grow with
them. The times of a log are those of requests' ends or beginnings, in any order: they are sorted.
"""

import tempfile
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import exp, log
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from slipway.autoscaling.rates import Array
from slipway.errors.base import FileRefused, Place, UserError, UserErrors, WrongValue
from slipway.simulation.traces.formats import BadLine, Entry, Format, format_of
from slipway.simulation.traces.lines import KIND, lines

MOST = 200_000_000
"""Requests of a trace: their moments take 1.6 GB of disk."""
_FINDINGS = 10
"""After so many bad lines no more is read."""
_SAMPLE = 20_000
_PIECE = 65_536
_LAST_GAP_S = 60.0
"""How long the requests of the last row with a count go on, if no row before tells."""
_QUIET_S = 10.0
_QUIET_SHARE = 0.1
_QUIET_LEAST = 20


@dataclass
class Trace:
    """The requests of a trace.

    Attributes:
        moments: when they came, in seconds from the first.
        began_at: the first, in seconds since 1970, or since whatever the trace counts from.
        passed_over: lines that asked no model: of other routes, or answered with 4xx.
        spread: whether times were in whole seconds, over which the requests were spread.
        quiet_s: how long requests took that came when the fewest others did; empty if the trace does not say.
    """

    moments: Array
    began_at: float
    passed_over: int
    spread: bool
    quiet_s: Array

    @property
    def duration_s(self) -> float:
        """From the first request to the last."""
        return float(self.moments[-1])

    def pieces(self) -> Iterator[Array]:
        """Yield the moments in pieces."""
        for begin in range(0, self.moments.size, _PIECE):
            yield self.moments[begin : begin + _PIECE]


def read_trace(path: Path, route: str, seed: int) -> Trace:
    """Read a trace.

    Args:
        path: CSV, an access log, or one JSON object a line; each may be compressed with gzip.
        route: beginning of the name of the model's route, for the log of a gateway with several.
        seed: of what is left to chance: where within a second, or a row with a count, requests came.

    Raises:
        UserErrors: lines that cannot be understood.
        FileRefused: the file cannot be read, or has no request.
    """
    random = np.random.default_rng(seed)
    times, counts = _Column(), _Column()
    sample = _Sample(random)
    passed_over, whole, counted = 0, True, False
    for entry in _entries(path, route):
        if entry is None:
            passed_over += 1
            continue
        if not entry.number:
            continue
        times.add(entry.at)
        counts.add(entry.number)
        whole &= entry.whole
        counted |= entry.number > 1
        if entry.took_s is not None:
            sample.add(entry.at, entry.took_s)
    at = times.values()
    if not at.size:
        why = f"has no request of the model: {passed_over:,} lines are of other routes, or were answered with 4xx"
        problem = why if passed_over else "has no request"
        raise FileRefused(str(path), problem, KIND, "name a file with requests")
    moments = _expanded(at, counts.values(), random, path) if counted else at
    if whole and not counted and at.size > 1:
        moments += random.random(moments.size)
    moments.sort()
    began_at = float(moments[0])
    moments -= began_at
    return Trace(moments, began_at, passed_over, whole and not counted and at.size > 1, sample.quiet(began_at, moments))


def _entries(path: Path, route: str) -> Iterator[Entry | None]:
    understood: Format | None = None
    found: list[UserError] = []
    for number, line in lines(path):
        try:
            if understood is None:
                understood, is_head = format_of(line, route)
                if is_head:
                    continue
            yield understood(line)
        except BadLine as bad:
            found.append(
                WrongValue(
                    Place(str(path), number), cast(str, bad.field), bad.value, bad.problem, bad.allowed, bad.todo
                )
            )
            if understood is None or len(found) == _FINDINGS:
                break
    if found:
        raise UserErrors(found)


class _Column:
    """Numbers that are added one by one to a file without a name."""

    def __init__(self) -> None:
        self._file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - the array over it needs it open
        self._last = array("d")
        self._number = 0

    def add(self, number: float) -> None:
        self._last.append(number)
        if len(self._last) == _PIECE:
            self._write()

    def values(self) -> Array:
        """Return all of them, as an array over the file."""
        self._write()
        return _mapped(self._file, self._number)

    def _write(self) -> None:
        self._last.tofile(self._file)
        self._number += len(self._last)
        self._last = array("d")


def _mapped(file: BinaryIO, number: int) -> Array:
    file.flush()
    if not number:
        return np.empty(0)
    return cast(Array, np.memmap(file, dtype=np.float64, mode="r+", shape=(number,)))


def _expanded(at: Array, counts: Array, random: np.random.Generator, path: Path) -> Array:
    """Return one moment for each request of rows with counts: anywhere between its row and the next."""
    total = int(counts.sum())
    if total > MOST:
        problem = f"has {total:,} requests"
        raise FileRefused(str(path), problem, f"at most {MOST:,}", "cut the trace to a part of the time")
    order = np.argsort(at, kind="stable")
    starts = np.unique(at)
    gaps = np.diff(starts)
    last = float(gaps[-1]) if gaps.size else _LAST_GAP_S
    moments = _mapped(cast(BinaryIO, _sized(total)), total)
    done = 0
    for index in order:
        number = int(counts[index])
        position = int(np.searchsorted(starts, at[index]))
        gap = float(gaps[position]) if position < gaps.size else last
        moments[done : done + number] = at[index] + random.random(number) * gap
        done += number
    return moments


def _sized(number: int) -> object:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the array over it needs it open
    file.truncate(8 * number)
    return file


@dataclass
class _Sample:
    """An even sample of requests with their durations, however many there are (reservoir sampling, algorithm L)."""

    random: np.random.Generator
    times: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    _seen: int = 0
    _next: int = _SAMPLE
    _weight: float = 1.0

    def add(self, at: float, took_s: float) -> None:
        """Take one more, or not."""
        if self._seen < _SAMPLE:
            self.times.append(at)
            self.took.append(took_s)
        elif self._seen == self._next:
            place = int(self.random.integers(_SAMPLE))
            self.times[place], self.took[place] = at, took_s
        if self._seen >= _SAMPLE - 1 and self._seen in (_SAMPLE - 1, self._next):
            self._weight *= exp(log(self.random.random()) / _SAMPLE)
            self._next = self._seen + 1 + int(log(self.random.random()) / log(1 - self._weight))
        self._seen += 1

    def quiet(self, began_at: float, moments: Array) -> Array:
        """Return the durations of the tenth of the sample around whose times the fewest requests came."""
        took = np.array(self.took)
        if took.size <= _QUIET_LEAST:
            return took
        times = np.array(self.times) - began_at
        around = np.searchsorted(moments, times + _QUIET_S / 2) - np.searchsorted(moments, times - _QUIET_S / 2)
        number = max(_QUIET_LEAST, int(took.size * _QUIET_SHARE))
        quietest = np.argsort(around, kind="stable")[:number]
        return cast(Array, took[quietest])
