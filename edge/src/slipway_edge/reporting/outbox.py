"""Reports that wait for the link: so many at most, the oldest go first and are dropped first."""

from collections import deque
from collections.abc import Callable

from slipway_edge.values.clock import Clock

KEPT = 240
"""Two hours of a report every thirty seconds. In memory: flash is worn for what must not be lost, and this may be."""
_AT_ONCE = 30
"""After a long time without a link, the rest goes with the next ones."""


class Outbox:
    """Store and forward. Each report is sent with `age_s`, since the device's date may be wrong."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: deque[tuple[float, dict[str, object]]] = deque(maxlen=KEPT)
        self.dropped = 0

    def add(self, report: dict[str, object]) -> None:
        """One more report, made now."""
        if len(self._waiting) == KEPT:
            self.dropped += 1
        self._waiting.append((self._clock.now(), report))

    def send(self, post: Callable[[dict[str, object]], object]) -> bool:
        """Send what waits, oldest first; what cannot be sent waits on. Returns whether the last one came to true.

        Raises:
            Away: there is no link, or the control side takes none.
        """
        answer: object = False
        for _ in range(min(len(self._waiting), _AT_ONCE)):
            made, report = self._waiting[0]
            answer = post({**report, "age_s": round(self._clock.now() - made, 1)})
            self._waiting.popleft()
        return answer is True

    def __len__(self) -> int:
        return len(self._waiting)
