"""Say things to the person who runs Pulumi, through the engine's own log service."""

import logging

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

log = logging.getLogger("slipway.local.plugins.aws")


def say(address: str, message: str) -> None:
    """A line among the diagnostics of the engine at `address`; an engine that has ended is passed over."""
    with grpc.insecure_channel(address) as channel:
        request = engine_pb2.LogRequest(severity=engine_pb2.INFO, message=message)
        try:
            engine_pb2_grpc.EngineStub(channel).Log(request, timeout=5)
        except grpc.RpcError as error:
            log.info("the engine did not take a message: %s", error)
