"""Put a language model on HTTP as OpenAI's API has it, beside the paths that every server of ours has."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from slipway_server.http.body import BodyReader
from slipway_server.http.failures import HANDLERS
from slipway_server.http.health import JSON, Health, json_response
from slipway_server.http.lifecycle import State
from slipway_server.http.people import people_routes
from slipway_server.language.engine import EngineRefused
from slipway_server.language.generation import Generator, Overloaded, whole
from slipway_server.memory.budget import current_lease
from slipway_server.page.chat import chat_openapi
from slipway_server.page.pages import Pages
from slipway_server.pipeline.caller import RELEASE
from slipway_server.protocol.jsonbody import loads, parse_cost
from slipway_server.protocol.language import Ask, Kind, parse_ask
from slipway_server.telemetry.metrics import Metrics
from slipway_server.values.config import ServerConfig
from slipway_server.values.errors import BadRequest, Full, TooLarge, show
from slipway_server.values.language import LanguageSection

CHAT, TEXT, MODELS = "/v1/chat/completions", "/v1/completions", "/v1/models"
# What a token of an answer holds at most until the client takes it: a piece of JSON, as an object and as bytes.
_TOKEN_BYTES = 2048
_TOKENS_COUNTED = 1024
"""A client that takes nothing holds the whole answer; more tokens than that are not counted before they are there."""
_EVENTS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store", "x-accel-buffering": "no"}


@dataclass(frozen=True)
class Language:
    """A language model that answers."""

    config: ServerConfig
    section: LanguageSection
    generator: Generator

    def adapter_of(self, model: str | None) -> str | None:
        """Return the adapter that a request means by `model`, None for the model itself.

        Raises:
            HTTPException: 404 for a name that is none of them.
        """
        if model in (None, "", self.config.model.name):
            return None
        if model not in self.names:
            raise HTTPException(404, f"`model` is {show(model)}; allowed: {', '.join(self.names)}")
        return model

    @property
    def names(self) -> list[str]:
        """What a request may give as `model`."""
        return [self.config.model.name, *(adapter.name for adapter in self.section.adapters)]

    async def models(self, _request: Request) -> Response:
        """Answer what there is to ask."""
        owner = self.config.model.name
        found = [{"id": name, "object": "model", "created": 0, "owned_by": owner} for name in self.names]
        return json_response({"object": "list", "data": found})

    def signed(self, answer: dict[str, Any], model: str | None) -> dict[str, Any]:
        """Return a piece or an answer that says which model and which release gave it, and nothing of this machine."""
        kept = {key: value for key, value in answer.items() if key != "timings"}
        return kept | {"model": model or self.config.model.name, "system_fingerprint": self.config.release}


def build_language_app(language: Language, metrics: Metrics, state: State) -> Starlette:
    """Return the application with all its routes."""
    health = Health(state, metrics, language.generator.busy_s, language.config.timeout_s, ())
    handlers = HANDLERS | {kind: _as_openai(handler) for kind, handler in HANDLERS.items() if kind is not Exception}
    app = Starlette(
        routes=[
            Route(CHAT, _Completions("chat", language), methods=["POST"]),
            Route(TEXT, _Completions("text", language), methods=["POST"]),
            Route(MODELS, language.models),
            *health.routes,
            *people_routes(pages_of(language)),
        ],
        exception_handlers=handlers,
    )
    app.router.redirect_slashes = False
    return app


def pages_of(language: Language) -> Pages:
    """Return what people see of the model."""
    model, gated = language.config.model, language.config.gate is not None
    return Pages(
        lambda: chat_openapi(model.name, model.version, language.names, language.section.context, gated), graph=None
    )


def _as_openai(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Give a refusal the form that clients of OpenAI's API read: an object with message, type, param and code."""

    async def handled(request: Request, error: Exception) -> Response:
        answer: Response = await handler(request, error)
        if not request.url.path.startswith("/v1/") or not answer.body:
            return answer
        field = error.field if isinstance(error, BadRequest) else None
        text = orjson.loads(bytes(answer.body))["error"]
        kept = {name: value for name, value in answer.headers.items() if name not in ("content-length", "content-type")}
        body = orjson.dumps({"error": openai_error(text, answer.status_code, field)})
        return Response(body, answer.status_code, kept, JSON)

    return handled


def openai_error(text: str, status: int, field: str | None = None) -> dict[str, Any]:
    """Return the error object of OpenAI's API."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"message": text, "type": kind, "param": field, "code": status}


class _Completions:
    """ASGI endpoint of a POST that is answered whole, or as a stream of events."""

    def __init__(self, kind: Kind, language: Language) -> None:
        self._kind = kind
        self._language = language
        config = language.config
        self._timeout_s = config.timeout_s
        self._reader = BodyReader(config.max_body_bytes, config.timeout_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        content_type = Request(scope).headers.get("content-type", JSON).partition(";")[0].strip().lower()
        if content_type != JSON:
            raise HTTPException(415, f"`Content-Type` is {show(content_type)}; allowed: {JSON}")
        ask = self._read(await self._reader.read(scope, receive))
        adapter = self._language.adapter_of(ask.model)
        work = asyncio.ensure_future(self._answer(scope, ask, adapter, send))
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not work.done():
                work.cancel()
        try:
            await work
        except asyncio.CancelledError:
            if not gone.done() or gone.cancelled():
                raise

    def _read(self, raw: bytes) -> Ask:
        lease = current_lease()
        cost = parse_cost(raw)
        if not lease.fits(cost):
            raise TooLarge("body", f"has {len(raw)} bytes of too many parts", "a shorter one, or more memory")
        lease.charge(cost)
        ask = parse_ask(self._kind, loads(raw), self._language.section.context)
        most = min(ask.most or self._language.section.context, _TOKENS_COUNTED)
        if not lease.fits(_TOKEN_BYTES * most):
            raise TooLarge("max_tokens", f"is {most}, more than there is memory for", "fewer, or more memory")
        lease.charge(_TOKEN_BYTES * most)
        return ask

    async def _answer(self, scope: Scope, ask: Ask, adapter: str | None, send: Send) -> None:
        pieces = self._language.generator.pieces(ask, adapter)
        headers = {RELEASE.decode(): self._language.config.release}
        try:
            async with asyncio.timeout(self._timeout_s):
                if ask.stream:
                    await self._stream(ask, adapter, pieces, headers, send)
                    return
                answer = self._language.signed(await whole(pieces), adapter)
        except TimeoutError:
            raise HTTPException(504, f"the model did not answer within {self._timeout_s} s") from None
        except (Overloaded, Full):
            raise HTTPException(503, "too many requests are waiting", {"Retry-After": "1"}) from None
        except EngineRefused as error:
            raise HTTPException(error.status, str(error)) from None
        await Response(orjson.dumps(answer), headers=headers, media_type=JSON)(scope, _never, send)

    async def _stream(
        self,
        ask: Ask,
        adapter: str | None,
        pieces: AsyncGenerator[dict[str, Any], None],
        headers: dict[str, str],
        send: Send,
    ) -> None:
        """Send each piece when it is there. What goes wrong before the first is an answer of its own, with a status."""
        begun = False
        try:
            async with aclosing(pieces) as every:
                async for piece in every:
                    if not begun:
                        begun = True
                        await send(_start(headers | _EVENTS))
                    counted = piece.get("usage") and not piece.get("choices")
                    if not counted or ask.usage:
                        await send(_part(_event(self._language.signed(piece, adapter))))
        except (TimeoutError, asyncio.CancelledError):
            if begun:
                text = f"the answer was not complete within {self._timeout_s} s"
                await send(_part(_event({"error": openai_error(text, 504)}), last=True))
            raise
        except EngineRefused as error:
            if not begun:
                raise
            await send(_part(_event({"error": openai_error(str(error), error.status)}), last=True))
            return
        await send(_part(b"data: [DONE]\n\n", last=True))


def _start(headers: dict[str, str]) -> dict[str, Any]:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http.response.start", "status": 200, "headers": raw}


def _part(body: bytes, *, last: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": not last}


def _event(document: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(document) + b"\n\n"


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _never() -> dict[str, Any]:
    raise RuntimeError("an answer that is there asks for nothing")
