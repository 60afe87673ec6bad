"""Stand before the application: count what is in flight, time it, and turn requests away at the end.

The way down, after SIGTERM: not ready at once, but every request is still served and every answer says
`Connection: close`, while load balancers learn of it; once no request has come for a while nothing new is taken (503),
and what was accepted is finished. A load balancer may learn late, when the API server was away, and until then it knows
no other replica.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slipway_server.http.http1 import LEASE
from slipway_server.memory.budget import set_current_lease
from slipway_server.telemetry.metrics import Metrics

OPEN = frozenset({"/v2/health/live", "/v2/health/ready", "/metrics"})
"""What the kubelet, a gateway's health checks and Prometheus ask: they have no pass, and learn nothing of requests."""
_POLL_S = 0.02
# What nginx logs when the client left before its answer; no such status is ever sent.
_CLIENT_CLOSED_REQUEST = 499
_CLIENT_ERRORS = 400


class Phase(Enum):
    """Where the server is on its way."""

    READY = "ready"
    DRAINING = "draining"
    CLOSED = "closed"


@dataclass
class State:
    """What the application, calls over gRPC and the way down all look at.

    Attributes:
        phase: where the server is on its way.
        in_flight: requests that are being answered.
        asked_at: when the last request came, probes apart (monotonic, seconds).
    """

    phase: Phase = Phase.READY
    in_flight: int = 0
    asked_at: float = 0.0


class Lifecycle:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, state: State, metrics: Metrics) -> None:
        self._app = app
        self._state = state
        self._metrics = metrics
        metrics.watch_in_flight(lambda: state.in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or turn it away."""
        started = time.perf_counter()
        status = _CLIENT_CLOSED_REQUEST

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                lease.answered_well = status < _CLIENT_ERRORS
                if self._state.phase is not Phase.READY:
                    message["headers"] = [
                        *(pair for pair in message["headers"] if pair[0] != b"connection"),
                        (b"connection", b"close"),
                    ]
            await send(message)

        lease = scope[LEASE]
        set_current_lease(lease)
        self._state.in_flight += 1
        if scope["path"] not in OPEN:
            self._state.asked_at = time.monotonic()
        try:
            if self._state.phase is Phase.CLOSED:
                refusal = JSONResponse({"error": "the server is stopping"}, 503, {"Retry-After": "1"})
                await refusal(scope, receive, observed)
            else:
                await self._app(scope, receive, observed)
        finally:
            lease.close()
            self._state.in_flight -= 1
            route = scope.get("route")
            path = route.path if route is not None else "unmatched"
            self._metrics.observe(path, status, time.perf_counter() - started)

    async def drain(self, drain_s: float, linger_s: float, limit_s: float, stop: Callable[[], None]) -> None:
        """Go the way down, then call `stop`.

        Args:
            drain_s: for so long no request must have come, probes apart, before none is served any more.
            linger_s: at most how much longer than `drain_s` all that takes.
            limit_s: how long accepted ones may take after that.
            stop: closes the listening socket and ends the server.
        """
        state = self._state
        state.phase = Phase.DRAINING
        begun = state.asked_at = time.monotonic()
        while (left := min(state.asked_at + drain_s, begun + drain_s + linger_s) - time.monotonic()) > 0:
            await asyncio.sleep(left)
        state.phase = Phase.CLOSED
        give_up = time.monotonic() + limit_s
        while state.in_flight and time.monotonic() < give_up:
            await asyncio.sleep(_POLL_S)
        stop()
