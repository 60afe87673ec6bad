"""Say which floor of a schedule holds at a moment, as KEDA's cron trigger does (pkg/scalers/cron_scaler.go, 2.19)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim

from slipway.spec.scale import Floor


class Floors:
    """The floors of a schedule over time, which only goes forward: each is looked up again when it may have changed."""

    def __init__(self, schedule: Sequence[Floor]) -> None:
        self._floors = [_State(floor) for floor in schedule]

    def at(self, moment: float) -> list[int]:
        """Return the replicas that each floor asks for now, in seconds since 1970: its `min`, or 0 while it rests."""
        return [floor.at(moment) for floor in self._floors]


class _State:
    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._zone = ZoneInfo(floor.timezone)
        self._changes_at = float("-inf")
        self._now = 0

    def at(self, moment: float) -> int:
        if moment >= self._changes_at:
            here = datetime.fromtimestamp(moment, UTC).astimezone(self._zone)
            begins, ends = (next(CronSim(text, here)).timestamp() for text in (self._floor.cron, self._floor.until))
            # It holds if it ends before it begins again.
            self._now = self._floor.min if ends <= begins else 0
            self._changes_at = min(begins, ends)
        return self._now
