"""Bound what uvicorn leaves unbounded: the size of a request's head, and the time it takes to arrive.

Without these bounds one client could fill the pod's memory with an endless header, or hold all its file
descriptors with connections on which no request ever comes.
"""

import asyncio

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024
# As long as an idle connection is kept: a load balancer may open one before it has a request.
HEAD_TIMEOUT_S = 75.0


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with both bounds; a request whose head arrives in one piece costs nothing more."""

    _in_head = True
    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock for the first request."""
        super().connection_made(transport)
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._unwatch_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what came in vain: bytes after which the head is still not complete."""
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            self._watch_head()
            if self._head_bytes > MAX_HEAD_BYTES:
                self.send_400_response(f"request line and headers have more than {MAX_HEAD_BYTES} bytes")

    def on_message_begin(self) -> None:
        """Expect a head."""
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        """Go on to the body."""
        self._in_head = False
        self._unwatch_head()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP in the form of all other errors, and close the connection."""
        body = orjson.dumps({"error": msg})
        head = (
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n" % len(body)
        )
        self.transport.write(head + body)
        self.transport.close()

    def _watch_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.close)

    def _unwatch_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
