"""Put the service on HTTP: routes, status codes, content types."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from slipway_server.execution.batcher import OverloadedError
from slipway_server.http.body import BodyReader
from slipway_server.http.compression import answer_encoding, deflated, request_encoding
from slipway_server.http.failures import HANDLERS
from slipway_server.http.health import JSON, Health, json_response
from slipway_server.http.lifecycle import Phase, State
from slipway_server.http.people import people_routes
from slipway_server.http.service import Service
from slipway_server.page.pages import Pages
from slipway_server.pipeline.caller import RELEASE, SUBJECT, caller_pass, caller_subject
from slipway_server.protocol import v2
from slipway_server.protocol.image import FORMATS
from slipway_server.protocol.v2 import Answer
from slipway_server.protocol.v2_model import EXTENSIONS, model_config, repository_index
from slipway_server.telemetry.metrics import Metrics
from slipway_server.values.errors import BadRequest, show

_FORM = "multipart/form-data"
# A picture's file itself, as `curl --data-binary @picture.png -H 'content-type: image/png'` sends it.
_PICTURES = tuple(f"image/{kind.lower()}" for kind in FORMATS)
# What tensors as bytes are sent as; tritonclient's asyncio client calls everything so.
_BYTES = "application/octet-stream"
# For whoever bills by the time that a model ran: a gateway's access log takes it from here.
_COMPUTE = b"x-slipway-compute-seconds"
# For whoever measures how good answers were, by what turns out to be right: the same access log has it.
_PREDICTED = b"x-slipway-predicted"
_SUBJECT = SUBJECT.encode()
_MODEL = "/v2/models/{model}"
_VERSION = _MODEL + "/versions/{version}"

# From the scope, the body, its Content-Type, and the length of its JSON where tensors as bytes follow.
Ask = Callable[[Scope, bytes, str, int | None], Awaitable[Answer]]


def build_app(
    service: Service, metrics: Metrics, state: State, pages: Pages, max_body_bytes: int, timeout_s: float
) -> Starlette:
    """Return the application with all its routes."""
    reader = BodyReader(max_body_bytes, timeout_s)
    health = Health(state, metrics, service.batcher.busy_s, timeout_s, EXTENSIONS)
    views = _Views(service, metrics, state, health)
    predict = _Inference(reader, timeout_s, (JSON, _FORM, *_PICTURES), views.predict, metrics, service.release)
    infer = _Inference(reader, timeout_s, (JSON, _BYTES), views.infer, metrics, service.release)
    app = Starlette(
        # In the order of traffic: the first match wins.
        routes=[
            Route("/predict", predict, methods=["POST"]),
            Route(_MODEL + "/infer", infer, methods=["POST"]),
            Route(_VERSION + "/infer", infer, methods=["POST"]),
            *health.routes,
            Route(_MODEL, views.model),
            Route(_VERSION, views.model),
            Route(_MODEL + "/ready", views.model_ready),
            Route(_VERSION + "/ready", views.model_ready),
            Route(_MODEL + "/stats", views.statistics),
            Route(_VERSION + "/stats", views.statistics),
            Route(_MODEL + "/config", views.config),
            Route(_VERSION + "/config", views.config),
            Route("/v2/repository/index", views.index, methods=["POST"]),
            *people_routes(pages),
        ],
        exception_handlers=HANDLERS,
    )
    app.router.redirect_slashes = False
    return app


class _Inference:
    """ASGI endpoint of a POST with a body that the model answers.

    Plain ASGI, because a Request and a Response object per call cost more than a small model does.
    """

    def __init__(
        self,
        reader: BodyReader,
        timeout_s: float,
        content_types: tuple[str, ...],
        ask: Ask,
        metrics: Metrics,
        release: str,
    ) -> None:
        self._reader = reader
        self._timeout_s = timeout_s
        self._content_types = content_types
        self._ask = ask
        self._metrics = metrics
        self._release = release.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = dict(scope["headers"])
        content_type = self._content_type(headers)
        json_bytes = _json_bytes(headers)
        encoding = request_encoding(headers.get(b"content-encoding"))
        answer: Answer | None = None
        raw = await self._reader.read(scope, receive)
        caller_pass.set(headers.get(b"x-slipway-pass"))
        caller_subject.set(headers.get(_SUBJECT))
        try:
            async with asyncio.timeout(self._timeout_s):
                if encoding is not None:
                    raw = await self._reader.inflate(raw, encoding)
                answer = await self._ask(scope, raw, content_type, json_bytes)
        except TimeoutError:
            raise HTTPException(504, f"the model did not answer within {self._timeout_s} s") from None
        except OverloadedError:
            raise HTTPException(503, "too many requests are waiting", {"Retry-After": "1"}) from None
        finally:
            self._metrics.statistics.request(time.perf_counter() - started, answer is not None)
        await _send(send, answer, headers.get(b"accept-encoding"), self._release)

    def _content_type(self, headers: dict[bytes, bytes]) -> str:
        """Return the Content-Type as it was sent; JSON if there is none."""
        content_type = headers.get(b"content-type", b"application/json").decode("latin-1")
        kind, _, parameters = content_type.partition(";")
        if kind.strip().lower() not in self._content_types:
            allowed = " or ".join(self._content_types)
            raise HTTPException(415, f"`Content-Type` is {show(content_type)}; allowed: {allowed}")
        charset = parameters.lower().replace(" ", "").replace('"', "")
        if charset.startswith("charset=") and charset != "charset=utf-8":
            raise HTTPException(415, f"`Content-Type` is {show(content_type)}; allowed: charset=utf-8")
        return content_type


def _json_bytes(headers: dict[bytes, bytes]) -> int | None:
    """Return how long the JSON before tensors as bytes is; None if the whole body is JSON."""
    text = headers.get(b"inference-header-content-length")
    if text is None:
        return None
    if not text.isdigit() or len(text) > 12:
        said = show(text.decode("latin-1"))
        raise BadRequest("Inference-Header-Content-Length", f"is {said}", "the number of bytes of JSON before tensors")
    return int(text)


async def _send(send: Send, answer: Answer, accept: bytes | None, release: bytes) -> None:
    body = answer.body
    content_type = b"application/json" if answer.json_bytes is None else b"application/octet-stream"
    headers = [(b"content-type", content_type), (_COMPUTE, b"%.6f" % answer.compute_s), (RELEASE, release)]
    if answer.report is not None:
        headers.append((_PREDICTED, answer.report))
    if answer.json_bytes is not None:
        headers.append((b"inference-header-content-length", b"%d" % answer.json_bytes))
    encoding = answer_encoding(body, accept)
    if encoding is not None:
        body = await deflated(body, encoding)
        headers += [(b"content-encoding", encoding.encode()), (b"vary", b"accept-encoding")]
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Views:
    """What each route answers."""

    def __init__(self, service: Service, metrics: Metrics, state: State, health: Health) -> None:
        self._service = service
        self._metrics = metrics
        self._state = state
        self._health = health

    async def predict(self, _scope: Scope, raw: bytes, content_type: str, json_bytes: int | None) -> Answer:
        if json_bytes is not None:
            problem = f"is {json_bytes}"
            raise BadRequest("Inference-Header-Content-Length", problem, f"tensors as bytes at {_MODEL}/infer only")
        if content_type.lower().startswith(_FORM):
            return await self._service.predict_form(raw, content_type)
        if content_type.lower().startswith(_PICTURES):
            return await self._service.predict_file(raw)
        return await self._service.predict(raw)

    async def infer(self, scope: Scope, raw: bytes, _content_type: str, json_bytes: int | None) -> Answer:
        self._check_model(scope)
        return await self._service.infer(raw, json_bytes)

    async def model_ready(self, request: Request) -> Response:
        self._check_model(request.scope)
        return self._health.readiness({"name": self._service.name})

    async def model(self, request: Request) -> Response:
        if request.path_params["model"] == "stats" != self._service.name:
            # GET /v2/models/stats asks for the statistics of all models, of which there is one.
            return self._statistics()
        self._check_model(request.scope)
        service = self._service
        batching = service.batcher.batching
        return json_response(v2.model_metadata(service.name, service.version, service.signature, batching))

    async def config(self, request: Request) -> Response:
        self._check_model(request.scope)
        return json_response(model_config(self._service.name, self._service.signature))

    async def statistics(self, request: Request) -> Response:
        self._check_model(request.scope)
        return self._statistics()

    async def index(self, _request: Request) -> Response:
        ready = self._state.phase is Phase.READY
        return json_response(repository_index(self._service.name, self._service.version, ready))

    def _statistics(self) -> Response:
        return json_response(self._metrics.statistics.document(self._service.name, self._service.version))

    def _check_model(self, scope: Scope) -> None:
        path = scope["path_params"]
        if path["model"] != self._service.name:
            raise HTTPException(404, f"no model {show(path['model'])} here; this is {self._service.name}")
        if path.get("version", self._service.version) != self._service.version:
            raise HTTPException(404, f"no version {show(path['version'])} here; this is {self._service.version}")
