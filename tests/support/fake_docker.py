"""A Docker Engine of the few calls that an image needs, on loopback or a socket; it keeps the credentials that came."""

import base64
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

DIGEST = f"sha256:{'d' * 64}"
VERSION = {"Version": "fake", "ApiVersion": "1.47", "MinAPIVersion": "1.24", "Os": "linux", "Arch": "amd64"}


class FakeDocker:
    """What it has (`images`, all for `platforms`), whom it lets in (`asks_for`: a user name), and what it was sent.

    `refuses`: what it says of a push, though the image is there by then, as after a push of somebody else.
    """

    def __init__(self) -> None:
        self.images: set[str] = set()
        self.platforms: list[dict[str, str]] = []
        self.refuses: str | None = None
        self.asks_for: str | None = None
        self.users: list[str | None] = []
        self.build_users: list[set[str]] = []
        self.builds: list[tuple[dict[str, str], bytes]] = []

    def answer(self, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, bytes]:
        """The status and the body of an answer."""
        asked = dict(parse_qsl(urlsplit(path).query))
        path = urlsplit(path).path.removeprefix("/v1.47")
        if path in ("/version", "/_ping"):
            return 200, json.dumps(VERSION).encode()
        if path == "/build":
            config = _decoded(headers.get("x-registry-config"))
            self.build_users.append({str(entry["username"]) for entry in config.values() if entry.get("username")})
            self.builds.append((asked, body))
            return 200, b'{"stream": "done"}\n'
        user = _user(headers.get("x-registry-auth"))
        self.users.append(user)
        if self.asks_for is not None and user != self.asks_for:
            return 401, b'{"message": "unauthorized: authentication required"}'
        if path.startswith("/distribution/"):
            name = unquote(path.removeprefix("/distribution/").removesuffix("/json"))
            if name not in self.images:
                return 404, b'{"message": "manifest unknown"}'
            return 200, json.dumps({"Descriptor": {"digest": DIGEST}, "Platforms": self.platforms}).encode()
        assert path.startswith("/images/"), path
        assert path.endswith("/push"), path
        self.images.add(f"{path.removeprefix('/images/').removesuffix('/push')}:{asked['tag']}")
        if self.refuses is not None:
            return 200, json.dumps({"error": self.refuses}).encode() + b"\n"
        return 200, json.dumps({"aux": {"Digest": DIGEST}}).encode() + b"\n"


def _user(header: str | None) -> str | None:
    value = _decoded(header)
    return value.get("username") or value.get("Username")


def _decoded(header: str | None) -> dict[str, Any]:
    return json.loads(base64.urlsafe_b64decode(header)) if header else {}


class _Socket(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class _Loopback(socketserver.ThreadingTCPServer):
    daemon_threads = True


@contextmanager
def served(fake: FakeDocker, socket: Path | None = None) -> Iterator[str]:
    """Serve it; gives the DOCKER_HOST."""

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            sent = self.rfile.read(length)
            if self.headers.get("Transfer-Encoding") == "chunked":
                while size := int(self.rfile.readline(), 16):
                    sent += self.rfile.read(size + 2)[:-2]
                self.rfile.readline()
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, body = fake.answer(self.path, headers, sent)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_HEAD = do_POST = _do  # noqa: N815 - the names that http.server calls

        def address_string(self) -> str:
            return "client"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    loopback = _Loopback(("127.0.0.1", 0), Handler) if socket is None else None
    server = loopback or _Socket(str(socket), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"tcp://127.0.0.1:{loopback.socket.getsockname()[1]}" if loopback else f"unix://{socket}"
    finally:
        server.shutdown()
        server.server_close()
