"""Put the service on HTTP: routes, status codes, content types."""

import asyncio
from collections.abc import Awaitable, Callable

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from slipway_server import __version__, v2
from slipway_server.batcher import OverloadedError
from slipway_server.body import BodyReader, file_of_form
from slipway_server.errors import BadRequest, show
from slipway_server.failures import HANDLERS
from slipway_server.lifecycle import Phase, State
from slipway_server.metrics import Metrics
from slipway_server.service import Service

_JSON = "application/json"
_FORM = "multipart/form-data"
# A run of the model that goes on for so many times the longest wait of a client will never end: the server
# says that it is not alive, and the kubelet starts it again.
_STUCK_AFTER_TIMEOUTS = 3
_MODEL = "/v2/models/{model}"
_VERSION = _MODEL + "/versions/{version}"

Answer = Callable[[Scope, bytes, str], Awaitable[bytes]]


def build_app(service: Service, metrics: Metrics, state: State, max_body_bytes: int, timeout_s: float) -> Starlette:
    """Return the application with all its routes."""
    reader = BodyReader(max_body_bytes, timeout_s)
    views = _Views(service, metrics, state, _STUCK_AFTER_TIMEOUTS * timeout_s)
    predict = _Inference(reader, timeout_s, (_JSON, _FORM), views.predict)
    infer = _Inference(reader, timeout_s, (_JSON,), views.infer)
    app = Starlette(
        # In the order of traffic: the first match wins.
        routes=[
            Route("/predict", predict, methods=["POST"]),
            Route(_MODEL + "/infer", infer, methods=["POST"]),
            Route(_VERSION + "/infer", infer, methods=["POST"]),
            Route("/v2/health/ready", views.ready),
            Route("/v2/health/live", views.live),
            Route("/metrics", views.metrics),
            Route("/v2", views.server),
            Route(_MODEL, views.model),
            Route(_VERSION, views.model),
            Route(_MODEL + "/ready", views.model_ready),
            Route(_VERSION + "/ready", views.model_ready),
        ],
        exception_handlers=HANDLERS,
    )
    app.router.redirect_slashes = False
    return app


class _Inference:
    """ASGI endpoint of a POST with a body that the model answers.

    Plain ASGI, because a Request and a Response object per call cost more than a small model does.
    """

    def __init__(self, reader: BodyReader, timeout_s: float, content_types: tuple[str, ...], answer: Answer) -> None:
        self._reader = reader
        self._timeout_s = timeout_s
        self._content_types = content_types
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        content_type = self._check_headers(dict(scope["headers"]))
        raw = await self._reader.read(scope, receive)
        try:
            async with asyncio.timeout(self._timeout_s):
                body = await self._answer(scope, raw, content_type)
        except TimeoutError:
            raise HTTPException(504, f"the model did not answer within {self._timeout_s} s") from None
        except OverloadedError:
            raise HTTPException(503, "too many requests are waiting", {"Retry-After": "1"}) from None
        finally:
            self._reader.release(len(raw))
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _check_headers(self, headers: dict[bytes, bytes]) -> str:
        """Return the Content-Type as it was sent; JSON if there is none."""
        if b"inference-header-content-length" in headers:
            raise BadRequest(
                "Inference-Header-Content-Length",
                f"is {show(headers[b'inference-header-content-length'].decode('latin-1'))}",
                "tensors as JSON only: this server has no binary tensor data extension",
            )
        encoding = headers.get(b"content-encoding", b"identity").decode("latin-1")
        if encoding.lower() != "identity":
            raise HTTPException(415, f"`Content-Encoding` is {show(encoding)}; allowed: identity")
        content_type = headers.get(b"content-type", b"application/json").decode("latin-1")
        kind, _, parameters = content_type.partition(";")
        if kind.strip().lower() not in self._content_types:
            allowed = " or ".join(self._content_types)
            raise HTTPException(415, f"`Content-Type` is {show(content_type)}; allowed: {allowed}")
        charset = parameters.lower().replace(" ", "").replace('"', "")
        if charset.startswith("charset=") and charset != "charset=utf-8":
            raise HTTPException(415, f"`Content-Type` is {show(content_type)}; allowed: charset=utf-8")
        return content_type


class _Views:
    """What each route answers."""

    def __init__(self, service: Service, metrics: Metrics, state: State, stuck_after_s: float) -> None:
        self._service = service
        self._metrics = metrics
        self._state = state
        self._stuck_after_s = stuck_after_s

    async def predict(self, _scope: Scope, raw: bytes, content_type: str) -> bytes:
        if content_type.lower().startswith(_FORM):
            return await self._service.predict_image(await file_of_form(raw, content_type))
        return await self._service.predict(raw)

    async def infer(self, scope: Scope, raw: bytes, _content_type: str) -> bytes:
        self._check_model(scope)
        return await self._service.infer(raw)

    async def ready(self, _request: Request) -> Response:
        return self._readiness({})

    async def model_ready(self, request: Request) -> Response:
        self._check_model(request.scope)
        return self._readiness({"name": self._service.name})

    async def live(self, _request: Request) -> Response:
        live = self._service.batcher.busy_s() < self._stuck_after_s
        return _json({"live": live}, 200 if live else 503)

    async def metrics(self, request: Request) -> Response:
        samples, content_type = self._metrics.expose(", ".join(request.headers.getlist("accept")))
        return Response(samples, headers={"content-type": content_type})

    async def server(self, _request: Request) -> Response:
        return _json({"name": "slipway-server", "version": __version__, "extensions": []})

    async def model(self, request: Request) -> Response:
        self._check_model(request.scope)
        service = self._service
        batching = service.batcher.batching
        return _json(v2.model_metadata(service.name, service.version, service.signature, batching))

    def _readiness(self, subject: dict[str, object]) -> Response:
        ready = self._state.phase is Phase.READY
        return _json({**subject, "ready": ready}, 200 if ready else 503)

    def _check_model(self, scope: Scope) -> None:
        path = scope["path_params"]
        if path["model"] != self._service.name:
            raise HTTPException(404, f"no model {show(path['model'])} here; this is {self._service.name}")
        if path.get("version", self._service.version) != self._service.version:
            raise HTTPException(404, f"no version {show(path['version'])} here; this is {self._service.version}")


def _json(document: dict[str, object], status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, media_type=_JSON)
