"""Read the HTTPRoutes of the namespace from the API server, and hear of their changes."""

import asyncio
import os
import ssl
import time
from pathlib import Path

import httpx
import orjson

from slipway_keys.rules.routes import Routes, route_of
from slipway_keys.telemetry.log import log
from slipway_keys.values.route import Route

_LIMIT_S = 5.0
_WATCH_S = 240
_AGAIN_S = 2.0
_LEAST_APART_S = 1.0


class Watcher:
    """Keeps Routes as the API server has them."""

    def __init__(self, routes: Routes, service_account: Path, api_url: str | None) -> None:
        host = os.environ.get("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc")
        port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
        self._routes = routes
        self._folder = service_account
        self._server = api_url or f"https://{f'[{host}]' if ':' in host else host}:{port}"
        self._looked = -_LEAST_APART_S
        self._looking: asyncio.Task[str | None] | None = None
        self._failing = False

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
            await self._until_change(version)

    def _looked_now(self, _task: object) -> None:
        self._looking = None
        self._looked = time.monotonic()

    async def _list_once(self) -> str | None:
        """Read all routes; return the version from which to watch, None if the API server gave none."""
        try:
            async with self._client() as client:
                answer = await client.get(self._path())
                answer.raise_for_status()
                document = orjson.loads(answer.content)
            found: dict[str, Route] = {}
            for item in document["items"]:
                route = route_of(item)
                if route is not None:
                    found[route.model] = route
            version = str(document["metadata"]["resourceVersion"])
        except (httpx.HTTPError, OSError, ValueError, KeyError, ssl.SSLError) as error:
            if not self._failing:
                log("routes not read", reason=type(error).__name__)
            self._failing = True
            return None
        if self._failing:
            log("routes read again")
        self._failing = False
        self._routes.replace(found)
        return version

    async def _until_change(self, version: str) -> None:
        """Return as soon as a route changed, and after some minutes: then all are read, which nothing can confuse."""
        query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": str(_WATCH_S)}
        try:
            async with (
                self._client(_WATCH_S + _LIMIT_S) as client,
                client.stream("GET", self._path(), params=query) as answer,
            ):
                answer.raise_for_status()
                async for _ in answer.aiter_lines():
                    return
        except (httpx.HTTPError, OSError, ssl.SSLError):
            await asyncio.sleep(_AGAIN_S)

    def _client(self, read_s: float = _LIMIT_S) -> httpx.AsyncClient:
        # The kubelet renews the token in its file.
        token = (self._folder / "token").read_text().strip()
        authority = self._folder / "ca.crt"
        context = ssl.create_default_context(cafile=str(authority)) if authority.exists() else False
        return httpx.AsyncClient(
            base_url=self._server,
            headers={"Authorization": f"Bearer {token}"},
            verify=context if self._server.startswith("https") and context else True,
            timeout=httpx.Timeout(_LIMIT_S, read=read_s),
            trust_env=False,
        )

    def _path(self) -> str:
        namespace = (self._folder / "namespace").read_text().strip()
        return f"/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/httproutes"
