"""Share out the memory that clients can make the server hold: one budget per process, nothing beside it.

The pod's limit, less what the server itself takes, has three parts. `arena` is ONNX Runtime's: tensors while the model
runs, and its outputs. `work` is for reading one large body or picture, and there is never more than one at a time.
`room` is for all that stays while requests are under way: heads, bodies as far as they have arrived, inputs, answers.
Each request counts what it holds of the room in a `Lease`.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from slipway_server.values.errors import Full

SMALL_BYTES = 64 * 2**10
"""What holds no more than this may use all of the room; larger requests leave a quarter of it to the small ones."""
BODY_FACTOR = 16
"""Memory for requests that a server needs at least, in largest bodies: ten to read one, and six to hold it, its tensors
and others. `slipway validate` reckons with the same number."""
WEIGHTS_FACTOR = 2
"""Loading the model takes up to twice its file."""
CONNECTION_BYTES = 16 * 2**10
"""What a connection takes in memory, with a small request on it: 9 KiB were measured without one."""
STALL_S = 5.0
"""A large body may pause for so long."""
LEAST_RATE = 10_000
"""Bytes a second at which a large body has to come on, and an answer to be taken."""
_WORK_OF_TEN = 6
_MARGIN_BYTES = 16 * 2**20
_MARGIN_SHARE = 64
_LEAST_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Shares:
    """The parts of the memory, in bytes, and how many connections there may be."""

    arena: int
    work: int
    room: int
    connections: int


def share_out(limit: int, resident: int, model_bytes: int, max_body_bytes: int) -> Shares:
    """Divide the memory of a process.

    Args:
        limit: what it may take.
        resident: what it holds before it loads the model.
        model_bytes: of the model's files.
        max_body_bytes: the largest body of a request.
    """
    free = max(limit - resident - _MARGIN_BYTES - limit // _MARGIN_SHARE, _LEAST_BYTES)
    spare = max(0, free - WEIGHTS_FACTOR * model_bytes)
    requests = max(min(BODY_FACTOR * max_body_bytes, spare - _LEAST_BYTES), spare // 2, _LEAST_BYTES // 2)
    work = requests * _WORK_OF_TEN // 10
    connections = (requests - work) // 2 // CONNECTION_BYTES
    return Shares(free - requests, work, requests - work - connections * CONNECTION_BYTES, connections)


class Budget:
    """Counts what is held of the room. All methods are for the event loop's thread."""

    def __init__(self, room: int, trusted_proxies: Sequence[str] = ()) -> None:
        """Set the room in bytes, and the networks (CIDRs) whose addresses stand for many clients."""
        self.room = room
        self.held = 0
        self._by_peer: dict[str, int] = {}
        self.arriving: set[Lease] = set()
        self._proxies = [ip_network(cidr) for cidr in trusted_proxies]
        self.give_up_connection: Callable[[float], bool] = lambda _latest: False

    @property
    def largest(self) -> int:
        """Bytes that one request may hold at most."""
        return self.room * 3 // 4

    def lease(self, peer: str = "") -> "Lease":
        """Return an empty lease for a request of the address `peer`; without one, no share is reckoned."""
        return Lease(self, peer)

    def peer_of(self, address: str) -> str:
        """Return whom the requests of an address are counted for: nobody, if it is a configured proxy's."""
        if self._proxies and any(ip_address(address.partition("%")[0]) in network for network in self._proxies):
            return ""
        return address

    def add(self, lease: "Lease", amount: int) -> bool:
        """Count more for a lease if there is room; bodies that come too slowly are given up for it if need be."""
        if not self._fits(lease, amount) and not self._make_room(lease, amount):
            return False
        self.force(lease, amount)
        return True

    def force(self, lease: "Lease", amount: int) -> None:
        """Count more for a lease in any case: what is there is counted, whether it should be or not."""
        self.held += amount
        lease.held += amount
        if lease.peer:
            self._by_peer[lease.peer] = self._by_peer.get(lease.peer, 0) + amount

    def can_go_on(self, amount: int) -> bool:
        """Return whether all of the room has so much left; answers that nobody takes are given up for it."""
        while self.held + amount > self.room:
            if not self.give_up_connection(time.monotonic() + STALL_S - 1):
                return False
        return True

    def remove(self, lease: "Lease", amount: int) -> None:
        """Count less for a lease."""
        self.held -= amount
        lease.held -= amount
        if lease.peer:
            left = self._by_peer.get(lease.peer, 0) - amount
            if left:
                self._by_peer[lease.peer] = left
            else:
                self._by_peer.pop(lease.peer, None)

    def _fits(self, lease: "Lease", amount: int) -> bool:
        if lease.held + amount <= SMALL_BYTES:
            return self.held + amount <= self.room
        if self.held + amount > self.largest:
            return False
        # Half of the room at most for one address, unless it is for its only request.
        of_peer = self._by_peer.get(lease.peer, 0)
        return not lease.peer or of_peer == lease.held or of_peer + amount <= self.room // 2

    def _make_room(self, lease: "Lease", amount: int) -> bool:
        """Give up incomplete requests, the slowest first: for a large one only such as have come to a stop."""
        small = lease.held + amount <= SMALL_BYTES
        latest = float("inf") if small else time.monotonic() + STALL_S - 1
        for victim in sorted(self.arriving, key=lambda one: one.deadline):
            if victim.deadline > latest:
                break
            if victim is not lease:
                self.arriving.discard(victim)
                victim.refuse()
                if self._fits(lease, amount):
                    return True
        while self.give_up_connection(latest):
            if self._fits(lease, amount):
                return True
        return False


class Lease:
    """What one request holds of the room.

    Attributes:
        peer: address of its client; empty where no share is reckoned.
        held: bytes.
        deadline: until when (monotonic, seconds) its body must have gone on; the earliest is given up first.
        answered_well: whether its answer is a good one: 2xx or 3xx.
        gone: whether its client went away, so that nobody waits for the answer.
        refused: whether it got no room, or lost it: its client gets 503.
        wake: tells who waits for the body.
    """

    __slots__ = ("_budget", "answered_well", "deadline", "gone", "held", "peer", "refused", "wake")

    def __init__(self, budget: Budget, peer: str) -> None:
        self._budget = budget
        self.peer = peer
        self.held = 0
        self.deadline = 0.0
        self.answered_well = False
        self.gone = False
        self.refused = False
        self.wake: Callable[[], None] = _nobody

    def arrived(self, amount: int) -> bool:
        """Count what has come of the body and return whether it may be kept."""
        if not self.refused and not self._budget.add(self, amount):
            # At once, so that the others which came in the same moment find room.
            self.close()
            self.refused = True
        return not self.refused

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """Let it be given up, until the end of the block, for others that are complete or come faster."""
        self._budget.arriving.add(self)
        try:
            yield
        finally:
            self._budget.arriving.discard(self)

    def charge(self, amount: int) -> None:
        """Count what is about to be made of a request that is here; `Full` when there is no room for it now.

        All of the room is open to it, without a share: of many that came together, each with its part of the room, some
        must get through.
        """
        if not self._budget.can_go_on(amount):
            raise Full
        self._budget.force(self, amount)

    def hold(self, amount: int) -> None:
        """Count `amount` from now on, whether there is room or not."""
        if amount > self.held:
            self._budget.force(self, amount - self.held)
        else:
            self._budget.remove(self, self.held - amount)

    def fits(self, amount: int) -> bool:
        """Return whether so much more could ever be held by this request."""
        return self.held + amount <= self._budget.largest

    def shrink(self, amount: int) -> None:
        """Give some of it back."""
        self._budget.remove(self, amount)

    def refuse(self) -> None:
        """Give all of it back and have the request turned away."""
        self.close()
        self.refused = True
        self.wake()

    def close(self) -> None:
        """Give all of it back."""
        if self.held:
            self._budget.remove(self, self.held)


def _nobody() -> None:
    """Wake nobody: no request waits for a body."""


_CURRENT: ContextVar[Lease] = ContextVar("lease")


def current_lease() -> Lease:
    """Return the lease of the request that is being answered."""
    return _CURRENT.get()


def set_current_lease(lease: Lease) -> None:
    """Make `lease` that of the request which this task answers; whoever does so closes it."""
    _CURRENT.set(lease)
