"""Take a request's body off the wire, never more of it than allowed, and the file out of a form."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope

from slipway_server.http.compression import inflated
from slipway_server.memory.budget import LEAST_RATE, SMALL_BYTES, STALL_S, current_lease
from slipway_server.values.errors import BadRequest, show

_FILE_FIELDS = ("file", "image")
_FORM_ALLOWED = (
    "multipart/form-data with one file, in the field `file` or `image`, as sent by curl -F file=@picture.png"
)


class BodyReader:
    """Reads bodies within the limits. The protocol has counted what arrived in the request's lease already.

    Whatever a later step makes of a body (what a content coding unpacks to, for example) is charged to the same lease,
    `current_lease().charge(...)`, piece by piece and before it is kept; `max_body_bytes` holds for the result too.
    """

    def __init__(self, max_body_bytes: int, timeout_s: float) -> None:
        """Set the limits: bytes of one body, seconds from its headers to its last byte."""
        self.max_body_bytes = max_body_bytes
        self._timeout_s = timeout_s

    async def read(self, scope: Scope, receive: Receive) -> bytes:
        """Return the whole body.

        Raises:
            HTTPException: 413 as soon as the body is known to be too large, whatever its Content-Length says;
                408 when it does not arrive in time, or stands still; 503 when other requests take all the room.
            ClientDisconnect: the client went away.
        """
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if int(announced) > self.max_body_bytes:
            raise self._too_large(f"{int(announced)} bytes")
        message = await receive()
        if message["type"] == "http.request" and not message["more_body"] and not current_lease().refused:
            # Nearly every body is here at once: no timer for those.
            if len(message["body"]) > self.max_body_bytes:
                raise self._too_large(f"more than {self.max_body_bytes} bytes")
            return bytes(message["body"])
        return await self._read_slowly(message, receive)

    async def _read_slowly(self, message: Message, receive: Receive) -> bytes:
        lease = current_lease()
        loop = asyncio.get_running_loop()
        clock = _Clock(loop.time(), self._timeout_s)
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout_at(clock.deadline) as timeout:
                with lease.arriving():
                    while message["type"] == "http.request":
                        if lease.refused:
                            raise _full()
                        size += len(message["body"])
                        if size > self.max_body_bytes:
                            raise self._too_large(f"more than {self.max_body_bytes} bytes")
                        chunks.append(message["body"])
                        if not message["more_body"]:
                            return b"".join(chunks)
                        lease.deadline = clock.wind(loop.time(), len(message["body"]), size)
                        timeout.reschedule(lease.deadline)
                        message = await receive()
            raise ClientDisconnect
        except TimeoutError:
            raise HTTPException(408, clock.why_late(size), {"Connection": "close"}) from None

    async def inflate(self, raw: bytes, encoding: str) -> bytes:
        """Return what the compressed body `raw` unpacks to, which is charged to the request's lease as it unpacks.

        Raises:
            BadRequest: it is not compressed so.
            HTTPException: 413 as soon as it unpacks to too much.
            Full: there is no room for it now.
        """
        lease = current_lease()

        def hold(size: int, before: int) -> None:
            if before + size > self.max_body_bytes:
                raise self._too_large(f"more than {self.max_body_bytes} bytes")
            lease.charge(size)

        body = await inflated(raw, encoding, hold)
        lease.shrink(len(raw))
        return body

    def _too_large(self, size: str) -> HTTPException:
        return HTTPException(413, f"`body` has {size}; allowed: at most {self.max_body_bytes} bytes")


class _Clock:
    """Says until when a body must have gone on: it has its time as a whole, and a large one must not stand still."""

    def __init__(self, now: float, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._end = now + timeout_s
        self._pause_until = now + STALL_S
        self.deadline = self._end

    def wind(self, now: float, came: int, size: int) -> float:
        """Return the new deadline, after `came` more bytes of now `size`: bytes buy time, but never much at once."""
        self._pause_until = min(max(self._pause_until, now) + came / LEAST_RATE, now + STALL_S)
        self.deadline = self._end if size <= SMALL_BYTES else min(self._end, self._pause_until)
        return self.deadline

    def why_late(self, size: int) -> str:
        """Say why a body of which `size` bytes came is late."""
        if self.deadline == self._end:
            return f"the body did not arrive within {self._timeout_s} s"
        return f"the body stood still after {size} bytes; allowed: {LEAST_RATE} bytes a second"


def _full() -> HTTPException:
    return HTTPException(
        503, "the memory for requests is in use: try again", {"Retry-After": "1", "Connection": "close"}
    )


def file_of_form(body: bytes, content_type: str) -> bytes:
    """Return the bytes of the one file in a multipart form.

    Text fields, such as the name of a button, are passed over.

    Raises:
        BadRequest: no form, no file in a field `file` or `image`, or more than one file.
    """
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    # What comes before the first part is nobody's, and the parser below takes a step of Python for each byte of it.
    start = body.find(b"--" + boundary)
    return _run(_file_of_form(body[max(start, 0) :], content_type))


async def _file_of_form(body: bytes, content_type: str) -> bytes:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(Headers({"content-type": content_type}), stream(), max_files=1, max_fields=8)
    # The body is in memory and within its limit: never write it to a disk, which the pod has not got.
    parser.spool_max_size = len(body) + 1
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise BadRequest("body", f"is not a form: {error.message}", _FORM_ALLOWED) from None
    names = [name for name, _ in form.multi_items()]
    upload = next((form[name] for name in _FILE_FIELDS if isinstance(form.get(name), UploadFile)), None)
    if not isinstance(upload, UploadFile):
        raise BadRequest("body", f"is a form with the fields {show(names)}", _FORM_ALLOWED)
    try:
        return await upload.read()
    finally:
        await upload.close()


def _run(never_waits: Coroutine[Any, Any, bytes]) -> bytes:
    """Run a coroutine that waits for nothing, since all it reads is in memory, outside of any event loop."""
    try:
        never_waits.send(None)
    except StopIteration as end:
        return bytes(end.value)
    raise RuntimeError("a form in memory was waited for")
