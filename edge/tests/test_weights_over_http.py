"""Parts of files over real HTTP, from servers and proxies that do what these do."""

import base64
import hashlib
import http.server
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from slipway_edge.control.client import Control, ControlSource
from slipway_edge.disk.files import real_files
from slipway_edge.identity.device_key import made
from slipway_edge.values.errors import Away

DATA = bytes(range(256)) * 400
SHA256 = hashlib.sha256(DATA).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Answers `GET` as `does` says: status, headers, body, and the length that it promises."""

    does: Callable[[int, int], tuple[int, dict[str, str], bytes]]

    def __init__(self) -> None:
        server = self
        self.asked: list[http.client.HTTPMessage] = []
        self.paths: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.asked.append(self.headers)
                server.paths.append(self.path)
                span = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
                assert span is not None
                status, headers, body = server.does(int(span[1]), int(span[2]))
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(body))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = int(headers.get("Content-Length", len(body))) != len(body)

            def log_message(self, *_: object) -> None: ...

        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever refuses an answer closes the connection, which is no trouble of this side."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made_:
        thread = threading.Thread(target=made_.serve_forever, daemon=True)
        thread.start()
        yield made_
        made_.shutdown()
        thread.join(30)


@pytest.fixture
def source(server: Server, tmp_path: Path) -> ControlSource:
    nonces = iter(range(1, 100))
    control = Control(f"http://127.0.0.1:{server.server_port}")
    key = made(tmp_path, real_files())
    return ControlSource(control, "pi-001", lambda: key, lambda: next(nonces))


def right(first: int, last: int) -> tuple[int, dict[str, str], bytes]:
    return 206, {"Content-Range": f"bytes {first}-{last}/{len(DATA)}"}, DATA[first : last + 1]


def test_a_part_is_asked_for_by_range_and_signed_by_the_device(
    server: Server, source: ControlSource, tmp_path: Path
) -> None:
    server.does = right
    assert b"".join(source.read(SHA256, 1000, 90_000, None)) == DATA[1000:90_000]
    (headers,), (path,) = server.asked, server.paths
    assert path == f"/v1/devices/pi-001/weights/{SHA256}"
    assert headers["Range"] == "bytes=1000-89999"
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(made(tmp_path, real_files()).public))
    text = f"GET\n{path}\n{headers['X-Slipway-Nonce']}\n{hashlib.sha256(b'').hexdigest()}"
    key.verify(base64.b64decode(headers["X-Slipway-Signature"]), text.encode())


def test_blocks_are_small_where_the_rate_is(server: Server, source: ControlSource) -> None:
    server.does = right
    assert max(len(block) for block in source.read(SHA256, 0, len(DATA), 8192)) <= 2048


@pytest.mark.parametrize(
    ("does", "said"),
    [
        (lambda *_: (200, {}, DATA), "sends all where a part was asked for; next: let Range pass"),
        (lambda *_: (416, {"Content-Range": "bytes */10"}, b""), "fewer bytes than the document says: none from 500"),
        (lambda *_: (206, {"Content-Range": "bytes 0-999/102400"}, DATA[:1000]), "sends bytes 0-999/102400 where"),
        (lambda *_: (206, {}, DATA), "sends unnamed bytes where bytes 500-999 was asked for"),
        (lambda *_: (404, {}, b'{"error": "no such weights"}'), "weights: status 404, no such weights"),
        (lambda *_: (403, {}, b'{"error": "the device is revoked"}'), "status 403, the device is revoked"),
        (lambda *_: (302, {"Location": "http://127.0.0.1/"}, b""), "status 302, without a reason"),
        (lambda *_: (502, {}, b"<html>"), "status 502, without a reason"),
    ],
    ids=["whole", "416", "another", "unnamed", "404", "403", "redirect", "proxy"],
)
def test_anything_but_the_part_is_away_and_nothing_of_it_is_kept(
    server: Server,
    source: ControlSource,
    does: Callable[[int, int], tuple[int, dict[str, str], bytes]],
    said: str,
) -> None:
    server.does = does
    got = []
    with pytest.raises(Away, match=re.escape(said)):
        got.extend(source.read(SHA256, 500, 1000, None))
    assert got == []


def test_what_arrived_before_the_link_was_cut_is_given_first(server: Server, source: ControlSource) -> None:
    def cut(first: int, last: int) -> tuple[int, dict[str, str], bytes]:
        status, headers, body = right(first, last)
        return status, headers | {"Content-Length": str(len(body))}, body[:30_000]

    server.does = cut
    got = bytearray()
    with pytest.raises(Away, match="broke off"):
        for block in source.read(SHA256, 0, 90_000, None):
            got += block
    assert bytes(got) == DATA[:30_000]


def test_nobody_there_is_away(tmp_path: Path) -> None:
    with Server() as gone:
        url = f"http://127.0.0.1:{gone.server_port}"
    key = made(tmp_path, real_files())
    source = ControlSource(Control(url), "pi-001", lambda: key, lambda: 1)
    with pytest.raises(Away, match="NewConnectionError"):
        list(source.read(SHA256, 0, 10, None))
