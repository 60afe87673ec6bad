"""A registry on loopback, with images in memory: it refuses what the distribution spec refuses, and breaks as asked."""

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
BLOB = "application/vnd.oci.image.layer.v1.tar"
Answer = tuple[int, dict[str, str], bytes]


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def entry(data: bytes, media_type: str = BLOB, **more: Any) -> dict[str, Any]:
    """A descriptor."""
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data), **more}


class FakeRegistry:
    """What it holds, whom it lets in, what goes wrong, and what it was asked.

    `user`: name and password that it wants. `tokens`: it wants them for a token. `lists`: it has the referrers API.
    `creates`: it makes repositories at the first push. `mounts`: it takes blobs from its other repositories.
    `faults`: are asked first; an answer of theirs is the answer. `cut`: bytes of a blob after which it breaks off, by
    the number of the attempt.
    """

    def __init__(self) -> None:
        self.host = ""
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.made: set[str] = set()
        self.user: tuple[str, str] | None = None
        self.tokens = False
        self.lists = True
        self.creates = True
        self.mounts = True
        self.faults: list[Callable[[str, str], Answer | None]] = []
        self.cut: list[int] = []
        self.asked: list[str] = []
        self.scopes: list[list[str]] = []

    def put_blob(self, repository: str, data: bytes) -> bytes:
        self.made.add(repository)
        self.blobs[repository, digest_of(data)] = data
        return data

    def put_manifest(self, repository: str, value: dict[str, Any], *tags: str) -> bytes:
        """Keep a manifest as a build would have written it: spaces and order are its own."""
        data = json.dumps(value, indent=3).encode()
        self.made.add(repository)
        for name in (digest_of(data), *tags):
            self.manifests[repository, name] = (value["mediaType"], data)
        return data

    def image(self, repository: str, *tags: str, layers: tuple[bytes, ...] = (b"layer",), **more: Any) -> bytes:
        """An image of some layers; returns its manifest."""
        config = self.put_blob(repository, b'{"config": true}')
        kept = [entry(self.put_blob(repository, layer)) for layer in layers]
        value = {"schemaVersion": 2, "mediaType": IMAGE, "config": entry(config, "application/json"), "layers": kept}
        return self.put_manifest(repository, value | more, *tags)

    def sent(self, method: str) -> list[str]:
        """The paths of one method, in order."""
        return [line.partition(" ")[2] for line in self.asked if line.startswith(f"{method} ")]

    def answer(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Answer:
        path = urlsplit(url).path
        asked = parse_qs(urlsplit(url).query)
        self.asked.append(f"{method} {url}")
        if path == "/token":
            return self._token(headers, asked)
        if (refused := self._refusal(headers)) is not None:
            return refused
        for fault in self.faults:
            if (answer := fault(method, url)) is not None:
                return answer
        for kind in ("manifests", "blobs", "referrers"):
            repository, found, name = path.removeprefix("/v2/").partition(f"/{kind}/")
            if found:
                return getattr(self, f"_{kind}")(method, repository, name, asked, headers, body)  # type: ignore[no-any-return]
        return _error(404, "NAME_UNKNOWN")

    def _refusal(self, headers: dict[str, str]) -> Answer | None:
        if self.user is None:
            return None
        given = headers.get("authorization")
        if given == ("Bearer t0ken" if self.tokens else _basic(self.user)):
            return None
        challenge = 'Basic realm="fake"'
        if self.tokens:
            challenge = f'Bearer realm="http://{self.host}/token",service="fake",scope="repository:any:pull,push"'
        return _error(401, "UNAUTHORIZED", {"WWW-Authenticate": challenge})

    def _token(self, headers: dict[str, str], asked: dict[str, list[str]]) -> Answer:
        self.scopes.append(asked["scope"])
        if self.user is None or headers.get("authorization") != _basic(self.user):
            return _error(401, "UNAUTHORIZED")
        return 200, {}, b'{"token": "t0ken"}'

    def _manifests(
        self, method: str, repository: str, name: str, asked: Any, headers: dict[str, str], body: bytes
    ) -> Answer:
        if method == "PUT":
            return self._store(repository, name, headers["content-type"], body)
        if (repository, name) not in self.manifests:
            return _error(404, "MANIFEST_UNKNOWN" if repository in self.made else "NAME_UNKNOWN")
        media_type, data = self.manifests[repository, name]
        assert media_type in headers.get("accept", ""), "a registry gives another form of what is not accepted"
        return 200, {"Content-Type": media_type, "Docker-Content-Digest": digest_of(data)}, data

    def _store(self, repository: str, name: str, media_type: str, data: bytes) -> Answer:
        value = json.loads(data)
        blobs = [value["config"], *value["layers"]] if media_type == IMAGE else []
        parts = [(repository, child["digest"]) for child in value.get("manifests", []) if name != _stands_for(name)]
        absent = [item for item in blobs if (repository, item["digest"]) not in self.blobs and not item.get("urls")]
        if absent or any(part not in self.manifests for part in parts):
            return _error(404, "MANIFEST_BLOB_UNKNOWN")
        if value["mediaType"] != media_type or (name.startswith("sha256:") and name != digest_of(data)):
            return _error(400, "DIGEST_INVALID")
        self.manifests[repository, name] = self.manifests[repository, digest_of(data)] = (media_type, data)
        subject = {"OCI-Subject": value["subject"]["digest"]} if self.lists and "subject" in value else {}
        return 201, {"Docker-Content-Digest": digest_of(data), **subject}, b""

    def _blobs(
        self, method: str, repository: str, name: str, asked: dict[str, list[str]], headers: Any, body: bytes
    ) -> Answer:
        if method in ("GET", "HEAD"):
            data = self.blobs.get((repository, name))
            return (200, {}, data) if data is not None else _error(404, "BLOB_UNKNOWN")
        if repository not in self.made and not self.creates:
            return _error(404, "NAME_UNKNOWN")
        if method == "POST":
            mount, source = asked.get("mount", [""])[0], asked.get("from", [""])[0]
            if mount and self.mounts and (source, mount) in self.blobs:
                self.put_blob(repository, self.blobs[source, mount])
                return 201, {}, b""
            return 202, {"Location": f"/v2/{repository}/blobs/uploads/one?state=a"}, b""
        assert method == "PUT"
        if digest_of(body) != asked["digest"][0] or asked["state"] != ["a"]:
            return _error(400, "DIGEST_INVALID")
        self.put_blob(repository, body)
        return 201, {}, b""

    def _referrers(self, method: str, repository: str, name: str, *_: Any) -> Answer:
        if not self.lists:
            return 404, {}, b"404 page not found\n"
        found = {}
        for (where, _tag), (media_type, data) in self.manifests.items():
            if where == repository and json.loads(data).get("subject", {}).get("digest") == name:
                found[digest_of(data)] = entry(data, media_type)
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(found.values())}
        return 200, {"Content-Type": INDEX}, json.dumps(index).encode()


def _stands_for(name: str) -> str:
    """The name itself where it is the tag of a list of referrers, which may name what is gone."""
    return name if name.startswith("sha256-") else ""


def _basic(user: tuple[str, str]) -> str:
    return "Basic " + base64.b64encode(":".join(user).encode()).decode()


def _error(status: int, code: str, headers: dict[str, str] | None = None) -> Answer:
    return status, headers or {}, json.dumps({"errors": [{"code": code, "message": "as told"}]}).encode()


@contextmanager
def registry() -> Iterator[FakeRegistry]:
    """Serve one on a port of its own."""
    fake = FakeRegistry()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, answered, data = fake.answer(self.command, self.path, headers, body)
            self.send_response(status)
            for name, value in answered.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command == "HEAD":
                return
            if self.command == "GET" and "/blobs/" in self.path and fake.cut:
                data = data[: fake.cut.pop(0)]
                self.close_connection = True
            self.wfile.write(data)

        do_GET = do_HEAD = do_POST = do_PUT = _do  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.host = f"127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
