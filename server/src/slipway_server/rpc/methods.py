"""Answer the methods of the protocol's service, and gRPC's own health check."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from slipway_server import __version__
from slipway_server.http.health import STUCK_AFTER_TIMEOUTS
from slipway_server.http.lifecycle import Phase, State
from slipway_server.http.service import Service
from slipway_server.protocol import v2
from slipway_server.protocol.v2 import Answer
from slipway_server.rpc.calls import Calls
from slipway_server.rpc.messages import HEALTH, SERVICE, message
from slipway_server.rpc.tensors import InferCall, UnknownModel, check_model
from slipway_server.telemetry.metrics import Metrics
from slipway_server.values.errors import BadRequest, show

_SERVING, _NOT_SERVING = 1, 2
# What autoscaling goes by are routes that end so.
_ROUTES = {"ModelInfer": "/v2/models/{model}/grpc/infer"}


class Methods:
    """The methods, for one model."""

    def __init__(self, service: Service, state: State, metrics: Metrics, timeout_s: float) -> None:
        self._service = service
        self._state = state
        self._metrics = metrics
        self._timeout_s = timeout_s

    def handlers(self, calls: Calls) -> Iterator[Any]:
        """Yield what serves each of the two services."""
        asked = {
            "ModelInfer": (self.model_infer, False),
            "ServerLive": (self.server_live, True),
            "ServerReady": (self.server_ready, True),
            "ModelReady": (self.model_ready, False),
            "ServerMetadata": (self.server_metadata, False),
            "ModelMetadata": (self.model_metadata, False),
        }
        for service, methods in ((SERVICE, asked), (HEALTH, {"Check": (self.check, True)})):
            served = {
                name: calls.handler(_ROUTES.get(name, f"/{service}/{name}"), ask, is_open=is_open)
                for name, (ask, is_open) in methods.items()
            }
            yield grpc.method_handlers_generic_handler(service, served)

    async def model_infer(self, raw: bytes) -> Answer:
        """Run the model; raises what `slipway_server.rpc.failures` has words for."""
        started = time.perf_counter()
        service, answer = self._service, None
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await service.exchange(InferCall(raw, service.signature, service.name, service.version))
        except TimeoutError:
            raise TimeoutError(f"the model did not answer within {self._timeout_s} s") from None
        finally:
            self._metrics.statistics.request(time.perf_counter() - started, answer is not None)
        return answer

    async def server_live(self, _raw: bytes) -> Answer:
        """Say whether the server should not be restarted."""
        live = self._service.batcher.busy_s() < STUCK_AFTER_TIMEOUTS * self._timeout_s
        return _answer("ServerLiveResponse", live=live)

    async def server_ready(self, _raw: bytes) -> Answer:
        """Say whether new calls should come here."""
        return _answer("ServerReadyResponse", ready=self._is_ready())

    async def model_ready(self, raw: bytes) -> Answer:
        """Say the same of the model."""
        self._check_model(_read("ModelReadyRequest", raw))
        return _answer("ModelReadyResponse", ready=self._is_ready())

    async def server_metadata(self, _raw: bytes) -> Answer:
        """Say what this server is; Triton's extensions are spoken over HTTP only."""
        return _answer("ServerMetadataResponse", name="slipway-server", version=__version__)

    async def model_metadata(self, raw: bytes) -> Answer:
        """Say what the model takes and gives."""
        self._check_model(_read("ModelMetadataRequest", raw))
        service = self._service
        said = v2.model_metadata(service.name, service.version, service.signature, service.batcher.batching)
        tensors = {
            kind: [{key: one[key] for key in ("name", "datatype", "shape")} for one in said[kind]]
            for kind in ("inputs", "outputs")
        }
        return _answer(
            "ModelMetadataResponse", name=said["name"], versions=said["versions"], platform=said["platform"], **tensors
        )

    async def check(self, raw: bytes) -> Answer:
        """Answer gRPC's health check, of the server or of the protocol's service."""
        asked = _read("HealthCheckRequest", raw, "grpc.health.v1").service
        if asked not in ("", SERVICE):
            raise UnknownModel(f"no service {show(asked)} here; this is {SERVICE}")
        status = _SERVING if self._is_ready() else _NOT_SERVING
        return Answer(message("HealthCheckResponse", "grpc.health.v1")(status=status).SerializeToString())

    def _is_ready(self) -> bool:
        return self._state.phase is Phase.READY

    def _check_model(self, asked: Any) -> None:
        check_model(asked.name, asked.version, self._service.name, self._service.version)


def _read(name: str, raw: bytes, package: str = "inference") -> Any:
    try:
        return message(name, package).FromString(raw)
    except DecodeError:
        raise BadRequest("message", f"is no {name}", "a message in Protocol Buffers") from None


def _answer(of: str, /, **fields: Any) -> Answer:
    return Answer(message(of)(**fields).SerializeToString())
