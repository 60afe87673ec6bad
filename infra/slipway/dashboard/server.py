"""Serve the page on this machine's loopback address alone, to whoever knows its token.

Other users of this machine, and pages of other sites in the same browser, can reach the port as well: so the path has a
random token, and the Host header must name the address that was printed (a name that somebody else resolves to
127.0.0.1 does not). Nothing can be changed by a request.
"""

import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from slipway.dashboard.page import REFRESH_S, page, policy
from slipway.errors.base import Place, UserError
from slipway.values.aliases import Json

HOST = "127.0.0.1"
_TOKEN_BYTES = 24
_IDLE_S = 30
_PAGE, _JSON = "", "status.json"
Gather = Callable[[], Sequence[Json]]


class Dashboard:
    """A server of one page: `url` is its address, token included."""

    def __init__(self, gather: Gather, port: int) -> None:
        """`gather`: asks for the overview, one call at a time. `port`: 0 for any that is free.

        Raises `UserError` for a port that cannot be had.
        """
        self._gather = gather
        self._lock = threading.Lock()
        self._kept: Sequence[Json] = ()
        self._asked: float | None = None
        self.token = secrets.token_urlsafe(_TOKEN_BYTES)
        try:
            self._server = ThreadingHTTPServer((HOST, port), type("Handler", (_Handler,), {"dashboard": self}))
        except OSError as error:
            problem, allowed = f"cannot be listened on: {error.strerror}", "a free port, from 1024 to 65535"
            raise UserError(Place("--port"), str(port), problem, allowed, "name another, or none for any") from None
        self.host = f"{HOST}:{self._server.server_port}"
        self.url = f"http://{self.host}/{self.token}/"

    def run(self) -> None:
        """Serve until `close`."""
        self._server.serve_forever(poll_interval=0.1)

    def close(self) -> None:
        """End `run`, which another thread may be in, and give the port back."""
        self._server.shutdown()
        self._server.server_close()

    def overview(self) -> Sequence[Json]:
        """What is known, asked at most every `REFRESH_S` seconds: two readers do not ask the cluster twice."""
        with self._lock:
            if self._asked is None or time.monotonic() - self._asked >= REFRESH_S:
                self._kept = self._gather()
                self._asked = time.monotonic()
            return self._kept


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD of the page and of its JSON; everything else is refused."""

    dashboard: Dashboard
    server_version = "slipway"
    sys_version = ""
    timeout = _IDLE_S

    def do_GET(self) -> None:
        """Answer with the page, or the same as JSON."""
        known = self.headers.get_all("Host") == [self.dashboard.host]
        token, _, rest = self.path.removeprefix("/").partition("/")
        if not known or not hmac.compare_digest(token.encode(), self.dashboard.token.encode()):
            self._answer(HTTPStatus.FORBIDDEN, "text/plain", "Open the address that `slipway dashboard` printed.\n")
        elif rest == _PAGE:
            self._answer(HTTPStatus.OK, "text/html", page(self.dashboard.overview(), live=True))
        elif rest == _JSON:
            document = {"environments": list(self.dashboard.overview())}
            self._answer(HTTPStatus.OK, "application/json", json.dumps(document, indent=2, sort_keys=True) + "\n")
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", f"There is the page, and {_JSON} beside it.\n")

    do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

    def _answer(self, status: HTTPStatus, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        headers = {
            "Content-Type": f"{kind}; charset=utf-8",
            "Content-Length": str(len(body)),
            "Content-Security-Policy": f"{policy(live=True)}; frame-ancestors 'none'",
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that it has there
        """Say nothing: the path has the token in it."""
