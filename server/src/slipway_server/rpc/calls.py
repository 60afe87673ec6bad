"""Take calls: who may come in, what they hold of the memory, how long they take, and what is counted of them.

Each method is served as a stream of messages both ways, which on the wire is what a single message is. So nothing of a
message is read before its sender was let in and there is room for it, and an answer is counted until the client has
taken it.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc

from slipway_server.http.lifecycle import Phase, State
from slipway_server.http.passes import KeyUnusable, Passes, PassRefused
from slipway_server.memory.budget import LEAST_RATE, STALL_S, Budget, Lease, set_current_lease
from slipway_server.pipeline.caller import SUBJECT, caller_pass, caller_subject
from slipway_server.protocol.v2 import Answer
from slipway_server.rpc.failures import INTERNAL, RETRY, Closed, Refused, Stopping, TooSlow, failure_of
from slipway_server.telemetry.metrics import Metrics
from slipway_server.telemetry.traces import CONTEXT_HEADERS, Trace, Traces, current_trace
from slipway_server.values.errors import BadRequest, Full

WINDOW_BYTES = 64 * 2**10
"""What a client may send of a message before anybody asked for it; HTTP/2 itself says so."""
_SHOWN = "x-slipway-pass"
_COMPUTE, _PREDICTED = "x-slipway-compute-seconds", "x-slipway-predicted"
_POLL_S = 0.01
_CLIENT_CLOSED_REQUEST = 499
_LOGGER = logging.getLogger(__name__)

Ask = Callable[[bytes], Awaitable[Answer]]


class Calls:
    """All calls of the server. All methods are for the event loop's thread."""

    def __init__(
        self,
        budget: Budget,
        passes: Passes | None,
        traces: Traces | None,
        state: State,
        metrics: Metrics,
        max_bytes: int,
        timeout_s: float,
    ) -> None:
        self._budget = budget
        self._passes = passes
        self._traces = traces
        self._state = state
        self._metrics = metrics
        self._max_bytes = max_bytes
        # Where the memory is too small for messages of the largest size, smaller ones are answered all the same.
        self._most_bytes = max(WINDOW_BYTES, min(max_bytes, budget.room // 2))
        self._timeout_s = timeout_s
        # Whoever wants to read a large message waits in the order of coming.
        self._turn = asyncio.Lock()

    def handler(self, route: str, ask: Ask, *, is_open: bool = False) -> Any:
        """Return what serves one method.

        Args:
            route: its path, for the metrics.
            ask: makes the answer of a message's bytes.
            is_open: whether it is asked by probes, which have no pass and say nothing of traffic.
        """

        async def serve(messages: AsyncIterator[bytes], context: Any) -> None:
            await self._serve(route, ask, is_open, messages, context)

        return grpc.stream_stream_rpc_method_handler(serve)

    async def _serve(self, route: str, ask: Ask, is_open: bool, messages: AsyncIterator[bytes], context: Any) -> None:
        started = time.perf_counter()
        status = _CLIENT_CLOSED_REQUEST
        trace: Trace | None = None
        lease = self._budget.lease(self._budget.peer_of(_address(context.peer())))
        set_current_lease(lease)
        self._state.in_flight += 1
        if not is_open:
            self._state.asked_at = time.monotonic()
        try:
            if self._state.phase is Phase.CLOSED:
                raise Stopping
            if not is_open:
                self._let_in(context)
                trace = self._begin(context)
            answer = await ask(await self._read(lease, messages))
            await self._send(answer, context)
            status = 200
        except Exception as error:
            failure = failure_of(error)
            status = failure.status
            if failure is INTERNAL:
                _LOGGER.exception("a call of %s failed", route)
            trailers = RETRY if failure.code is grpc.StatusCode.UNAVAILABLE else ()
            await context.abort(failure.code, failure.text, trailers)
        finally:
            lease.gone = True
            lease.close()
            self._state.in_flight -= 1
            if trace is not None:
                trace.end(route, status)
            self._metrics.observe(route, status, time.perf_counter() - started)

    def _let_in(self, context: Any) -> None:
        said: dict[str, str | bytes] = {}
        for name, value in context.invocation_metadata():
            said.setdefault(name, value)
        token = _as_bytes(said.get(_SHOWN))
        caller_pass.set(token)
        caller_subject.set(_as_bytes(said.get(SUBJECT)))
        if self._passes is None:
            return
        try:
            self._passes.check(token)
        except PassRefused as error:
            raise Refused(str(error)) from None
        except KeyUnusable as error:
            raise Closed(str(error)) from None

    def _begin(self, context: Any) -> Trace | None:
        """Begin the span of a call that was let in."""
        if self._traces is None:
            return None
        sent = {name: value for name, value in context.invocation_metadata() if name in CONTEXT_HEADERS}
        trace = self._traces.begin({name: value for name, value in sent.items() if isinstance(value, str)})
        current_trace.set(trace)
        return trace

    async def _read(self, lease: Lease, messages: AsyncIterator[bytes]) -> bytes:
        """Return the message, for which there is room; what it does not need of the room is given back."""
        await self._make_room(lease)
        lease.deadline = time.monotonic() + 2 * STALL_S
        task = asyncio.current_task()

        def give_up() -> None:
            if task is not None:
                task.cancel()

        lease.wake = give_up
        try:
            async with asyncio.timeout(self._timeout_s):
                with lease.arriving():
                    raw = await anext(messages)
        except TimeoutError:
            raise TooSlow(f"the message did not arrive within {self._timeout_s} s") from None
        except asyncio.CancelledError:
            if task is None or not lease.refused:
                raise
            task.uncancel()
            raise Full from None
        except StopAsyncIteration:
            # What is too large ends like this, too: its sender has heard so from the library already.
            allowed = f"one message of at most {self._max_bytes} bytes"
            raise BadRequest("message", "is missing, or too large", allowed) from None
        lease.shrink(lease.held - len(raw))
        return raw

    async def _make_room(self, lease: Lease) -> None:
        """Count what may have come unasked, then a message of the largest size, which shows when all of it is there."""
        if not self._budget.add(lease, WINDOW_BYTES):
            raise Full
        try:
            async with asyncio.timeout(STALL_S), self._turn:
                while not self._budget.add(lease, self._most_bytes - WINDOW_BYTES):
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise Full from None

    async def _send(self, answer: Answer, context: Any) -> None:
        if answer.compute_s:
            report = () if answer.report is None else ((_PREDICTED, answer.report.decode()),)
            await context.send_initial_metadata(((_COMPUTE, f"{answer.compute_s:.6f}"), *report))
        try:
            async with asyncio.timeout(STALL_S + len(answer.body) / LEAST_RATE):
                await context.write(answer.body)
        except TimeoutError:
            raise TooSlow("the answer was not taken in time") from None


def _as_bytes(said: str | bytes | None) -> bytes | None:
    return said.encode() if isinstance(said, str) else said


def _address(peer: str) -> str:
    """Return the address in what gRPC calls a peer: `ipv4:10.0.0.1:5000`, `ipv6:%5B::1%5D:5000`; empty for another."""
    kind, _, rest = peer.partition(":")
    if kind not in ("ipv4", "ipv6"):
        return ""
    return rest.rpartition(":")[0].replace("%5B", "").replace("%5D", "").strip("[]")
