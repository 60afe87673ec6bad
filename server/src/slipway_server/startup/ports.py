"""Open the ports, HTTP's and where it is asked for gRPC's, and close them after SIGTERM."""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from starlette.types import ASGIApp

from slipway_server.http.app import build_app
from slipway_server.http.connections import Connections
from slipway_server.http.http1 import protocol_with
from slipway_server.http.lifecycle import Lifecycle, State
from slipway_server.http.listening import Listener
from slipway_server.http.service import Service
from slipway_server.memory.budget import Budget
from slipway_server.page.pages import Pages
from slipway_server.telemetry.log import log
from slipway_server.telemetry.metrics import Metrics
from slipway_server.values.config import ServerConfig

if TYPE_CHECKING:
    from slipway_server.http.passes import Passes
    from slipway_server.rpc.port import Port
    from slipway_server.telemetry.otlp import OtlpTraces

# Longer than any load balancer's own (60 s is common): the side that sends requests shall close first.
_KEEP_ALIVE_S = 75
# What accepted requests may take beyond their time-out until they are given up.
_GRACE_S = 5.0
# So often a client over gRPC is told to connect anew, once its calls have ended, and finds another replica if this one
# stops: HTTP/2 has no answer that says so. A stopping replica waits for a minute (`linger_s`).
_CONNECTION_AGE_S = 20.0
# A collector that is away must not keep a stopping server.
_LAST_SPANS_S = 2.0


class StartError(Exception):
    """The server must not serve; the message says why."""


class _Server(uvicorn.Server):
    """uvicorn with a listener of our own, and without its handling of signals: it stops at once and re-raises them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002
        await super().startup(sockets=[])
        self._listener = Listener(self.config.host, self.config.port, self._protocol)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002
        self._listener.close()
        await super().shutdown(sockets=[])

    def _protocol(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made


async def serve(
    config: ServerConfig, service: Service, metrics: Metrics, pages: Pages, budget: Budget, most: int
) -> None:
    """Serve until SIGTERM or SIGINT, and stop gracefully.

    Args:
        config: what the server was told.
        service: what answers.
        metrics: what is counted.
        pages: what people see.
        budget: the memory that requests may take.
        most: connections that there may be.

    Raises:
        StartError: a port cannot be had.
    """
    state = State()
    app = build_app(service, metrics, state, pages, config.max_body_bytes, config.timeout_s)
    over_http = most if config.grpc is None else most // 2
    passes, traces = passes_of(config), traces_of(config, metrics)
    port = _rpc_port(config, service, metrics, state, passes, traces, budget, most - over_http)
    await serve_app(config, app, state, metrics, budget, over_http, passes, traces, port)


async def serve_app(
    config: ServerConfig,
    app: ASGIApp,
    state: State,
    metrics: Metrics,
    budget: Budget,
    most: int,
    passes: "Passes | None",
    traces: "OtlpTraces | None",
    port: "Port | None" = None,
) -> None:
    """Serve an application until SIGTERM or SIGINT, as `serve` does.

    `passes`, `traces`: what `passes_of` and `traces_of` gave; `port`: gRPC's, if there is one, which has the same.
    """
    lifecycle = Lifecycle(_gated(_traced(app, traces), passes), state, metrics)
    connections = Connections(budget, most)
    server = _Server(
        uvicorn.Config(
            lifecycle,
            host=config.host,
            port=config.port,
            http=protocol_with(connections),
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,  # ours is there already
            log_level="warning",
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=int(_GRACE_S),
        )
    )
    drains: list[asyncio.Task[None]] = []

    def stop() -> None:
        server.should_exit = True

    def begin() -> None:
        if not drains:
            log("stopping", drain_s=config.drain_s)
            limit_s = config.timeout_s + _GRACE_S
            drains.append(asyncio.create_task(lifecycle.drain(config.drain_s, config.linger_s, limit_s, stop)))

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, begin)
    try:
        if port is not None:
            await port.open()
        await server.serve()
    except OSError:
        raise StartError(f"cannot listen on {config.host}:{config.port}") from None
    finally:
        if port is not None:
            await port.close(_GRACE_S)
        if traces is not None:
            await asyncio.to_thread(traces.close, _LAST_SPANS_S)


def traces_of(config: ServerConfig, metrics: Metrics) -> "OtlpTraces | None":
    """Return what makes spans and sends them, if requests are to be traced."""
    if config.traces is None:
        return None
    from slipway_server.telemetry.otlp import OtlpTraces  # noqa: PLC0415

    about = {
        "service.name": config.model.name,
        "service.version": config.model.version,
        "service.instance.id": socket.gethostname(),
        "slipway.release": config.release,
    }
    traces = OtlpTraces(config.traces.endpoint, config.traces.share, about)
    metrics.watch_spans(traces.counts)
    return traces


def _traced(app: ASGIApp, traces: "OtlpTraces | None") -> ASGIApp:
    """Have requests traced if they are to be."""
    if traces is None:
        return app
    from slipway_server.http.traced import Traced  # noqa: PLC0415

    return Traced(app, traces)


def load_traces(config: ServerConfig) -> None:
    """Load OpenTelemetry's library if requests are to be traced: before the memory is shared out, as gRPC's."""
    if config.traces is None:
        return
    try:
        import slipway_server.telemetry.otlp  # noqa: F401, PLC0415
    except ImportError as error:
        # An image has its library where the settings that its ConfigMap is made from say so.
        problem = f"traces: {error.name} is not here; allowed: an image with server/requirements-traces.txt"
        raise StartError(problem) from None


def passes_of(config: ServerConfig) -> "Passes | None":
    """Return what checks the passes of calls, if there is to be a gate."""
    if config.gate is None:
        return None
    # Cryptography takes 10 MiB and 0.1 s, which a server that nobody stands before does not pay.
    from slipway_server.http.passes import Passes  # noqa: PLC0415

    return Passes(Path(config.gate.public_key), config.model.name)


def _gated(app: ASGIApp, passes: "Passes | None") -> ASGIApp:
    """Put the gate before the application if there is to be one."""
    if passes is None:
        return app
    from slipway_server.http.gate import Gate  # noqa: PLC0415

    return Gate(app, passes)


def load_grpc(config: ServerConfig) -> None:
    """Load gRPC's library if it is to be spoken: before the memory is shared out, so that its own counts."""
    if config.grpc is None:
        return
    # It would write lines of its own for whatever a client does wrong.
    os.environ["GRPC_VERBOSITY"] = "NONE"
    try:
        import slipway_server.rpc.port  # noqa: F401, PLC0415
    except ImportError:
        raise StartError("grpc: its library is not here; allowed: an image with server/requirements-grpc.txt") from None


def _rpc_port(
    config: ServerConfig,
    service: Service,
    metrics: Metrics,
    state: State,
    passes: "Passes | None",
    traces: "OtlpTraces | None",
    budget: Budget,
    connections: int,
) -> "Port | None":
    """Listen for gRPC if it is to be spoken."""
    if config.grpc is None:
        return None
    # A library of 20 MiB, which a server that speaks HTTP only does without.
    from slipway_server.rpc.calls import Calls  # noqa: PLC0415
    from slipway_server.rpc.methods import Methods  # noqa: PLC0415
    from slipway_server.rpc.port import Port  # noqa: PLC0415

    calls = Calls(budget, passes, traces, state, metrics, config.max_body_bytes, config.timeout_s)
    methods = Methods(service, state, metrics, config.timeout_s)
    try:
        return Port(
            config.host, config.grpc.port, methods, calls, config.max_body_bytes, connections, _CONNECTION_AGE_S
        )
    except OSError:
        raise StartError(f"cannot listen on {config.host}:{config.grpc.port}") from None
