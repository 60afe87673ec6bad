"""Times of answers in a bounded place: counts in buckets that are 2 % wide."""

import math
from collections import Counter

_WIDTH = math.log(1.02)
# Below, the clock and the loop are all that is measured.
_LEAST_MS = 0.01


class Times:
    """Counts of times, from which percentiles follow within 2 %."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self.total = 0

    def add(self, ms: float) -> None:
        """Count a time, milliseconds."""
        self._counts[_bucket(ms)] += 1
        self.total += 1

    def percentile_ms(self, share: float | None) -> float | None:
        """Return the time within which this share lies, milliseconds; None without any, and for no share."""
        if share is None:
            return None
        left = math.ceil(share * self.total)
        for bucket in sorted(self._counts):
            left -= self._counts[bucket]
            if left <= 0:
                return math.exp((bucket + 1) * _WIDTH)
        return None

    def above(self, ms: float) -> int:
        """Return how many are above a time, milliseconds; those in its very bucket are not."""
        limit = _bucket(ms)
        return sum(count for bucket, count in self._counts.items() if bucket > limit)


def _bucket(ms: float) -> int:
    return math.floor(math.log(max(ms, _LEAST_MS)) / _WIDTH)
