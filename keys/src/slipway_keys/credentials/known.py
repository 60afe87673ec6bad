"""Keys in memory: asked for once, heard of when they change, asked anew often, believed for a minute at most."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from slipway_keys.database import keys
from slipway_keys.database.batches import Batches
from slipway_keys.database.pool import AwayError, Database
from slipway_keys.telemetry.log import log
from slipway_keys.values.clock import Clock
from slipway_keys.values.keys import Key

POLL_S = 5.0
RECHECK_S = 10.0
REVOCATION_S = 60.0
"""A key that the database confirmed so long ago, and has not been asked for since because it is away, is refused."""

_LOOK_UP_LIMIT_S = 0.5
_UNKNOWN_S = 5.0
_MOST = 50_000
_MOST_UNKNOWN = 10_000
_UNUSED_S = 600.0
_LISTEN_AGAIN_S = 2.0


@dataclass(slots=True)
class _Known:
    key: Key
    confirmed: float
    used: float


class KnownKeys:
    """The keys that were shown lately."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._unknown: dict[str, float] = {}
        self._look_ups: Batches[str, Key | None] = Batches(self._look_up, _LOOK_UP_LIMIT_S)

    def __len__(self) -> int:
        return len(self._known)

    def fresh(self, key_id: str) -> Key | None:
        """Return a key that was confirmed just now, None if the database must be asked."""
        known = self._known.get(key_id)
        if known is None:
            return None
        now = time.monotonic()
        if now - known.confirmed > RECHECK_S:
            return None
        known.used = now
        return known.key

    async def find(self, key_id: str) -> Key | None:
        """Return a key, None if there is none of this id.

        Raises:
            AwayError: the database is away, and the key was not confirmed within the last minute.
        """
        now = time.monotonic()
        if now - self._unknown.get(key_id, -_UNKNOWN_S) < _UNKNOWN_S:
            return None
        try:
            return await self._look_ups.ask(key_id)
        except AwayError:
            known = self._known.get(key_id)
            if known is None or time.monotonic() - known.confirmed > REVOCATION_S:
                raise
            known.used = now
            return known.key

    async def refresh(self) -> None:
        """Ask for all keys in use anew, and forget the others. AwayError: they stay as they are."""
        now = time.monotonic()
        for key_id in [key_id for key_id, known in self._known.items() if now - known.used > _UNUSED_S]:
            del self._known[key_id]
        if self._known:
            await self._look_up(list(self._known))
        else:
            _, told = await keys.by_ids(self._database, [], _LOOK_UP_LIMIT_S * 4)
            self._clock.heard(told)

    async def run(self) -> None:
        """Refresh for ever."""
        while True:
            try:
                await self.refresh()
            except AwayError as error:
                log("keys not refreshed", reason=str(error))
            await asyncio.sleep(POLL_S)

    async def listen(self) -> None:
        """Forget keys the moment that they change, for ever."""
        while True:
            with suppress(AwayError):
                # First of all, what changed while nobody listened.
                await self._database.listen("keys", self._changed, self.refresh)
            await asyncio.sleep(_LISTEN_AGAIN_S)

    def _changed(self, key_id: str) -> None:
        self._known.pop(key_id, None)
        self._unknown.pop(key_id, None)

    async def _look_up(self, ids: Sequence[str]) -> list[Key | None]:
        asked = time.monotonic()
        before = {key_id: self._known.get(key_id) for key_id in ids}
        found, told = await keys.by_ids(self._database, list(ids), _LOOK_UP_LIMIT_S * 4)
        self._clock.heard(told)
        for key_id in ids:
            key = found.get(key_id)
            if key is None:
                self._known.pop(key_id, None)
                if len(self._unknown) >= _MOST_UNKNOWN:
                    self._unknown.clear()
                self._unknown[key_id] = asked
            elif before[key_id] is not None and self._known.get(key_id) is not before[key_id]:
                continue  # it changed while it was being asked for: whoever needs it next asks again
            else:
                used = before[key_id].used if before[key_id] else asked  # type: ignore[union-attr]
                self._known[key_id] = _Known(key, asked, used)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
        return [found.get(key_id) for key_id in ids]
