"""Serve the provider on a free loopback port, told to others by a file, until SIGTERM."""

import asyncio
import logging
import os
import signal
from pathlib import Path

import grpc.aio
from pulumi.runtime.proto import provider_pb2_grpc

from slipway.local.host.peers import OwnPeers
from slipway.local.plugins.kubernetes.client.connections import Connections
from slipway.local.plugins.kubernetes.service import NOTICE, Provider

log = logging.getLogger("slipway.local.plugins.kubernetes")

_MESSAGE_BYTES = 400 * 1024 * 1024
"""As large as the engine's own limit: a ConfigMap may hold 1 MiB, a state many of them."""
_GRACE_S = 2.0


async def serve(port_file: Path) -> None:
    """Serve this user's processes and root's until SIGTERM or SIGINT.

    `port_file` holds the port while this runs (mode 0600).
    """
    peers = OwnPeers("this stand-in for the pulumi-kubernetes plugin")
    connections = Connections(peers.environment_of)
    server = grpc.aio.server(
        interceptors=[peers],
        options=[
            ("grpc.max_receive_message_length", _MESSAGE_BYTES),
            ("grpc.max_send_message_length", _MESSAGE_BYTES),
            ("grpc.so_reuseport", 0),
        ],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(connections), server)
    port = peers.port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    _announce(port_file, port)
    log.info("listening on 127.0.0.1:%d; %s", port, NOTICE)
    try:
        await stop.wait()
    finally:
        port_file.unlink(missing_ok=True)
        for_waits = asyncio.create_task(connections.close())
        await server.stop(_GRACE_S)
        await for_waits
        log.info("stopped")


def _announce(port_file: Path, port: int) -> None:
    """Write the port so that a reader sees all of it or nothing."""
    port_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = port_file.with_name(f".{port_file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{port}\n")
    draft.replace(port_file)
