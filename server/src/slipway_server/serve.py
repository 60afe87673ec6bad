"""Wire everything up and serve until told to stop."""

import asyncio
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import uvicorn
import uvloop

from slipway_server.app import build_app
from slipway_server.batcher import Batcher
from slipway_server.batching import TRIALS_LIMIT_S, Batching, BatchingError, decide_batching
from slipway_server.config import ServerConfig
from slipway_server.cpu import inference_threads
from slipway_server.errors import BadRequest
from slipway_server.golden import why_not_ready
from slipway_server.lifecycle import Lifecycle, State
from slipway_server.log import log
from slipway_server.metrics import Metrics
from slipway_server.protocol import BoundedProtocol
from slipway_server.request import parse_predict
from slipway_server.service import Service
from slipway_server.session import Session
from slipway_server.statistics import Statistics

# Longer than any load balancer's own (60 s is common): the side that sends requests shall close first.
_KEEP_ALIVE_S = 75
# What accepted requests may take beyond their time-out until they are given up.
_GRACE_S = 5.0


class StartError(Exception):
    """The server must not serve; the message says why."""


class _Server(uvicorn.Server):
    """uvicorn without its own handling of signals: it stops at once and re-raises the signal."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(config: ServerConfig, environ: Mapping[str, str]) -> None:
    """Load the model, ask the golden request, serve until SIGTERM or SIGINT, and stop gracefully.

    Raises:
        ModelError: the model cannot be loaded.
        StartError: the golden request was answered wrongly or late, or the port cannot be had.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(config, environ))


async def _run(config: ServerConfig, environ: Mapping[str, str]) -> None:
    threads = inference_threads(environ)
    session = Session(Path(config.model.path), threads)
    metrics = Metrics(config.model.name, config.model.version, config.release)
    batching = _decide_batching(session, config)
    batcher = Batcher(session, batching, config.batch.max_wait_ms / 1000, metrics)
    service = Service(config.model.name, config.model.version, config.release, session.signature, batcher)
    try:
        reason = await why_not_ready(service, config.check, config.timeout_s)
        if reason is not None:
            raise StartError(reason)
        metrics.statistics = Statistics()  # golden requests are nobody's
        log(
            "ready",
            model=config.model.name,
            version=config.model.version,
            threads=threads,
            batching=batching.enabled,
            batching_max_rows=batching.max_rows,
            batching_found=batching.found,
        )
        await _serve(config, service, metrics)
    finally:
        batcher.close()
    log("stopped")


def _decide_batching(session: Session, config: ServerConfig) -> Batching:
    try:
        golden = parse_predict(config.check.request, session.signature)
        return decide_batching(session, golden, config.batch, TRIALS_LIMIT_S)
    except BadRequest as error:
        raise StartError(f"golden request: {error}") from None
    except BatchingError as error:
        raise StartError(str(error)) from None


async def _serve(config: ServerConfig, service: Service, metrics: Metrics) -> None:
    state = State()
    app = build_app(service, metrics, state, config.max_body_bytes, config.timeout_s)
    lifecycle = Lifecycle(app, state, metrics)
    server = _Server(
        uvicorn.Config(
            lifecycle,
            host=config.host,
            port=config.port,
            http=BoundedProtocol,
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
            drains.append(asyncio.create_task(lifecycle.drain(config.drain_s, limit_s, stop)))

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, begin)
    try:
        await server.serve()
    except SystemExit:  # uvicorn's way to say that it could not listen; it has logged the reason
        raise StartError(f"cannot listen on {config.host}:{config.port}") from None
