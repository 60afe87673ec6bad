"""The time of day as the control side told it: the device's own clock may be wrong by years."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from slipway_edge.values.clock import Clock


class ToldTime:
    """Goes on from the last answer of the control side, by the seconds since boot."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: tuple[datetime, float] | None = None

    def tell(self, date: str | None) -> None:
        """Take the `Date` of an answer (RFC 9110, 6.6.1); what is none changes nothing."""
        try:
            told = parsedate_to_datetime(date or "")
        except ValueError:
            return
        self._told = (told if told.tzinfo else told.replace(tzinfo=UTC)), self._clock.now()

    def now(self) -> datetime | None:
        """The time, to a second or two; None: nobody has told it since this agent started."""
        if self._told is None:
            return None
        told, at = self._told
        return told + timedelta(seconds=self._clock.now() - at)
