"""Rates that each replica keeps by itself: all of them while the database is away, those of pages and
feedback always.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence

_MOST = 50_000


class LocalRates:
    """Token buckets, as the database has them: a full one holds as many calls as its span allows."""

    def __init__(self) -> None:
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def admit(self, rates: Sequence[Mapping[str, object]], now: float) -> float:
        """Count a call at `now` (seconds of a clock that never goes back) and return 0, or return the wait in seconds.

        Args:
            rates: `subject`, `count` and `per_s` of each; a call takes from all or from none.
        """
        wait_s = 0.0
        for rate in rates:
            count, per_s = float(str(rate["count"])), float(str(rate["per_s"]))
            full_in = max(0.0, self._full_at.get(str(rate["subject"]), now) - now)
            wait_s = max(wait_s, full_in + per_s / count - per_s)
        if wait_s > 1e-6:
            return wait_s
        for rate in rates:
            subject = str(rate["subject"])
            began = max(now, self._full_at.get(subject, now))
            self._full_at[subject] = began + float(str(rate["per_s"])) / float(str(rate["count"]))
            self._full_at.move_to_end(subject)
        while len(self._full_at) > _MOST:
            self._full_at.popitem(last=False)
        return 0.0
