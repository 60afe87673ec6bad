"""Time as the database tells it, so that replicas whose clocks differ agree."""

import time
from datetime import UTC, datetime


class Clock:
    """The machine's clock, corrected by what the database's time was when it was last asked."""

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def now(self) -> float:
        """Return the seconds since 1970."""
        return time.time() + self._ahead_s

    def moment(self) -> datetime:
        """Return the same as a datetime."""
        return datetime.fromtimestamp(self.now(), UTC)

    def heard(self, database: datetime) -> None:
        """Take over the database's time, which has just been asked."""
        self._ahead_s = database.timestamp() - time.time()
