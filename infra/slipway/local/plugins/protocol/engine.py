"""Say things to the person who runs Pulumi, through the engine's own log service."""

import logging
from typing import Any

import grpc
import grpc.aio
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

log = logging.getLogger("slipway.local.plugins.protocol")


class Engine:
    """One Pulumi engine, at `address` (empty: none is known, so nothing can be said)."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._channel = grpc.aio.insecure_channel(address) if address else None
        self._stub: Any = engine_pb2_grpc.EngineStub(self._channel) if self._channel else None

    async def info(self, message: str, urn: str = "") -> None:
        """A line among the diagnostics."""
        await self._log(engine_pb2.INFO, message, urn)

    async def warning(self, message: str, urn: str) -> None:
        """A warning among the diagnostics."""
        await self._log(engine_pb2.WARNING, message, urn)

    async def progress(self, message: str, urn: str) -> None:
        """The text beside a resource while it is worked on; gone afterwards."""
        await self._log(engine_pb2.INFO, message, urn, ephemeral=True)

    async def close(self) -> None:
        """Close the connection."""
        if self._channel is not None:
            await self._channel.close()

    async def _log(self, severity: Any, message: str, urn: str, *, ephemeral: bool = False) -> None:
        if self._stub is None:
            return
        request = engine_pb2.LogRequest(severity=severity, message=message, urn=urn, ephemeral=ephemeral)
        try:
            await self._stub.Log(request, timeout=5)
        except grpc.aio.AioRpcError as error:
            # The engine may have ended in the meantime; what it was told does not decide anything.
            log.info("the engine did not take a message: %s", error.code().name)
