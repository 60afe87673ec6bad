"""Replay requests through replicas and the rules that add and remove them: what becomes of each request, and when.

An open loop: requests come when they came in the trace, whether those before are answered or not. Envoy sends each to
the less busy one of two replicas picked at random (its least-request balancing). Not played: batches, nodes that
fail, other models that take the room, calls that are repeated or that the gateway refuses.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from slipway.autoscaling.horizontal import SYNC_S
from slipway.autoscaling.rates import Array
from slipway.autoscaling.signals import SCRAPE_S, WINDOW_S
from slipway.simulation.autoscaler import POLL_S, Autoscaler
from slipway.simulation.processor import needed
from slipway.simulation.replica import Replica
from slipway.simulation.rows import Open, Rows
from slipway.simulation.service_time import ServiceTime
from slipway.spec.scale import Scale

_CHUNK = 65_536
"""Random numbers that are drawn at once."""


@dataclass(frozen=True)
class Conditions:
    """What the rules work on.

    Attributes:
        scale: the rules.
        service_time: how long a replica takes for a request when it has no other.
        cold_start_s: from a replica that is asked for to its first answer.
        timeout_s: the longest time of a request in a replica.
        drain_s: for so long a replica that is taken away goes on, and is scraped.
        hold_s: how long a request waits for the first replica of a model that goes to zero.
        cores: CPU of one replica.
        began_at: the first request, in seconds since 1970.
        seed: of all that is left to chance.
    """

    scale: Scale
    service_time: ServiceTime
    cold_start_s: float
    timeout_s: float
    drain_s: float
    hold_s: float
    cores: float
    began_at: float
    seed: int


def replay(arrivals: Iterable[Array], conditions: Conditions, rows: Rows) -> None:
    """Replay requests, and have what happens kept in `rows`.

    Args:
        arrivals: moments in seconds from the first request, in order, in pieces of any length.
        conditions: what they meet.
        rows: takes arrivals, answers, losses and numbers of replicas.
    """
    _Replay(conditions, rows).run(arrivals)


class _Replay:
    def __init__(self, conditions: Conditions, rows: Rows) -> None:
        self._conditions = conditions
        self._rows = rows
        self._autoscaler = Autoscaler(conditions.scale, conditions.cores, conditions.began_at, conditions.timeout_s)
        self._random = np.random.default_rng(conditions.seed)
        self._seconds = self._draws()
        self._to_zero = conditions.scale.to_zero is not None
        self._asked_at = 0.0
        self._held: deque[tuple[float, Open]] = deque()
        self._gone: list[Replica] = []
        # A model that goes to zero is asleep when the first request comes; any other is deployed and ready.
        self._there = [Replica(0.0, conditions.cores) for _ in range(0 if self._to_zero else conditions.scale.min)]
        self._ready = list(self._there)
        rows.replicas(0.0, len(self._there), len(self._ready))
        # Events: when, in which order if several come at once, what, and of which replica.
        self._order = itertools.count()
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        # The newest sample of a query is half an interval old, as it is on average.
        self._plan(SCRAPE_S / 2, self._scrape)
        self._plan(float(SYNC_S), self._sync)
        self._plan(rows.interval_s, self._turn)
        if self._to_zero:
            self._plan(float(POLL_S), self._poll)

    def run(self, arrivals: Iterable[Array]) -> None:
        """Replay all, until the end of the interval in which the last request came."""
        timeout_s, rows, ready, events, seconds = (
            self._conditions.timeout_s, self._rows, self._ready, self._events, self._seconds,
        )  # fmt: skip
        for piece in arrivals:
            picks = self._random.random((2, piece.size)).tolist()
            for now, one, other in zip(piece.tolist(), *picks, strict=True):
                while events[0][0] <= now:
                    self._happen()
                self._asked_at = now
                number = len(ready)
                if number == 0:
                    self._hold(now)
                    continue
                replica = ready[int(one * number)]
                if number > 1:
                    second = ready[int(other * number)]
                    if second.inside(now) < replica.inside(now):
                        replica = second
                else:
                    replica.inside(now)
                end = replica.take(now, next(seconds), timeout_s)
                if end is None:
                    rows.current.lost += 1
                else:
                    rows.current.latencies.append(end - now)
        end = rows.end
        while self._held or events[0][0] < end:
            self._happen()
        rows.turn()

    def _happen(self) -> None:
        at, _, event = heapq.heappop(self._events)
        event(at)

    def _plan(self, at: float, event: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (at, next(self._order), event))

    def _turn(self, at: float) -> None:
        self._plan(at + self._rows.interval_s, self._turn)
        self._rows.turn()

    def _scrape(self, at: float) -> None:
        self._plan(at + SCRAPE_S, self._scrape)
        self._gone = [one for one in self._gone if one.ended_at > at - 2 * WINDOW_S - self._conditions.drain_s]
        stopping = (one for one in self._gone if one.ended_at + self._conditions.drain_s > at or one.inside(at))
        for replica in (*self._ready, *stopping):
            replica.scrape(at)

    def _sync(self, at: float) -> None:
        self._plan(at + SYNC_S, self._sync)
        self._set(at, self._autoscaler.sync(at, self._scraped(), len(self._there), len(self._held)))

    def _poll(self, at: float) -> None:
        self._plan(at + POLL_S, self._poll)
        self._give_up(at)
        current = len(self._there)
        self._set(at, self._autoscaler.poll(at, self._scraped(), current, len(self._held), self._asked_at))

    def _scraped(self) -> list[Replica]:
        return [*self._ready, *self._gone]

    def _set(self, at: float, wanted: int) -> None:
        """Start replicas, or end those that are not ready, then those that have been ready for the shortest time."""
        there, ready = self._there, self._ready
        if wanted == len(there):
            return
        for _ in range(wanted - len(there)):
            replica = Replica(at + self._conditions.cold_start_s, self._conditions.cores)
            there.append(replica)
            self._rows.starts += 1
            self._plan(replica.ready_at, partial(self._begin, replica))
        # Those that were started last stand last.
        for replica in there[wanted:]:
            replica.ended_at = at
            if replica in ready:
                ready.remove(replica)
                self._gone.append(replica)
        del there[wanted:]
        self._rows.replicas(at, len(there), len(ready))

    def _begin(self, replica: Replica, at: float) -> None:
        if replica.ended_at <= at:
            return
        self._ready.append(replica)
        self._rows.replicas(at, len(self._there), len(self._ready))
        self._give_up(at)
        held, self._held = self._held, deque()
        for came, row in held:
            row.held -= 1
            end = replica.take(at, next(self._seconds), self._conditions.timeout_s)
            if end is None:
                row.lost += 1
            else:
                row.latencies.append(end - came)

    def _hold(self, now: float) -> None:
        """Hold a request until there is a replica; of a model that does not go to zero, the gateway answers 503."""
        row = self._rows.current
        if not self._to_zero:
            row.lost += 1
            return
        row.held += 1
        self._held.append((now, row))

    def _give_up(self, at: float) -> None:
        """Lose what has been held for too long."""
        hold_s = self._conditions.hold_s
        while self._held and self._held[0][0] + hold_s < at:
            _, row = self._held.popleft()
            row.held -= 1
            row.lost += 1

    def _draws(self) -> Iterator[float]:
        """CPU seconds of one request after the other."""
        while True:
            times = self._conditions.service_time.draw(self._random, _CHUNK)
            yield from needed(times, self._conditions.cores).tolist()
