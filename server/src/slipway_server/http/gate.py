"""Let calls through that have a pass of the gateway, and answer all others before any of their body is read."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from slipway_server.http.lifecycle import OPEN
from slipway_server.http.passes import KeyUnusable, Passes, PassRefused

_PASS = b"x-slipway-pass"


class Gate:
    """ASGI middleware around all routes: whatever is added to them is closed."""

    def __init__(self, app: ASGIApp, passes: Passes) -> None:
        self._app = app
        self._passes = passes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it with 403; with 503 when no pass can be checked."""
        if scope["path"] not in OPEN:
            try:
                self._passes.check(next((value for name, value in scope["headers"] if name == _PASS), None))
            except PassRefused as error:
                await JSONResponse({"error": str(error)}, 403)(scope, receive, send)
                return
            except KeyUnusable as error:
                await JSONResponse({"error": str(error)}, 503, {"Retry-After": "1"})(scope, receive, send)
                return
        await self._app(scope, receive, send)
