"""Bound what uvicorn leaves unbounded: heads, trailers, the time they take, and what arrives of bodies.

Without these bounds one client could fill the pod's memory with an endless header, or hold all its file descriptors
with connections on which no request ever comes. An `Upgrade` is never taken up here: as RFC 9110 has it for a server
that does not want to change the protocol, the request is read and answered as if it had not asked.
"""

import asyncio

import httptools
import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from slipway_server.http.connections import Connections
from slipway_server.memory.budget import Lease

MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 100
# Requests that a client may send before it has the answer to the first: each takes a hundred times its bytes.
MAX_PIPELINED = 16
_PIPELINED_BYTES = 6 * 2**10
# As long as an idle connection is kept: a load balancer may open one before it has a request.
HEAD_TIMEOUT_S = 75.0
LEASE = "slipway.lease"
"""Key of a request's scope under which its lease is."""
_HEAD_TOO_LARGE = f"request line and headers have more than {MAX_HEAD_BYTES} bytes"
_TRAILERS_TOO_LARGE = f"chunks and trailers without a body have more than {MAX_HEAD_BYTES} bytes"
# What belongs to an upgrade, and to nobody else (RFC 9113 for HTTP2-Settings).
_UPGRADING = (b"upgrade", b"http2-settings")


class _Refused(Exception):
    """A request that is refused before it is complete; the message says why."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with these bounds; `protocol_with` makes the class for a server's connections."""

    crowd: Connections
    own: Lease
    peer = ""
    proven = False
    _in_head = True
    _upgrading = False
    _lease: Lease | None = None
    _vain_bytes = 0
    _went_on = False
    _body_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock for the first request."""
        super().connection_made(transport)
        self.peer = self.crowd.budget.peer_of(self.client[0]) if self.client else ""
        self.own = self.crowd.budget.lease(self.peer)
        self._watch_head()
        self.crowd.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._unwatch_head()
        self.crowd.lost(self)
        if self._lease is not None:
            self._lease.gone = True
        for cycle, _ in self.pipeline:
            cycle.scope[LEASE].close()  # type: ignore[literal-required]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, and count what came in vain: bytes after which no head is complete and no body went on."""
        self._unset_keepalive_if_required()
        self._went_on = False
        self._body_bytes = 0
        try:
            self._feed(data)
        except _Refused as refusal:
            self.send_400_response(str(refusal))
            return
        except httptools.HttpParserError as error:
            refused = isinstance(error.__context__, _Refused)
            self.send_400_response(str(error.__context__) if refused else "this is not an HTTP request")
            return
        if self.transport.is_closing():
            return
        if self._in_head:
            self._watch_head()
        elif self._went_on or self.cycle is None or not self.cycle.more_body:
            self._vain_bytes = 0
            return
        self._vain_bytes += len(data) - self._body_bytes
        if not self.crowd.head_grew(self, self._vain_bytes):
            self.send_400_response("there is no room for this head now: send it at once")
        elif self._vain_bytes > MAX_HEAD_BYTES:
            self.send_400_response(_HEAD_TOO_LARGE if self._in_head else _TRAILERS_TOO_LARGE)

    def _feed(self, data: bytes) -> None:
        while True:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as stop:
                # The parser takes what follows for another protocol. It is this request's body: a parser that never
                # heard of the upgrade reads it.
                self._upgrading = False
                rest = data[stop.args[0] :]
                data = self._head_without_upgrade() + rest
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)

    def _head_without_upgrade(self) -> bytes:
        method, version = self.parser.get_method(), self.parser.get_http_version()
        lines = [b"%b %b HTTP/%b\r\n" % (method, self.url, version.encode())]
        for name, value in self.headers:
            if name in _UPGRADING:
                continue
            tokens = [token.strip() for token in value.split(b",")] if name == b"connection" else []
            kept = b", ".join(token for token in tokens if token.lower() not in _UPGRADING) if tokens else value
            lines.append(b"%b: %b\r\n" % (name, kept))
        return b"".join([*lines, b"\r\n"])

    def on_message_begin(self) -> None:
        """Expect a head."""
        super().on_message_begin()
        self._in_head = True
        self._vain_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; trailers are not kept, since nobody reads them."""
        if not self._in_head:
            return
        if len(self.headers) >= MAX_HEADERS:
            raise _Refused(f"there are more than {MAX_HEADERS} headers")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Go on to the body."""
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise _Refused("CONNECT is for proxies, and this is none")
            self._upgrading = True
            return
        hosts, size = 0, len(self.url)
        for name, value in self.headers:
            hosts += name == b"host"
            size += len(name) + len(value)
        if size > MAX_HEAD_BYTES:
            raise _Refused(_HEAD_TOO_LARGE)
        if hosts > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            raise _Refused(f"there are {hosts} `Host` headers; allowed: one")
        lease = self.crowd.budget.lease(self.peer)
        if self.cycle is not None and not self.cycle.response_complete:
            self._queue_up(lease)
        self._in_head = False
        self._went_on = True
        self._unwatch_head()
        self._lease = lease
        self.scope[LEASE] = self._lease  # type: ignore[literal-required]
        self.crowd.head_came(self)
        super().on_headers_complete()
        self._lease.wake = self.cycle.message_event.set

    def _queue_up(self, lease: Lease) -> None:
        if len(self.pipeline) >= MAX_PIPELINED or not lease.arrived(_PIPELINED_BYTES):
            raise _Refused(f"there are {len(self.pipeline)} requests without an answer on this connection")

    def on_body(self, body: bytes) -> None:
        """Keep what came of the body if there is room for it; if not, its reader is told so."""
        self._went_on = True
        self._body_bytes += len(body)
        if self.cycle.response_complete or self._lease is None:
            return
        if self._lease.arrived(len(body)):
            super().on_body(body)
        else:
            self.cycle.message_event.set()

    def on_message_complete(self) -> None:
        """End a request: it can be answered now."""
        if not self._upgrading:
            self.crowd.request_came(self)
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, and for the client to take what it was sent."""
        super().on_response_complete()
        if not self.pipeline and self.cycle.response_complete:
            self.crowd.answered(self, well=self._lease is not None and self._lease.answered_well)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP in the form of all other errors, and close the connection."""
        if self.cycle is not None and not self.cycle.response_complete:
            if self._in_head:
                # It came after requests that are still to be answered: they are, and then the connection is closed.
                self.cycle.keep_alive = False
                return
            # Its application must not write into this answer, nor wait for a body that never ends.
            started = self.cycle.response_started
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if started or self.pipeline:
                self.transport.close()
                return
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


def protocol_with(connections: Connections) -> type[BoundedProtocol]:
    """Return the protocol as uvicorn wants it: a class that it makes an object of for each connection."""

    class _Protocol(BoundedProtocol):
        crowd = connections

    return _Protocol
