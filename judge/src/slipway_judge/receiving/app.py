"""Take in mirrored calls: answered at once, replayed if there is room, dropped and counted if there is not."""

import asyncio
from collections.abc import Callable

from starlette.types import Receive, Scope, Send

from slipway_judge.replaying.call import Call, headers_to_send, why_not
from slipway_judge.replaying.replayer import Bounds, Replayer
from slipway_judge.telemetry.metrics import Metrics

BODY_LIMIT = 16 * 2**20
"""Longer bodies are dropped, bytes."""
BODY_LIMIT_S = 30.0
"""Bodies that take longer to come are dropped, seconds."""


class Mirrored:
    """ASGI application of the port that the gateway mirrors calls to. It never says anything but 200 or 503.

    The gateway does not wait for the answer and passes it to nobody.
    """

    def __init__(
        self, replayer: Callable[[], Replayer | None], metrics: Metrics, bounds: Bounds, body_limit: int = BODY_LIMIT
    ) -> None:
        """Take in nothing yet.

        Args:
            replayer: who replays calls now; None: nothing is judged.
            metrics: where calls are counted.
            bounds: how much is in flight at once.
            body_limit: of one body, bytes.
        """
        self._replayer, self._metrics, self._bounds, self._body_limit = replayer, metrics, bounds, body_limit
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's call."""
        if scope["type"] != "http":
            return
        outcome = await self._taken(scope, receive)
        self._metrics.mirrored(outcome)
        status = 200 if outcome == "replayed" else 503
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async def _taken(self, scope: Scope, receive: Receive) -> str:
        """Return `replayed`, or in a word why the call is dropped."""
        replayer = self._replayer()
        if replayer is None:
            return "not_judging"
        reason = why_not(scope["method"], scope["path"])
        if reason is not None:
            return reason
        size = _length(scope)
        if size is not None and size > self._body_limit:
            return "too_long"
        # A body whose length nobody says counts as the longest there may be.
        give_back = self._bounds.take(self._body_limit if size is None else size)
        if give_back is None:
            return "too_many"
        try:
            async with asyncio.timeout(BODY_LIMIT_S):
                body = await self._body(receive)
        except TimeoutError:
            body = None
        if body is None:
            give_back()
            return "not_whole"
        raw_path = scope["raw_path"].decode("latin-1")
        path = f"{raw_path}?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else raw_path
        task = asyncio.create_task(replayer.replay(Call(path, headers_to_send(scope["headers"]), body)))
        self._tasks.add(task)

        def over(_: object) -> None:
            self._tasks.discard(task)
            give_back()

        task.add_done_callback(over)
        return "replayed"

    async def _body(self, receive: Receive) -> bytes | None:
        """Return the whole body; None if it breaks off or is too long."""
        pieces, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            if size > self._body_limit:
                return None
            if not message.get("more_body", False):
                return b"".join(pieces)


def _length(scope: Scope) -> int | None:
    text = dict(scope["headers"]).get(b"content-length", b"")
    return int(text) if text.isdigit() and len(text) < 16 else None
