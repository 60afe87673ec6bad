"""Run all parts until told to stop, and bring what is in the journal into the database before the end."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import uvicorn
import uvloop

from slipway_keys.admin.app import admin_routes
from slipway_keys.admin.feedback import feedback_route
from slipway_keys.credentials.admin_passes import AdminPasses
from slipway_keys.database import traffic
from slipway_keys.database.migrate import migrate, migrations
from slipway_keys.database.pool import until_done
from slipway_keys.health.app import health_app
from slipway_keys.otlp.receiver import receiver
from slipway_keys.startup import measuring
from slipway_keys.startup.parts import Parts, build
from slipway_keys.telemetry.log import log
from slipway_keys.values.config import Config

_ANSWERS_LIMIT_S = 2.0
_LOG_LIMIT_S = 3.0
_JOURNAL_LIMIT_S = 30.0
_SWEEP_S = 30.0


class StartError(Exception):
    """The service must not run; the message says why."""


class _Quiet(uvicorn.Server):
    """uvicorn without its handling of signals, which are the whole service's affair."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _State:
    """What readiness depends on."""

    def __init__(self) -> None:
        self.migrated = False
        self.stopping = False
        self.stop = asyncio.Event()

    def why_not_ready(self) -> str | None:
        if self.stopping:
            return "stopping"
        return None if self.migrated else "the database was not reached yet"


def run(config: Config) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        SigningKeyError: the signing key cannot be used.
        OSError: the journal cannot be written.
        StartError: a port cannot be had.
        MigrationError: the database's schema is not of this product's making.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(config))


async def _run(config: Config) -> None:
    parts = build(config)
    state = _State()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, state.stop.set)
    check_socket, admin_socket = _bound(config.host, config.check_port), _bound(config.host, config.admin_port)
    try:
        logs, otlp_port = receiver(
            parts.journal, parts.passes, parts.routes, parts.metrics, config.host, config.otlp_port
        )
    except RuntimeError:
        raise StartError(f"cannot listen on {config.host}:{config.otlp_port}") from None
    routes = [
        *admin_routes(parts.database, AdminPasses(parts.passes.private_key), parts.routes, parts.room),
        feedback_route(parts.database, parts.passes, parts.routes, parts.metrics.feedback),
    ]
    admin = _Quiet(
        uvicorn.Config(
            health_app(state.why_not_ready, parts.metrics, parts.room.demand, routes),
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
    )
    checks = await loop.create_server(parts.checks.protocol, sock=check_socket, backlog=1024)
    await logs.start()
    log(
        "started",
        check_port=check_socket.getsockname()[1],
        admin_port=admin_socket.getsockname()[1],
        otlp_port=otlp_port,
        replayed_bytes=parts.journal.replayed_bytes,
    )
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(work)
            for work in (
                admin.serve(sockets=[admin_socket]),
                _with_database(parts, state, config.traffic_s, config.quality_s),
                parts.watcher.run(),
                parts.endpoints.run(),
                _sweep(parts),
            )
        ]
        group.create_task(_stop(config, parts, state, checks, logs, admin, tasks))
    log("stopped")


async def _with_database(parts: Parts, state: _State, traffic_s: float, quality_s: float) -> None:
    """Migrate as soon as the database can be reached, then keep keys fresh, write the ledger and read it."""

    async def once() -> None:
        await migrate(parts.database, migrations())

    await until_done(once)
    state.migrated = True
    log("ready")
    measured = measuring.run(parts.database, parts.routes, parts.metrics, quality_s)
    works = [parts.keys.run(), parts.keys.listen(), parts.writer.run(), measured]
    if traffic_s:
        works.append(traffic.watch(parts.database, traffic_s, parts.metrics.busiest))
    await asyncio.gather(*works)


async def _sweep(parts: Parts) -> None:
    while True:
        await asyncio.sleep(_SWEEP_S)
        parts.checks.sweep()


async def _stop(
    config: Config,
    parts: Parts,
    state: _State,
    checks: asyncio.Server,
    logs: grpc.aio.Server,
    admin: uvicorn.Server,
    tasks: "list[asyncio.Task[None]]",
) -> None:
    """Wait for the signal; then go on for a while, stop listening, and empty the journal."""
    await state.stop.wait()
    log("stopping", drain_s=config.drain_s)
    state.stopping = True
    await asyncio.sleep(config.drain_s)
    checks.close()
    # The gateway asks another replica about the calls that wait here, and they go on waiting there.
    parts.room.close()
    await parts.checks.close(_ANSWERS_LIMIT_S)
    await logs.stop(_LOG_LIMIT_S)
    for task in tasks[1:]:
        task.cancel()
    if not await parts.writer.drain(_JOURNAL_LIMIT_S):
        # They stay on the pod's disk: a restart of the container finds them, the end of the pod loses them.
        log("journal not empty", pending_bytes=parts.journal.pending_bytes)
    parts.journal.close()
    await parts.database.close()
    admin.should_exit = True


def _bound(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(1024)
    except OSError as error:
        raise StartError(f"cannot listen on {host}:{port}: {error.strerror}") from None
    return sock
