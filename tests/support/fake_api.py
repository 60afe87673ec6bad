"""A fake API server: holds objects in memory, answers GET, PATCH, DELETE and watches, and can be stopped and broken."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from slipway.local.plugins.kubernetes.client.api import Api

Manifest = dict[str, Any]
ROOT = "/apis/apps/v1/namespaces/team/deployments"


class FakeApi:
    """One namespace's Deployments and pods over HTTP on loopback; `failures` answers come first, in order."""

    def __init__(self) -> None:
        self.objects: dict[str, Manifest] = {}
        self.failures: list[int] = []
        self.requests: list[str] = []
        self.keeps_deleted = False
        self.port = 0
        self._watches: list[tuple[str, asyncio.Queue[Manifest | None]]] = []
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]

    async def stop(self) -> None:
        self.break_watches()
        assert self._runner is not None
        await self._runner.cleanup()

    def break_watches(self) -> None:
        for _, queue in self._watches:
            queue.put_nowait(None)

    def put(self, path: str, manifest: Manifest) -> None:
        known = path in self.objects
        self.objects[path] = manifest
        self._tell("MODIFIED" if known else "ADDED", path, manifest)

    def remove(self, path: str) -> None:
        self._tell("DELETED", path, self.objects.pop(path))

    def _tell(self, kind: str, path: str, manifest: Manifest) -> None:
        for collection, queue in self._watches:
            if path.startswith(f"{collection}/"):
                queue.put_nowait({"type": kind, "object": manifest})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        if self.failures:
            code = self.failures.pop(0)
            return web.json_response(
                {"kind": "Status", "code": code, "message": f"made to fail with {code}"}, status=code
            )
        if request.query.get("watch"):
            return await self._watch(request)
        if request.path not in self.objects:
            return web.json_response(
                {"kind": "Status", "code": 404, "reason": "NotFound", "message": "not found"}, status=404
            )
        manifest = self.objects[request.path]
        if request.method == "DELETE":
            manifest["metadata"]["deletionTimestamp"] = "now"
            if not self.keeps_deleted:
                self.remove(request.path)
        return web.json_response(manifest)

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        queue: asyncio.Queue[Manifest | None] = asyncio.Queue()
        response = web.StreamResponse()
        await response.prepare(request)
        if "resourceVersion" not in request.query:
            for path, manifest in self.objects.items():
                if path.startswith(f"{request.path}/"):
                    queue.put_nowait({"type": "ADDED", "object": manifest})
            end = {"metadata": {"annotations": {"k8s.io/initial-events-end": "true"}}}
            queue.put_nowait({"type": "BOOKMARK", "object": end})
        entry = (request.path, queue)
        self._watches.append(entry)
        try:
            while (event := await queue.get()) is not None:
                await response.write(json.dumps(event).encode() + b"\n")
        finally:
            self._watches.remove(entry)
        return response


@contextlib.asynccontextmanager
async def fake_api() -> AsyncIterator[tuple[FakeApi, Api]]:
    """A running fake and a client of it."""
    fake = FakeApi()
    await fake.start()
    api = Api(ApiClient(Configuration(host=f"http://127.0.0.1:{fake.port}")), "team")
    try:
        yield fake, api
    finally:
        await api.close()
        await fake.stop()
