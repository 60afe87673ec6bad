"""Take a request's body off the wire, never more of it than allowed, and the file out of a form."""

import asyncio
from collections.abc import AsyncGenerator

from starlette.datastructures import Headers, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from slipway_server.compression import inflated
from slipway_server.errors import BadRequest, show

# So many bodies of the largest size may be held at once, by all requests together; later ones are sent away
# with 503, so that a burst of large requests cannot take the pod's memory.
BODIES_AT_ONCE = 4
_FILE_FIELDS = ("file", "image")
_FORM_ALLOWED = (
    "multipart/form-data with one file, in the field `file` or `image`, as sent by curl -F file=@picture.png"
)


class BodyReader:
    """Reads bodies within the limits; `held` counts the bytes of all that are not released yet."""

    def __init__(self, max_body_bytes: int, timeout_s: float) -> None:
        """Set the limits: bytes of one body, seconds from its headers to its last byte."""
        self._max_body_bytes = max_body_bytes
        self._max_held_bytes = BODIES_AT_ONCE * max_body_bytes
        self._timeout_s = timeout_s
        self.held = 0

    async def read(self, scope: Scope, receive: Receive) -> bytes:
        """Return the whole body; the caller must `release` its length when the request is done.

        Raises:
            HTTPException: 413 as soon as the body is known to be too large, whatever its Content-Length says;
                408 when it does not arrive in time; 503 when other bodies take all the room.
            ClientDisconnect: the client went away.
        """
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if int(announced) > self._max_body_bytes:
            raise self._too_large(f"{int(announced)} bytes")
        message = await receive()
        if message["type"] == "http.request" and not message["more_body"]:
            # Nearly every body is here at once: no timer for those.
            self._hold(len(message["body"]), 0)
            return bytes(message["body"])
        body = bytearray()
        try:
            async with asyncio.timeout(self._timeout_s):
                while message["type"] == "http.request":
                    self._hold(len(message["body"]), len(body))
                    body += message["body"]
                    if not message["more_body"]:
                        return bytes(body)
                    message = await receive()
            raise ClientDisconnect
        except TimeoutError:
            self.release(len(body))
            raise HTTPException(
                408, f"the body did not arrive within {self._timeout_s} s", {"Connection": "close"}
            ) from None
        except (HTTPException, ClientDisconnect, asyncio.CancelledError):
            self.release(len(body))
            raise

    async def inflate(self, raw: bytes, encoding: str) -> bytes:
        """Return what the compressed body `raw`, which is held, unpacks to; that is held in its place.

        Raises:
            BadRequest: it is not compressed so.
            HTTPException: 413 as soon as it unpacks to too much; 503 when other bodies take all the room.
        """
        held = 0

        def hold(size: int, before: int) -> None:
            nonlocal held
            self._hold(size, before)
            held += size

        try:
            body = await inflated(raw, encoding, hold)
            held = len(raw)
        finally:
            self.release(held)
        return body

    def release(self, size: int) -> None:
        """Give back the room of a body of `size` bytes."""
        self.held -= size

    def _hold(self, size: int, before: int) -> None:
        if before + size > self._max_body_bytes:
            raise self._too_large(f"more than {self._max_body_bytes} bytes")
        if self.held + size > self._max_held_bytes:
            raise HTTPException(
                503, "too many large bodies at once: try again", {"Retry-After": "1", "Connection": "close"}
            )
        self.held += size

    def _too_large(self, size: str) -> HTTPException:
        return HTTPException(413, f"`body` has {size}; allowed: at most {self._max_body_bytes} bytes")


async def file_of_form(body: bytes, content_type: str) -> bytes:
    """Return the bytes of the one file in a multipart form.

    Text fields, such as the name of a button, are passed over.

    Raises:
        BadRequest: no form, no file in a field `file` or `image`, or more than one file.
    """

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
