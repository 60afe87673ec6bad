"""The admin API and the page over a real database, asked in-process."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from slipway_keys.admin.app import admin_routes
from slipway_keys.credentials.admin_passes import AdminPasses
from slipway_keys.database.migrate import migrate, migrations
from slipway_keys.database.pool import Database
from starlette.applications import Starlette

from tests.support.keys_room import empty_room, routes_of

KEY = Ed25519PrivateKey.generate()
MODELS = ("digits", "speech")
T = TypeVar("T")


def signed(audience: str = "keys-admin", key: Ed25519PrivateKey = KEY, seconds: int = 60, age: int = 0) -> str:
    now = int(time.time()) - age
    return jwt.encode({"aud": audience, "iat": now, "exp": now + seconds}, key, algorithm="EdDSA")


@dataclass
class Service:
    """What a test asks; `admin`: with a pass of the environment's key."""

    database: Database
    client: httpx.AsyncClient

    async def admin(self, method: str, path: str, body: object = None, **more: Any) -> httpx.Response:
        headers = {"x-slipway-pass": signed()}
        return await self.client.request(method, path, json=body, headers=headers, **more)

    async def create(self, **more: Any) -> dict[str, Any]:
        answer = await self.admin("POST", "/admin/keys", {"name": "shop", "models": ["digits"], **more})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def form(self, path: str, **fields: str) -> httpx.Response:
        return await self.client.post(f"/page/{path}", data=fields)

    async def write(self, *lines: dict[str, Any]) -> None:
        """Write lines as the ledger's writer does."""
        async with self.database.connection() as connection:
            await connection.fetch("SELECT * FROM write_ledger($1::text::jsonb)", json.dumps(lines))


def reservation(request_id: str, key: str, at: float, **more: Any) -> dict[str, Any]:
    line = {"kind": "reservation", "request_id": request_id, "key": key, "account": key, "model": "digits", "at": at}
    return {**line, "patience_s": 330.0, **more}


def settlement(request_id: str, at: float, **more: Any) -> dict[str, Any]:
    line = {"kind": "settlement", "request_id": request_id, "began": at, "at": at + 0.1, "status": 200, "flags": ""}
    measured = {"bytes_in": 100, "bytes_out": 10, "seconds": 0.1, "key": "", "account": "", "model": "", "attempts": 1}
    return {**line, **measured, **more}


def asked(url: str, test: Callable[[Service], Awaitable[T]]) -> T:
    """Run a test against a service with a migrated database."""

    async def run() -> T:
        database = Database(lambda: url)
        try:
            await migrate(database, migrations())
            app = Starlette(routes=admin_routes(database, AdminPasses(KEY), routes_of(*MODELS), empty_room()))
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://keys") as client:
                return await test(Service(database, client))
        finally:
            await database.close()

    return asyncio.run(run())
