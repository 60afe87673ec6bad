"""Calls that wait for the first replica of their model, how many may, and what the autoscaler hears of them."""

import asyncio
import time
from collections.abc import Callable
from enum import Enum

from slipway_keys.rules.routes import Routes
from slipway_keys.waking.endpoints import Endpoints

MOST_OF_MODEL = 500
MOST = 1000
"""Each holds one of the gateway's connections, of which the service takes twice as many: other models go on."""
WAKE_S = 30.0


class Held(Enum):
    """How a wait ended."""

    READY = "ready"
    LATE = "late"
    FULL = "full"
    GONE = "gone"


class Room:
    """All calls that wait in this replica, and the models that somebody asked to wake."""

    def __init__(self, routes: Routes, endpoints: Endpoints, show: Callable[[str, int], None]) -> None:
        """Nobody waits yet; `show` takes how many wait for a model whenever that changes."""
        self._routes = routes
        self._endpoints = endpoints
        self._show = show
        self._held: dict[str, int] = {}
        self._woken: dict[str, float] = {}
        self._closed = False

    def open_for(self, model: str) -> bool:
        """Whether a call need not wait."""
        return self._endpoints.pause_s(model) == 0

    def sleepers(self) -> list[str]:
        """The models that may have no replica."""
        return self._routes.sleepers()

    def ready_endpoints(self, model: str) -> int | None:
        """How many the model has, None if nobody knows."""
        return self._endpoints.count(model)

    def demand(self, model: str) -> int | None:
        """How many calls wait for a model, and one more while somebody wants it awake; None for one that never sleeps.

        Raises:
            LookupError: the models are not known yet.
        """
        if not self._routes.known:
            raise LookupError(model)
        if model not in self._routes.sleepers():
            return None
        return self._held.get(model, 0) + (self._woken.get(model, 0.0) > time.monotonic())

    def wake(self, model: str) -> None:
        """Count as demand for the next `WAKE_S` seconds."""
        self._woken[model] = time.monotonic() + WAKE_S

    def close(self) -> None:
        """Let nobody wait any longer: all are gone."""
        self._closed = True
        self._endpoints.tell()

    async def wait(self, model: str, limit_s: float, gone: "asyncio.Future[None]") -> Held:
        """Wait until a model has a replica that the gateway knows.

        Args:
            model: its name.
            limit_s: at most so long, seconds.
            gone: done when nobody is there any more to hear the end.
        """
        if self._held.get(model, 0) >= MOST_OF_MODEL or sum(self._held.values()) >= MOST:
            return Held.FULL
        self._count(model, 1)
        try:
            return await self._until_open(model, time.monotonic() + limit_s, gone)
        finally:
            self._count(model, -1)

    async def _until_open(self, model: str, end: float, gone: "asyncio.Future[None]") -> Held:
        while True:
            if gone.done() or self._closed:
                return Held.GONE
            pause_s = self._endpoints.pause_s(model)
            if pause_s == 0:
                return Held.READY
            left_s = end - time.monotonic()
            if left_s <= 0:
                return Held.LATE
            wake_up_s = left_s if pause_s is None else min(left_s, pause_s)
            changed = self._endpoints.changed()
            await asyncio.wait((gone, changed), timeout=wake_up_s, return_when=asyncio.FIRST_COMPLETED)

    def _count(self, model: str, change: int) -> None:
        left = self._held.get(model, 0) + change
        self._held[model] = left
        if not left:
            del self._held[model]
        self._show(model, left)
