"""Trace requests: begin a span when one comes, and end it with its answer."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slipway_server.http.lifecycle import OPEN
from slipway_server.telemetry.traces import CONTEXT_HEADERS, Traces, current_trace

_CONTEXT = frozenset(name.encode() for name in CONTEXT_HEADERS)


class Traced:
    """ASGI middleware behind the gate: what it turns away is in no trace, and neither are probes."""

    def __init__(self, app: ASGIApp, traces: Traces) -> None:
        self._app = app
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["path"] in OPEN:
            await self._app(scope, receive, send)
            return
        status: int | None = None

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        sent = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in _CONTEXT}
        trace = self._traces.begin(sent)
        current_trace.set(trace)
        try:
            await self._app(scope, receive, observed)
        finally:
            # The route, never the path: a path may hold what a client wrote.
            route = scope.get("route")
            trace.end(f"{scope['method']} {route.path if route is not None else 'unmatched'}", status)
