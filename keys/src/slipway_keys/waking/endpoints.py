"""Which models have a replica that takes calls, by their EndpointSlices."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from slipway_keys.rules.collection import Collection, UnreadableError
from slipway_keys.rules.routes import Routes

GROUP, PLURAL = "discovery.k8s.io/v1", "endpointslices"
WATCH_S = 30
SETTLE_S = 1.0
"""From the API server's word on the first endpoint until calls go on: Envoy hears of it by way of Envoy Gateway.
Less than 0.02 s were measured on the local cluster; with more routes it takes longer (ADR 0041)."""
UNKNOWN_LIMIT_S = 5.0
_AGAIN_S = 1.0
_SERVICE = "kubernetes.io/service-name"


class Endpoints:
    """How many ready endpoints each Service of the namespace has; read only while some model may have none."""

    def __init__(self, routes: Routes, collection: Collection, show: Callable[[Mapping[str, int]], None]) -> None:
        """Nothing is read before `run`.

        Args:
            routes: the rules, which say whether some model may have no replica.
            collection: the EndpointSlices.
            show: takes the counts of such models, whenever they change.
        """
        self._routes = routes
        self._collection = collection
        self._show = show
        self._ready: Mapping[str, int] | None = None
        self._since: dict[str, float] = {}
        self._began: float | None = None
        self._changed: asyncio.Future[None] | None = None

    def count(self, model: str) -> int | None:
        """The ready endpoints of a model by the API server's last word, None before its first."""
        return None if self._ready is None else self._ready.get(model, 0)

    def pause_s(self, model: str) -> float | None:
        """For how long a call must wait still: 0 if it may go on, None if only a change can tell.

        Of the API server's word the last holds while it is away: a model that had replicas is called, one that had none
        is waited for. Before its first word, which may be long in coming, nobody knows, and a model that is not known
        to sleep is not kept from its callers for more than `UNKNOWN_LIMIT_S`.
        """
        now = time.monotonic()
        if self._ready is None:
            return UNKNOWN_LIMIT_S if self._began is None else max(0.0, self._began + UNKNOWN_LIMIT_S - now)
        since = self._since.get(model)
        return None if since is None else max(0.0, since + SETTLE_S - now)

    def changed(self) -> "asyncio.Future[None]":
        """What is done with the next change."""
        if self._changed is None:
            self._changed = asyncio.get_running_loop().create_future()
        return self._changed

    def tell(self) -> None:
        """Let whoever waits for a change look again."""
        if self._changed is not None:
            self._changed.set_result(None)
            self._changed = None

    async def run(self) -> None:
        """Read and watch for ever, while some model may have no replica."""
        while True:
            while not self._routes.sleepers():
                self._ready, self._since, self._began = None, {}, None
                self._show({})
                self._routes.changed.clear()
                await self._routes.changed.wait()
            if self._began is None:
                self._began = time.monotonic()
            try:
                items, version = await self._collection.items()
                self._replace(ready_endpoints(items))
                await self._collection.until_change(version)
            except UnreadableError:
                await asyncio.sleep(_AGAIN_S)

    def _replace(self, ready: Mapping[str, int]) -> None:
        now = time.monotonic()
        self._ready = ready
        self._since = {model: self._since.get(model, now) for model, count in ready.items() if count}
        self._show({model: ready.get(model, 0) for model in self._routes.sleepers()})
        self.tell()


def ready_endpoints(slices: Iterable[Mapping[str, Any]]) -> Mapping[str, int]:
    """The number of different addresses that take calls, by the name of their Service.

    One that is stopping answers still, but is no reason to send it anything new; an address may be in two slices.
    """
    found: dict[str, set[str]] = {}
    for one in slices:
        service = (one["metadata"].get("labels") or {}).get(_SERVICE)
        if service is None:
            continue
        addresses = found.setdefault(service, set())
        for endpoint in one.get("endpoints") or ():
            if _takes_calls(endpoint.get("conditions") or {}):
                addresses.update(endpoint["addresses"])
    return {service: len(addresses) for service, addresses in found.items()}


def _takes_calls(conditions: Mapping[str, bool | None]) -> bool:
    # What an endpoint does not say counts as the API's documentation has it: ready, serving, not terminating.
    ready, serving, terminating = (conditions.get(name) for name in ("ready", "serving", "terminating"))
    return ready is not False and serving is not False and not terminating
