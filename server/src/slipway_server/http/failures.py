"""Answer what went wrong as the error object of the Open Inference Protocol: `{"error": "<sentence>"}`."""

from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from slipway_server.pipeline.caller import MemberAway
from slipway_server.steps.hook import HookFault, HookTimeout
from slipway_server.values.errors import AnswerTooLarge, BadRequest, Full, ModelFault, TooLarge, show


async def _bad_request(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)


async def _too_large(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 413)


async def _answer_too_large(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 507)


async def _full(_request: Request, _error: Exception) -> Response:
    text = "the memory for requests is in use by others: try again"
    return JSONResponse({"error": text}, 503, {"Retry-After": "1"})


async def _member_away(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 503, {"Retry-After": "1"})


async def _model_fault(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 500)


async def _hook_fault(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 504 if isinstance(error, HookTimeout) else 500)


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    text = error.detail
    if error.status_code == 405:
        text = f"method {request.method} is not allowed here; allowed: {(error.headers or {}).get('Allow')}"
    elif error.status_code == 404 and text == "Not Found":
        text = f"no such path: {show(request.url.path)}"
    return JSONResponse({"error": text}, error.status_code, dict(error.headers or {}))


async def _nobody_there(_request: Request, _error: Exception) -> Response:
    """Answer a client that went away before its request was complete: uvicorn drops what is sent to it."""
    return Response(status_code=499)


async def _internal(_request: Request, _error: Exception) -> Response:
    """Answer for a mistake of ours; uvicorn logs the traceback."""
    return JSONResponse({"error": "internal error of the model server; its log says more"}, 500)


HANDLERS: dict[type[Exception] | int, Callable[[Request, Exception], Awaitable[Response]]] = {
    BadRequest: _bad_request,
    TooLarge: _too_large,
    AnswerTooLarge: _answer_too_large,
    Full: _full,
    ModelFault: _model_fault,
    HookFault: _hook_fault,
    MemberAway: _member_away,
    HTTPException: _http_error,
    ClientDisconnect: _nobody_there,
    Exception: _internal,
}
