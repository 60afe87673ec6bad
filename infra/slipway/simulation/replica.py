"""Play one replica: a model server whose one worker answers in turn, and what it tells whoever scrapes it.

Requests come in order of time, so what becomes of one is known when it comes: nothing that comes later passes it. Only
batches are not played: with them a replica answers more than this one.
"""

from bisect import bisect_left
from collections import deque

from slipway.autoscaling.rates import ABSENT
from slipway.autoscaling.signals import EDGES_S, SCRAPE_S, WINDOW_S
from slipway.simulation.processor import Processor

MAX_QUEUED = 1024
"""Requests that may wait in a model server (slipway_server.execution.batcher); the next is sent away at once."""
SCRAPES = WINDOW_S // SCRAPE_S + 2
"""Scrapes that are kept of a replica: those in the window, and one more at both of its ends."""
_BUCKETS = len(EDGES_S) + 1
_REFUSED_S = 0.0005
"""How long a server takes to send a request away."""

STATUSES = ("200", "503", "504")

COLUMNS = ("at", "in_flight", "queue", "cpu", *STATUSES, "took", "ran")
"""What a scrape has before the buckets of requests and those of runs."""
WIDTH = len(COLUMNS) + 2 * _BUCKETS
NOTHING = [ABSENT] * WIDTH
"""A scrape that failed."""


class Replica:
    """One pod, from the moment that it is asked for.

    Attributes:
        ready_at: when it began to answer, or will.
        ended_at: when it was taken away; it still answers what it has.
        scrapes: the latest, as rows of numbers.
    """

    __slots__ = (
        "_burnt", "_counts", "_inside", "_processor", "_ran", "_ran_buckets", "_took", "_took_buckets", "ended_at",
        "free_at", "ready_at", "scrapes",
    )  # fmt: skip

    def __init__(self, ready_at: float, cores: float) -> None:
        self.ready_at = ready_at
        self._processor = Processor(cores)
        self._burnt = 0.0
        self.ended_at = float("inf")
        self.free_at = ready_at
        self.scrapes: deque[list[float]] = deque(maxlen=SCRAPES)
        # Requests inside, in the order in which they end: when, from when the model ran, when they came, how it went,
        # and the CPU seconds that the model uses for them.
        self._inside: deque[tuple[float, float, float, int, float]] = deque()
        self._counts = [0] * len(STATUSES)
        self._took = self._ran = 0.0
        self._took_buckets = [0] * _BUCKETS
        self._ran_buckets = [0] * _BUCKETS

    def inside(self, now: float) -> int:
        """Return the number of requests inside, after those that ended are counted."""
        inside = self._inside
        while inside and inside[0][0] <= now:
            end, start, came, status, burnt = inside.popleft()
            took = end - came
            self._took += took
            self._took_buckets[bisect_left(EDGES_S, took)] += 1
            self._counts[status] += 1
            if start < end:
                self._burnt += burnt
                self._ran += end - start
                self._ran_buckets[bisect_left(EDGES_S, end - start)] += 1
        return len(inside)

    def take(self, now: float, seconds: float, timeout_s: float) -> float | None:
        """Take a request for which the model needs so many seconds of CPU.

        Returns when it is answered; None for one that is lost, because too many wait or it does not end in time.
        """
        if len(self._inside) > MAX_QUEUED:
            self._counts[1] += 1
            self._took += _REFUSED_S
            self._took_buckets[bisect_left(EDGES_S, _REFUSED_S)] += 1
            return None
        start = max(self.free_at, now)
        give_up = now + timeout_s
        if start >= give_up:
            self._inside.append((give_up, give_up, now, 2, 0.0))
            return None
        end = self._processor.run(start, seconds)
        burnt = self._processor.burnt(seconds)
        if end > give_up:
            # The server stops a run that nobody waits for.
            self.free_at = give_up
            self._inside.append((give_up, start, now, 2, burnt * (give_up - start) / (end - start)))
            return None
        self.free_at = end
        self._inside.append((end, start, now, 0, burnt))
        return end

    def scrape(self, now: float) -> None:
        """Have what it tells now kept, as Prometheus does."""
        inside = self.inside(now)
        row = [now, 1.0 + inside, float(max(inside - 1, 0)), self._burnt + self._burning(now)]
        # A server has no series of what has not happened yet.
        row += [count or ABSENT for count in self._counts]
        answered = any(self._counts)
        row += [self._took if answered else ABSENT, self._ran]
        row += _cumulative(self._took_buckets) if answered else [ABSENT] * _BUCKETS
        row += _cumulative(self._ran_buckets)
        self.scrapes.append(row)

    def _burning(self, now: float) -> float:
        """CPU seconds that the run under way has used."""
        if not self._inside or self._inside[0][1] >= now:
            return 0.0
        end, start, _, _, burnt = self._inside[0]
        return burnt * (now - start) / (end - start)


def _cumulative(counts: list[int]) -> list[float]:
    total = 0
    sums: list[float] = []
    for count in counts:
        total += count
        sums.append(float(total))
    return sums
