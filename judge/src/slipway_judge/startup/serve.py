"""Run both ports and the conductor until told to stop."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
import uvloop

from slipway_judge.cluster.api import Api
from slipway_judge.conducting.conductor import Conductor
from slipway_judge.health.app import health_app
from slipway_judge.receiving.app import Mirrored
from slipway_judge.replaying.replayer import Bounds
from slipway_judge.telemetry.log import log
from slipway_judge.telemetry.metrics import Metrics
from slipway_judge.values.config import Config


class StartError(Exception):
    """The judge must not run; the message says why."""


class _Quiet(uvicorn.Server):
    """uvicorn without its handling of signals, which are the whole judge's affair."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(config: Config) -> None:
    """Judge until SIGTERM or SIGINT.

    Raises:
        OSError: the ServiceAccount's files cannot be read.
        StartError: a port cannot be had.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(config))


async def _run(config: Config) -> None:
    metrics = Metrics()
    api = Api(config.service_account, config.api_url, metrics)
    conductor = Conductor(config, api, metrics)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    mirror_socket, health_socket = _bound(config.host, config.mirror_port), _bound(config.host, config.health_port)
    mirror = _server(Mirrored(lambda: conductor.replayer, metrics, Bounds()))
    health = _server(health_app(lambda: conductor.why_not_ready, metrics))
    log("started", mirror_port=mirror_socket.getsockname()[1], health_port=health_socket.getsockname()[1])
    async with asyncio.TaskGroup() as group:
        for server, sock in ((mirror, mirror_socket), (health, health_socket)):
            group.create_task(server.serve(sockets=[sock]))
        conducting = group.create_task(conductor.run())
        await stop.wait()
        log("stopping")
        conducting.cancel()
        mirror.should_exit = health.should_exit = True
    await api.close()
    log("stopped")


def _server(app: Any) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    return _Quiet(config)


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
