"""Bodies read within limits, refusals and failures turned into answers, and the headers that every answer has."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from slipway_keys.admin.refusals import Refused, invalid
from slipway_keys.credentials.admin_passes import PassError
from slipway_keys.database.keys import NoKeyError
from slipway_keys.database.pool import AwayError
from slipway_keys.telemetry.log import log

MOST_BYTES = 64 * 1024
_READ_LIMIT_S = 10.0
_MOST_FIELDS = 50
HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}

Handler = Callable[[Request], Awaitable[Response]]
Body = TypeVar("Body", bound=BaseModel)


def as_json(value: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """An answer of one JSON document."""
    return Response(orjson.dumps(value), status, HEADERS, "application/json")


async def document(request: Request, shape: type[Body]) -> Body:
    """The body of a request as a document; raises `Refused`."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        message = "Content-Type: is not application/json; next: send JSON"
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message)
    try:
        return shape.model_validate(orjson.loads(await _body(request)))
    except orjson.JSONDecodeError:
        raise Refused(HTTPStatus.BAD_REQUEST, "the body is not JSON; next: correct it") from None
    except ValidationError as error:
        raise invalid(error) from None


async def form(request: Request) -> dict[str, str]:
    """The fields of a form; of one that came twice the last. Raises `Refused`."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "this is no form; next: use the page's")
    try:
        text = (await _body(request)).decode("ascii")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"))
    except (UnicodeDecodeError, ValueError):
        raise Refused(HTTPStatus.BAD_REQUEST, "the form cannot be read; next: use the page's") from None


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_READ_LIMIT_S):
            async for part in request.stream():
                parts.append(part)
                size += len(part)
                if size > MOST_BYTES:
                    raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is longer than {MOST_BYTES} bytes")
    except TimeoutError:
        message = f"the body did not come within {_READ_LIMIT_S:g} s"
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, message) from None
    except ClientDisconnect:
        raise Refused(HTTPStatus.BAD_REQUEST, "the client went away") from None
    return b"".join(parts)


def guarded(handler: Handler, answer: Callable[[Request, HTTPStatus, str], Response]) -> Handler:
    """A handler whose refusals and failures become answers, by `answer`."""

    async def run(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            return answer(request, refused.status, refused.message)
        except PassError as error:
            return answer(request, HTTPStatus.FORBIDDEN, str(error))
        except NoKeyError as error:
            return answer(request, HTTPStatus.CONFLICT, str(error))
        except AwayError:
            message = "the database is away; next: try again in a minute"
            return answer(request, HTTPStatus.SERVICE_UNAVAILABLE, message)

    return run


def failure(request: Request, status: HTTPStatus, message: str) -> Response:
    """A refusal as JSON, in the member that the API server's own refusals have it in."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log("admin", path=request.url.path, status=status.value, message=message)
    return as_json({"message": message}, status)


def parameter(request: Request, name: str, default: str | None = None) -> str:
    """A parameter of the query; raises `Refused` where it has to be there and is not."""
    value: Any = request.query_params.get(name, default)
    if value is None:
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name}: value missing; next: add it to the query")
    return str(value)
