"""Bound how many connections there are and what they hold; the one that has waited longest makes way for a new one.

A connection waits while the server has nothing to do for it: no request has come yet, or only a part of one, or the
client does not take its answer. Such connections cost memory and a file descriptor, and whoever wants to can open
thousands. One on which a complete request is being answered is never closed for another. Those that had a good answer
are kept apart from those that had none, so that neither kind can push the other one out.
"""

import asyncio
import resource
import time
from collections import Counter
from itertools import chain, islice
from typing import Protocol

from slipway_server.memory.budget import LEAST_RATE, STALL_S, Budget, Lease

# So many of those that have waited longest are looked at: the one whose address has the most connections goes.
_CANDIDATES = 8
# Files, sockets and pipes that are no clients' connections.
_OTHER_FILES = 64
_SWEEP_S = 1.0
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\nconnection: close\r\n"
    b'content-length: 53\r\n\r\n{"error":"there are too many connections: try again"}'
)
# Memory that bytes of an unfinished head take: as bytes, and as the parser's objects.
_HEAD_FACTOR = 2


class Connection(Protocol):
    """What is known of a connection here.

    Attributes:
        peer: whom it is counted for; empty: nobody.
        own: what it holds beside its requests' leases.
        proven: whether a request on it was answered with 2xx or 3xx.
        transport: its socket.
    """

    peer: str
    own: Lease
    proven: bool
    transport: asyncio.Transport


class Connections:
    """All connections of the server. All methods are for the event loop's thread."""

    def __init__(self, budget: Budget, most: int) -> None:
        """Allow `most` connections, or as many as the process may have open files."""
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.budget = budget
        self._most = max(1, min(most, (hard if hard != resource.RLIM_INFINITY else most + _OTHER_FILES) - _OTHER_FILES))
        self._all: set[Connection] = set()
        self._per_peer: Counter[str] = Counter()
        # Those that wait, in the order in which they began to: unproven and proven ones.
        self._waiting: dict[bool, dict[Connection, None]] = {False: {}, True: {}}
        self._unsent: dict[Connection, float] = {}
        self._sweep: asyncio.TimerHandle | None = None
        budget.give_up_connection = self._give_up_holder

    def opened(self, connection: Connection) -> None:
        """Take a new connection; if there are too many, another one makes way, or it is turned away."""
        if len(self._all) >= self._most and not self._make_way():
            connection.transport.write(_FULL)
            connection.transport.close()
            return
        self._all.add(connection)
        self._per_peer[connection.peer] += 1
        self._waiting[connection.proven][connection] = None

    def lost(self, connection: Connection) -> None:
        """Forget a connection."""
        connection.own.close()
        self._waiting[connection.proven].pop(connection, None)
        self._unsent.pop(connection, None)
        if connection in self._all:
            self._all.remove(connection)
            self._per_peer[connection.peer] -= 1
            if not self._per_peer[connection.peer]:
                del self._per_peer[connection.peer]

    def head_came(self, connection: Connection) -> None:
        """Put a connection at the end of those that wait: a request has begun."""
        connection.own.close()
        waiting = self._waiting[connection.proven]
        if waiting.pop(connection, self) is None:
            waiting[connection] = None

    def request_came(self, connection: Connection) -> None:
        """Keep a connection: it has a complete request."""
        connection.own.close()
        self._waiting[connection.proven].pop(connection, None)

    def answered(self, connection: Connection, *, well: bool) -> None:
        """Let a connection wait for its next request, and count what the client did not take yet of its answer."""
        if connection not in self._all:
            return
        self._waiting[connection.proven].pop(connection, None)
        connection.proven |= well
        self._waiting[connection.proven][connection] = None
        if size := connection.transport.get_write_buffer_size():
            connection.own.hold(size)
            self._unsent[connection] = time.monotonic() + STALL_S
            if self._sweep is None:
                self._sweep = asyncio.get_running_loop().call_later(_SWEEP_S, self._look_at_unsent)

    def head_grew(self, connection: Connection, size: int) -> bool:
        """Count `size` bytes of an unfinished head or trailer, and return whether there is room for them."""
        more = _HEAD_FACTOR * size - connection.own.held
        if more > 0 and not self.budget.add(connection.own, more):
            return False
        if connection not in self._all:  # it was itself the one to make room
            connection.own.close()
        return True

    def _make_way(self) -> bool:
        unproven, proven = self._waiting[False], self._waiting[True]
        crowded = unproven if 2 * len(unproven) >= len(self._all) or not proven else proven
        oldest = list(islice(crowded, _CANDIDATES))
        if not oldest:
            return False
        self._abort(max(oldest, key=lambda one: self._per_peer[one.peer] if one.peer else 0))
        return True

    def _give_up_holder(self, latest: float) -> bool:
        """Close the connection that holds memory and has waited longest; False if there is none.

        Args:
            latest: only those whose clients must have gone on before that (monotonic, seconds); infinite: any.
        """
        victim = next((one for one, deadline in self._unsent.items() if deadline <= latest), None)
        if victim is None and latest == float("inf"):
            waiting = chain(self._waiting[False], self._waiting[True])
            victim = next((one for one in waiting if one.own.held), None)
        if victim is not None:
            self._abort(victim)
        return victim is not None

    def _abort(self, connection: Connection) -> None:
        self.lost(connection)
        connection.transport.abort()

    def _look_at_unsent(self) -> None:
        """Close connections whose clients take their answers too slowly."""
        now = time.monotonic()
        for connection, deadline in list(self._unsent.items()):
            before, left = connection.own.held, connection.transport.get_write_buffer_size()
            connection.own.hold(left)
            if not left:
                del self._unsent[connection]
            elif now > (later := min(deadline + max(0, before - left) / LEAST_RATE, now + STALL_S)):
                self._abort(connection)
            else:
                self._unsent[connection] = later
        loop = asyncio.get_running_loop()
        self._sweep = loop.call_later(_SWEEP_S, self._look_at_unsent) if self._unsent else None
