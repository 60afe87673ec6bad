"""Stand in for the Pulumi engine towards programs, over gRPC as the real one: it says yes to all that they register."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    language_pb2,
    language_pb2_grpc,
    resource_pb2,
    resource_pb2_grpc,
)

from slipway.engine.language_server import language_server
from slipway.values.names import PROJECT

_FEATURES = ("secrets", "resourceReferences", "outputValues", "aliasSpecs")
_LIMIT_S = 60


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """Takes every resource, and notes it. `outputs`: of the stack that a StackReference reads."""

    def __init__(self, outputs: dict[str, Any]) -> None:
        self.outputs = outputs
        self.registered: list[str] = []
        self.stack_outputs: dict[str, Any] = {}

    def GetDeploymentInfo(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's names
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "as an engine that does not know it says")

    def SupportsFeature(self, request: Any, context: Any) -> Any:  # noqa: N802
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in _FEATURES)

    def ReadResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        properties = struct_pb2.Struct()
        properties.update({"name": request.id, "outputs": self.outputs, "secretOutputNames": []})
        return resource_pb2.ReadResourceResponse(urn=_urn(request), properties=properties)

    def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.registered.append(f"{request.type} {request.name}")
        identifier = "id" if request.custom else ""
        return resource_pb2.RegisterResourceResponse(urn=_urn(request), id=identifier, object=request.object)

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:  # noqa: N802
        if "pulumi:pulumi:Stack" in request.urn:
            self.stack_outputs = dict(request.outputs)
        return empty_pb2.Empty()

    def SignalAndWaitForShutdown(self, request: Any, context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()


class Messages(engine_pb2_grpc.EngineServicer):
    """Takes what programs log."""

    def __init__(self) -> None:
        self.logged: list[str] = []

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802
        if request.severity != engine_pb2.DEBUG:
            self.logged.append(request.message)
        return empty_pb2.Empty()


def _urn(request: Any) -> str:
    return f"urn:pulumi:stack::{PROJECT}::{request.type}::{request.name}"


@contextmanager
def _engine(monitor: Monitor, messages: Messages) -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(max_workers=16))
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(monitor, server)
    engine_pb2_grpc.add_EngineServicer_to_server(messages, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(grace=None)


def run(program: Callable[[], None], stack: str, outputs: dict[str, Any]) -> tuple[str, Monitor, Messages]:
    """Run a program as the CLI has it run; gives its error, or the empty text, and what it asked for."""
    monitor, messages = Monitor(outputs), Messages()
    with (
        _engine(monitor, messages) as engine,
        language_server(program) as address,
        grpc.insecure_channel(address) as channel,
    ):
        request = language_pb2.RunRequest(
            project=PROJECT, stack=stack, args=[engine], monitor_address=engine, parallel=16
        )
        answer = language_pb2_grpc.LanguageRuntimeStub(channel).Run(request, timeout=_LIMIT_S)
    return str(answer.error), monitor, messages
