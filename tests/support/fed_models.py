"""Stand-ins for what a feed stands between: a model that answers over HTTP, and a server that takes its answers."""

import http.server
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

PNG = b"\x89PNG\r\n\x1a\n" + b"of a seven"


class Server:
    """An HTTP server of this machine that can be taken down and brought back at the same port."""

    def __init__(self, answer: Callable[[http.server.BaseHTTPRequestHandler, bytes], tuple[int, bytes]]) -> None:
        self._answer = answer
        self.port = 0
        self.start()

    def start(self) -> None:
        answer = self._answer

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                status, body = answer(self, self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Model(Server):
    """Answers as a model server does: 415 for what is no picture or JSON, 400 without an image, 503 while `busy`.

    `breaks_at`: bodies at which it fails with 500.
    """

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.busy = False
        self.breaks_at: set[bytes] = set()
        super().__init__(self._said)

    def _said(self, request: http.server.BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        self.asked.append(body)
        if self.busy or request.path != "/predict":
            return 503, b'{"error": "not ready"}'
        if body in self.breaks_at:
            return 500, b'{"error": "the model failed"}'
        kind = request.headers["Content-Type"]
        if kind == "application/json":
            try:
                if "image" not in json.loads(body):
                    return 400, b'{"error": "image is missing"}'
            except ValueError:
                return 400, b'{"error": "no JSON"}'
        elif kind != "image/png":
            return 415, b'{"error": "Content-Type"}'
        return 200, b'{"model":"digits","version":"1.0.0","outputs":{"label":[7]}}'


class Collector(Server):
    """Takes answers; `status`: what it says to each."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.status = 204
        super().__init__(self._said)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/answers"

    def _said(self, request: http.server.BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        if self.status < 300:
            self.got.append(json.loads(body))
            self.headers.append(dict(request.headers))
        return self.status, b""


def put(folder: Path, name: str, data: bytes) -> None:
    """As a careful writer does: beside, then renamed."""
    (folder / f".{name}").write_bytes(data)
    (folder / f".{name}").rename(folder / name)
