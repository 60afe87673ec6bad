"""Answer commands from other machines: what was changed, and changes that are taken as a whole or not at all.

A command proves itself by the fleet's key, whose public half is all that the control side has. A request holds for five
minutes; one that changes something holds once, because it names the last change that its sender knew of.
"""

import json
import sqlite3
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from slipway.edge.keys import of_base64, verified
from slipway.edge.signing import SIGNING_KEY
from slipway.edge.store import Store

CHANGES = "/v1/fleet/changes"
TIME = "X-Slipway-Time"
CONTENT = "X-Slipway-Content"
SIGNATURE = "X-Slipway-Signature"
SENT_MOST = 64 * 2**20
HOLDS_S = 300
"""How far the clocks of a command's machine and of this one may differ."""
_Clock = Callable[[], float]


class _Refused(Exception):
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def signed_command(fleet: str, method: str, path: str, at: str, content: str) -> bytes:
    """What a command signs of a request: never what a document is, which the same key signs, as that begins with {.

    `path`: with the query. `at`: seconds since the epoch. `content`: the SHA-256 of the body, in hex.
    """
    return f"slipway-command-1\n{fleet}\n{method}\n{path}\n{at}\n{content}".encode()


def add_commands(app: web.Application, fleet: str, store: Store, clock: _Clock) -> None:
    """Let the control side answer commands, too."""

    def proven(handler: Handler) -> Handler:
        async def answered(request: web.Request) -> web.StreamResponse:
            try:
                _prove(request, fleet, store, clock)
                answer = await handler(request)
            except _Refused as error:
                answer = web.json_response({"error": str(error)}, status=error.status)
            answer.headers[TIME] = repr(clock())
            return answer

        return answered

    async def changes(request: web.Request) -> web.StreamResponse:
        try:
            since = int(request.query.get("since", ""))
        except ValueError:
            raise _Refused(400, "since is no whole number") from None
        told = store.changes(since)
        return web.Response(status=204) if told is None else web.json_response(told)

    async def change(request: web.Request) -> web.StreamResponse:
        sent = await _body(request)
        try:
            taken = store.command(int(sent["known"]), sent["rows"])
        except (KeyError, TypeError, ValueError, sqlite3.Error) as error:
            raise _Refused(400, f"the change cannot be read: {error}") from None
        if taken is None:
            raise _Refused(409, "another command changed the fleet since")
        return web.json_response({"number": taken})

    app.router.add_get(CHANGES, proven(changes), allow_head=False)
    app.router.add_post(CHANGES, proven(change))


def _prove(request: web.Request, fleet: str, store: Store, clock: _Clock) -> None:
    """Refuse a request that the fleet's key has not signed; nothing of its body is read before."""
    known = of_base64(store.meta(SIGNING_KEY) or "", 32)
    if known is None:
        raise _Refused(403, "the fleet has no key yet: nobody may command it from another machine")
    at, content = request.headers.get(TIME, ""), request.headers.get(CONTENT, "")
    signature = of_base64(request.headers.get(SIGNATURE, ""), 64)
    text = signed_command(fleet, request.method, request.path_qs, at, content)
    if signature is None or not verified(known, signature, text):
        raise _Refused(401, "the request is not signed by the fleet's key")
    ahead = clock() - int(at) if at.isascii() and at.isdigit() and len(at) <= 12 else HOLDS_S + 1
    if abs(ahead) > HOLDS_S:
        raise _Refused(401, f"the request was signed {ahead:.0f} s before now: correct the clock of its machine")


async def _body(request: web.Request) -> Any:
    """The body that was signed, as JSON."""
    body = bytearray()
    async for part in request.content.iter_any():
        body += part
        if len(body) > SENT_MOST:
            raise _Refused(413, f"more than {SENT_MOST} bytes")
    if sha256(body).hexdigest() != request.headers.get(CONTENT):
        raise _Refused(401, "the body is not the one that was signed")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise _Refused(400, "the body is not JSON") from None
