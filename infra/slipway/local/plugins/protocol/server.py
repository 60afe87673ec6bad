"""Serve a provider on a free loopback port, to this user's processes and root's."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc.aio
from pulumi.runtime.proto import provider_pb2_grpc

from slipway.local.host.peers import OwnPeers
from slipway.local.plugins.protocol.connections import EnvironmentOf
from slipway.local.plugins.protocol.service import Service

_MESSAGE_BYTES = 400 * 1024 * 1024
"""As large as the engine's own limit: a ConfigMap may hold 1 MiB, a state many of them."""
_GRACE_S = 2.0


@asynccontextmanager
async def serving(make: Callable[[EnvironmentOf], Service[Any]], what: str) -> AsyncIterator[int]:
    """Serve engines while the block runs; gives the port.

    `make` gets what tells the variables of an engine's process; `what` is the provider's name in a refusal.
    """
    peers = OwnPeers(what)
    service = make(peers.environment_of)
    server = grpc.aio.server(
        interceptors=[peers],
        options=[
            ("grpc.max_receive_message_length", _MESSAGE_BYTES),
            ("grpc.max_send_message_length", _MESSAGE_BYTES),
            ("grpc.so_reuseport", 0),
        ],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(service, server)
    port = peers.port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port
    finally:
        closing = asyncio.create_task(service.connections.close())
        await server.stop(_GRACE_S)
        await closing


def asked_to_stop() -> asyncio.Event:
    """Set by SIGTERM and SIGINT from now on."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
