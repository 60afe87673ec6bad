"""Serve the stand-in on a loopback port while a block runs."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from slipway.local.plugins.aws.backend import Backend
from slipway.local.plugins.aws.service import Provider

_THREADS = 32
"""An engine works on as many resources at once as it likes; each waits for moto in a thread of its own."""
_MESSAGE_BYTES = 64 * 1024 * 1024


@contextmanager
def serving(state: Path, endpoint: str) -> Iterator[int]:
    """Serve engines, keeping the stand-in's own things in `state`; gives the port for PULUMI_DEBUG_PROVIDERS."""
    options = [("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.so_reuseport", 0)]
    server = grpc.server(ThreadPoolExecutor(max_workers=_THREADS), options=options)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(Backend(state, endpoint)), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(grace=2).wait()
