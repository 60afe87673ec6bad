"""Read the HTTPRoutes of the namespace from the API server, and hear of their changes."""

import asyncio
import time

from slipway_keys.rules.collection import Collection, UnreadableError
from slipway_keys.rules.routes import Routes, route_of

GROUP, PLURAL = "gateway.networking.k8s.io/v1", "httproutes"
WATCH_S = 240
_AGAIN_S = 2.0
_LEAST_APART_S = 1.0


class Watcher:
    """Keeps Routes as the API server has them."""

    def __init__(self, routes: Routes, collection: Collection) -> None:
        self._routes = routes
        self._collection = collection
        self._looked = -_LEAST_APART_S
        self._looking: asyncio.Task[str | None] | None = None

    async def look(self) -> None:
        """Read all routes now, unless they were read within the last second; whoever comes meanwhile waits, too."""
        if self._looking is None:
            if time.monotonic() - self._looked < _LEAST_APART_S:
                return
            self._looking = asyncio.create_task(self._list_once())
            self._looking.add_done_callback(self._looked_now)
        await asyncio.shield(self._looking)

    async def run(self) -> None:
        """Read and watch for ever."""
        while True:
            version = await self._list_once()
            if version is None:
                await asyncio.sleep(_AGAIN_S)
                continue
            try:
                await self._collection.until_change(version)
            except UnreadableError:
                await asyncio.sleep(_AGAIN_S)

    def _looked_now(self, _task: object) -> None:
        self._looking = None
        self._looked = time.monotonic()

    async def _list_once(self) -> str | None:
        """Read all routes; return the version from which to watch, None if the API server gave none."""
        try:
            items, version = await self._collection.items()
            found = {route.model: route for item in items if (route := route_of(item)) is not None}
        except (UnreadableError, KeyError):
            return None
        self._routes.replace(found)
        return version
