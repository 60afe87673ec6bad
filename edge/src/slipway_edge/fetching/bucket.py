"""Use so much of the link and no more."""

from slipway_edge.values.clock import Clock

_BURST_S = 1.0
"""What was not used of the second before may be used at once, not more: others use the link, too."""


class Bucket:
    """Tokens are bytes; they come at a rate, and those that are not used are kept for a second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at = clock.now()
        self._left = 0.0

    def take(self, amount: int, bytes_per_s: int | None) -> None:
        """Wait until so many bytes may pass that have passed just now; None: no limit."""
        now = self._clock.now()
        if bytes_per_s is None:
            self._at, self._left = now, 0.0
            return
        self._left = min(self._left + (now - self._at) * bytes_per_s, bytes_per_s * _BURST_S) - amount
        self._at = now
        if self._left < 0:
            self._clock.sleep(-self._left / bytes_per_s)
