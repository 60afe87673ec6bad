"""Answer devices over HTTP: enrolment by a token, what they are to run, and what they report.

A request of a device is signed with its key and carries a number that only rises, so that nobody else can send one and
nobody can send it again. The server has no key that signs documents: whoever takes it over can keep devices from news,
and cannot make them run anything.
"""

import hashlib
import json
import time
from collections.abc import Callable
from typing import Annotated, Literal, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway.edge.commands import add_commands
from slipway.edge.grouping import Group
from slipway.edge.keys import of_base64, verified
from slipway.edge.shelf import Shelf, digests_in
from slipway.edge.signing import SIGNING_KEY, told_keys
from slipway.edge.store import Kept, Store

BODY_MOST = 64 * 2**10
_NONCE_MOST = 2**63 - 1
_STORE: web.AppKey[Store] = web.AppKey("store", Store)
_GROUP: web.AppKey[Group] = web.AppKey("group", Group)
_CLOCK: web.AppKey[Callable[[], float]] = web.AppKey("clock", Callable[[], float])  # type: ignore[arg-type]
_FLEET: web.AppKey[str] = web.AppKey("fleet", str)
_SHELF: web.AppKey[Shelf] = web.AppKey("shelf", Shelf)


class _Body(BaseModel):
    """What a device sends: a newer agent may say more than is read here."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


_Text = Annotated[str, Field(max_length=500)]


class Enrolment(_Body):
    """A device's first request."""

    token: Annotated[str, Field(max_length=200)]
    device: Annotated[str, Field(max_length=63)]
    public_key: Annotated[str, Field(max_length=100)]


class Said(_Body):
    """What a device says of one model."""

    model: Annotated[str, Field(max_length=63)]
    version: Annotated[str, Field(max_length=63)]
    release: Annotated[str, Field(max_length=64)]
    state: Literal["good", "pulling", "checking", "failed", "returned"]
    reason: _Text = ""
    latency_p95_ms: float | None = None
    requests: int | None = None
    errors: int | None = None


class Counted(_Body):
    """What a device lets out of its private counts: a window of a model. With their noise, counts may be below 0."""

    model: Annotated[str, Field(max_length=63)]
    window: Annotated[int, Field(ge=1, le=_NONCE_MOST)]
    output: Annotated[str, Field(max_length=255)]
    epsilon: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    per_s: Annotated[int, Field(gt=0)]
    counts: Annotated[dict[Annotated[str, Field(max_length=100)], int], Field(max_length=101)]


class Report(_Body):
    """What a device says of itself; what `telemetry` does not name is left out."""

    serial: Annotated[int, Field(ge=0, le=_NONCE_MOST)]
    models: Annotated[list[Said], Field(max_length=100)]
    agent: Annotated[str, Field(max_length=63)] = ""
    uptime_s: float | None = None
    memory_free: int | None = None
    temperature_c: float | None = None
    disk_free: int | None = None
    aggregates: Annotated[list[Counted], Field(max_length=100)] = []


class NewKey(_Body):
    """A key that takes the place of a device's; `signature` is of the new key, over `proof`."""

    public_key: Annotated[str, Field(max_length=100)]
    signature: Annotated[str, Field(max_length=100)]


class Line(_Body):
    """An event of a device's agent; `age_s`: how long it was ago when it was sent, since its clock may be wrong."""

    age_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    event: Annotated[str, Field(max_length=100)]
    values: _Text = ""


class Log(_Body):
    """The last events of a device's agent, oldest first."""

    lines: Annotated[list[Line], Field(max_length=200)]


class _Refused(Exception):
    """A request that is answered with a status and a reason, which never tells what would have been right."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def application(
    fleet: str, store: Store, clock: Callable[[], float] = time.time, shelf: Shelf | None = None
) -> web.Application:
    """The control side of a fleet. `shelf`: has weights that are not in images; None: nobody puts any anywhere."""
    app = web.Application(client_max_size=BODY_MOST, middlewares=[_refusing])
    app[_STORE], app[_CLOCK], app[_FLEET] = store, clock, fleet
    app[_GROUP] = Group(store)
    if shelf is not None:
        app[_SHELF] = shelf
    app.router.add_get("/healthz", _health)
    app.router.add_post("/v1/enrol", _enrol)
    app.router.add_get("/v1/devices/{name}/desired", _desired, allow_head=False)
    app.router.add_get("/v1/devices/{name}/weights/{digest}", _weights, allow_head=False)
    app.router.add_post("/v1/devices/{name}/report", _report)
    app.router.add_post("/v1/devices/{name}/logs", _logs)
    app.router.add_post("/v1/devices/{name}/key", _key)
    add_commands(app, fleet, store, clock)
    return app


@web.middleware
async def _refusing(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except _Refused as error:
        return web.json_response({"error": str(error)}, status=error.status)


async def _health(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")


async def _enrol(request: web.Request) -> web.Response:
    sent = _parsed(Enrolment, await request.read())
    public = of_base64(sent.public_key, 32)
    if public is None:
        raise _Refused(400, "public_key is no Ed25519 key of 32 bytes in base64")
    store = request.app[_STORE]

    def enrolled() -> str:
        key = store.meta(SIGNING_KEY)
        if key is None or not store.enrol(sent.token, sent.device, public, request.app[_CLOCK]()):
            raise _Refused(409, "the token is not known, was used already, or is another device's")
        return key

    key = await request.app[_GROUP].change(enrolled)
    return web.json_response({"fleet": request.app[_FLEET], "signing_keys": told_keys(store) or [key]})


async def _desired(request: web.Request) -> web.Response:
    store = request.app[_STORE]
    device, nonce = _proven(request, store, b"")

    def asked() -> tuple[int, str, bytes] | None:
        _use_up(request, store, device, nonce)
        return store.document(device.name)

    document = await request.app[_GROUP].change(asked)
    if document is None:
        return web.Response(status=204)
    serial, _, envelope = document
    etag = f'"{serial}"'
    if request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers={"ETag": etag})
    return web.Response(body=envelope, content_type="application/json", headers={"ETag": etag})


async def _weights(request: web.Request) -> web.StreamResponse:
    """Some bytes of a file, as `Range` asks: aiohttp answers 206, or 416, by itself.

    A device is given what its own document names: whoever took a device over learns nothing of the others' models.
    """
    store = request.app[_STORE]
    device, nonce = _proven(request, store, b"")
    with store.changing():
        _use_up(request, store, device, nonce)
        document = store.document(device.name)
    digest = request.match_info["digest"]
    named = document is not None and digest in digests_in(document[2])
    shelf = request.app.get(_SHELF)
    path = shelf.find(digest) if shelf is not None and named else None
    if path is None:
        raise _Refused(404, "no such weights in the device's document")
    return web.FileResponse(path, headers={"Content-Type": "application/octet-stream"})


async def _report(request: web.Request) -> web.Response:
    body = await request.read()
    store = request.app[_STORE]
    device, nonce = _proven(request, store, body)
    sent = _parsed(Report, body)

    def reported() -> bool:
        _use_up(request, store, device, nonce)
        answers = [(one.model, one.release, one.state, one.reason) for one in sent.models]
        store.reported(device.name, sent.model_dump(), answers)
        return store.logs.asked(device.name)

    asked = await request.app[_GROUP].change(reported)
    return web.json_response({"logs": True}) if asked else web.Response(status=204)


async def _logs(request: web.Request) -> web.Response:
    body = await request.read()
    store = request.app[_STORE]
    device, nonce = _proven(request, store, body)
    sent = _parsed(Log, body)

    def noted() -> bool:
        _use_up(request, store, device, nonce)
        return store.logs.write(device.name, sent.model_dump()["lines"], request.app[_CLOCK]())

    if not await request.app[_GROUP].change(noted):
        raise _Refused(409, "nobody asked for the log")
    return web.Response(status=204)


async def _key(request: web.Request) -> web.Response:
    """Take another key of a device: the old one signs the request, the new one that the device has it."""
    body = await request.read()
    store = request.app[_STORE]
    device, nonce = _proven(request, store, body)
    sent = _parsed(NewKey, body)
    public, signature = of_base64(sent.public_key, 32), of_base64(sent.signature, 64)
    said = proof(request.app[_FLEET], device.name, sent.public_key)
    if public is None or signature is None or not verified(public, signature, said):
        raise _Refused(400, "the signature is not of the new key")

    def taken() -> None:
        _use_up(request, store, device, nonce)
        store.set_public(device.name, public)

    await request.app[_GROUP].change(taken)
    return web.Response(status=204)


def proof(fleet: str, device: str, public_key: str) -> bytes:
    """What a new key of a device signs; `public_key`: itself, in base64."""
    return f"slipway-device-key-1\n{fleet}\n{device}\n{public_key}".encode()


def _proven(request: web.Request, store: Store, body: bytes) -> tuple[Kept, int]:
    """The device that signed a request, and its number. Nothing is written for who cannot sign."""
    name = request.match_info["name"]
    device = store.device(name)
    if device is None or request.headers.get("X-Slipway-Device") != name:
        raise _Refused(404, "no such device")
    if device.state == "revoked":
        raise _Refused(403, "the device is revoked")
    if device.public is None:
        raise _Refused(401, "the device is not enrolled")
    nonce = request.headers.get("X-Slipway-Nonce", "")
    signature = of_base64(request.headers.get("X-Slipway-Signature", ""), 64)
    if signature is None or not verified(device.public, signature, signed(request.method, request.path, nonce, body)):
        raise _Refused(401, "the signature is not the device's")
    if not (nonce.isascii() and nonce.isdigit() and len(nonce) <= 19 and int(nonce) <= _NONCE_MOST):
        raise _Refused(401, "the nonce is no whole number")
    return device, int(nonce)


def _use_up(request: web.Request, store: Store, device: Kept, nonce: int) -> None:
    if not store.heard(device, nonce, request.app[_CLOCK]()):
        raise _Refused(401, "the nonce was used already")


def signed(method: str, path: str, nonce: str, body: bytes) -> bytes:
    """What a device signs of a request."""
    return f"{method}\n{path}\n{nonce}\n{hashlib.sha256(body).hexdigest()}".encode()


_Sent = TypeVar("_Sent", bound=_Body)


def _parsed(kind: type[_Sent], body: bytes) -> _Sent:
    try:
        return kind.model_validate(json.loads(body))
    except ValidationError as error:
        at = ".".join(map(str, error.errors()[0]["loc"]))
        raise _Refused(400, f"{at or 'the body'}: {error.errors()[0]['msg']}") from None
    except (ValueError, RecursionError):
        raise _Refused(400, "the body is not JSON") from None
