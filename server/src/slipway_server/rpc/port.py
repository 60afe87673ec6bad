"""Listen for gRPC within bounds: of messages, of what comes unasked, of connections and of calls."""

from typing import Any

import grpc

from slipway_server.execution.batcher import MAX_QUEUED
from slipway_server.rpc.calls import WINDOW_BYTES, Calls
from slipway_server.rpc.methods import Methods

# A connection takes so many times the memory of one over HTTP: gRPC's buffers, and what comes unasked.
_CONNECTION_FACTOR = 8
_IDENTITY_ONLY = 1
_PING_MS = 10_000


class Port:
    """The listening port."""

    def __init__(
        self,
        host: str,
        port: int,
        methods: Methods,
        calls: Calls,
        max_bytes: int,
        connections: int,
        connection_age_s: float,
    ) -> None:
        """Listen, without serving yet.

        Args:
            host: address to listen on.
            port: port to listen on.
            methods: what is served.
            calls: how it is served.
            max_bytes: of one message.
            connections: so many over HTTP could be held in the memory for them.
            connection_age_s: after so long a client is told to connect anew; calls that run go on.

        Raises:
            OSError: the port cannot be had.
        """
        # A client that has gone silent is found by pings.
        self._server: Any = grpc.aio.server(
            maximum_concurrent_rpcs=MAX_QUEUED,
            options=[
                ("grpc.max_receive_message_length", max_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.max_allowed_incoming_connections", max(1, connections // _CONNECTION_FACTOR)),
                ("grpc.max_concurrent_streams", MAX_QUEUED),
                # What a client may send unasked stays what it is at first, whatever the network's delay.
                ("grpc.http2.bdp_probe", 0),
                ("grpc.http2.lookahead_bytes", WINDOW_BYTES),
                # A message unpacks to a thousand times its size before anybody can look.
                ("grpc.compression_enabled_algorithms_bitset", _IDENTITY_ONLY),
                ("grpc.max_connection_age_ms", round(1000 * connection_age_s)),
                ("grpc.keepalive_time_ms", _PING_MS),
                ("grpc.keepalive_timeout_ms", _PING_MS),
                ("grpc.so_reuseport", 0),
            ],
        )
        self._server.add_generic_rpc_handlers(tuple(methods.handlers(calls)))
        bracketed = f"[{host}]" if ":" in host else host
        try:
            self._server.add_insecure_port(f"{bracketed}:{port}")
        except RuntimeError as error:
            raise OSError(str(error)) from None

    async def open(self) -> None:
        """Serve."""
        await self._server.start()

    async def close(self, limit_s: float) -> None:
        """Listen no more, and let calls end within `limit_s`. New ones are refused by then, or they would be lost."""
        await self._server.stop(limit_s)
