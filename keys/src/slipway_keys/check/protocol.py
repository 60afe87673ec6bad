"""External authorization on HTTP/1.1: one question after the other on each of the gateway's connections."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import cast

import httptools

from slipway_keys.check import answers
from slipway_keys.check.asked import Asked, Asker, asked
from slipway_keys.telemetry.log import log

_MOST_BYTES = 128 * 1024
_MOST_WAITING = 64
_MOST_CONNECTIONS = 2000
_IDLE_S = 300.0

Decide = Callable[[Asked], "bytes | Coroutine[None, None, bytes]"]
Observe = Callable[[float], None]


class Checks:
    """All connections, and the way down."""

    def __init__(self, decide: Decide, observe: Observe) -> None:
        self.decide = decide
        self.observe = observe
        self.open: set[CheckProtocol] = set()
        self.closing = False
        self.failures = 0

    def protocol(self) -> "CheckProtocol":
        """Make the protocol of a new connection."""
        return CheckProtocol(self)

    async def close(self, limit_s: float) -> None:
        """Close each connection once nothing waits on it, and all of them after `limit_s`."""
        self.closing = True
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while any(connection.busy for connection in self.open):
                    await asyncio.sleep(0.01)
        for connection in list(self.open):
            connection.end()

    def sweep(self) -> None:
        """Close connections on which nothing has come for long."""
        now = time.monotonic()
        for connection in list(self.open):
            if not connection.busy and now - connection.heard > _IDLE_S:
                connection.end()


class CheckProtocol(asyncio.Protocol):
    """One connection."""

    def __init__(self, checks: Checks) -> None:
        self._checks = checks
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._size = 0
        self._waiting: deque[Asked | None] = deque()
        self._task: asyncio.Task[None] | None = None
        self._asker = Asker(asyncio.get_running_loop().create_future())
        self.heard = time.monotonic()

    @property
    def busy(self) -> bool:
        """Whether a question is being answered."""
        return self._task is not None

    def end(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, unless there are too many."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's derives from nothing
        if len(self._checks.open) >= _MOST_CONNECTIONS or self._checks.closing:
            self._transport.close()
            return
        self._checks.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Forget the connection; what is being decided goes on, since it may have been counted, but waits no more."""
        self._checks.open.discard(self)
        self._asker.gone.set_result(None)
        self._transport = None
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        """Read questions."""
        self.heard = time.monotonic()
        self._size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._bad()
        except httptools.HttpParserError:
            self._bad()
        if self._size > _MOST_BYTES or len(self._waiting) > _MOST_WAITING:
            self._bad()

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._url = b""
        self._headers = {}

    def on_url(self, url: bytes) -> None:
        """Take a part of the address."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; of those that come twice, the last counts."""
        self._headers[name.lower()] = value

    def on_message_complete(self) -> None:
        """Answer a request, or let it wait for the one before it."""
        self._size = 0
        question = asked(self._parser.get_method(), self._url, self._headers, self._asker)
        if self._task is not None or self._waiting:
            self._waiting.append(question)
            return
        self._answer(question)

    def _answer(self, question: Asked | None) -> None:
        began = time.perf_counter()
        if question is None:
            self._write(answers.refused(404, "there is nothing here but /check/MODEL"))
            return
        try:
            answer = self._checks.decide(question)
        except Exception as error:
            answer = self._failed(error)
        if isinstance(answer, bytes):
            self._write(answer, question.method)
            self._checks.observe(time.perf_counter() - began)
            return
        self._task = asyncio.get_running_loop().create_task(self._later(answer, question.method, began))

    async def _later(self, answer: Coroutine[None, None, bytes], method: bytes, began: float) -> None:
        self._asker.held_s = 0.0
        try:
            data = await answer
        except answers.Unanswered:
            self._task = None
            self.end()
            return
        except Exception as error:
            data = self._failed(error)
        self._task = None
        self._write(data, method)
        self._checks.observe(time.perf_counter() - began - self._asker.held_s)
        while self._waiting and self._task is None:
            self._answer(self._waiting.popleft())

    def _failed(self, error: Exception) -> bytes:
        self._checks.failures += 1
        # The type only: texts of exceptions may quote what a client sent.
        log("check failed", reason=type(error).__name__)
        return answers.refused(503, "the call cannot be checked now: try again", 1.0)

    def _write(self, data: bytes, method: bytes = b"GET") -> None:
        if method == b"HEAD":
            # Whoever asks so reads no body: it would be the beginning of the next answer.
            data = data[: data.index(b"\r\n\r\n") + 4]
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _bad(self) -> None:
        self._write(answers.BAD_REQUEST)
        self.end()
