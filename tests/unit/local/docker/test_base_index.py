"""One tag for the base images of several architectures, as a registry is asked for it."""

import http.server
import json
import threading
from collections.abc import Iterator
from hashlib import sha256

import pytest

from slipway.local.docker import base_index
from slipway.local.host.errors import LocalError

IMAGES = {name: b'{"schemaVersion": 2, "of": "' + name.encode() + b'"}' for name in ("amd64", "arm64")}
DIGESTS = {name: f"sha256:{sha256(data).hexdigest()}" for name, data in IMAGES.items()}


class Registry:
    """Keeps manifests by digest or tag, and takes no index of what it does not have, as the real one."""

    def __init__(self) -> None:
        self.there = {DIGESTS[name]: data for name, data in IMAGES.items()}
        kept = self.there

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = kept.get(self.path.rpartition("/")[2])
                self._answer(404 if found is None else 200, found or b"")

            def do_PUT(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"]))
                listed = json.loads(data)
                right = self.headers["Content-Type"] == listed["mediaType"]
                known = all(len(kept.get(one["digest"], b"")) == one["size"] > 0 for one in listed["manifests"])
                if right and known:
                    kept[self.path.rpartition("/")[2]] = data
                self._answer(201 if right and known else 400, b"")

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.repository = f"127.0.0.1:{self.server.server_port}/slipway/base"


@pytest.fixture
def kept() -> Iterator[Registry]:
    made = Registry()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.05,))
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def test_a_tag_names_the_image_of_each_architecture(kept: Registry) -> None:
    base_index.put_index(kept.repository, "all", DIGESTS)
    listed = json.loads(kept.there["all"])["manifests"]
    assert {one["platform"]["architecture"]: one["digest"] for one in listed} == DIGESTS
    assert {one["platform"]["os"] for one in listed} == {"linux"}


def test_an_image_that_the_registry_lacks_is_said_and_no_tag_is_made(kept: Registry) -> None:
    with pytest.raises(LocalError, match="404"):
        base_index.put_index(kept.repository, "all", DIGESTS | {"arm64": "sha256:" + "0" * 64})
    assert "all" not in kept.there
