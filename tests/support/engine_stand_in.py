"""What stands in for a Docker Engine where a machine has no room for thirty: the part of its API that the agent asks.

It is no engine: nothing is unpacked and no model runs. What an image needs comes over the device's link from a real
registry, layer by layer, and is verified; a layer whose connection breaks begins anew, as with the engine. A container
is a port that answers as the version of its configuration does: rightly, or wrongly for those in `bad`. It refuses what
the engine refuses: an image that is not there, a name that is taken, to delete an image that a container uses.
"""

import hashlib
import http.client
import http.server
import json
import re
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

_READ = 64 * 1024
_SILENCE_S = 20
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
_PORT = 8080


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who asked and went away is no error of ours."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Quiet(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None: ...

    def give(self, status: int, body: Any = None) -> None:
        raw = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


@dataclass
class _Image:
    """By its reference with digest; `tags` are the agent's own."""

    reference: str
    digest: str
    tags: set[str] = field(default_factory=set)

    def told(self) -> dict[str, Any]:
        config: dict[str, Any] = {"ExposedPorts": {f"{_PORT}/tcp": {}}, "Labels": None}
        return {"Id": self.digest, "RepoTags": sorted(self.tags), "RepoDigests": [self.reference], "Config": config}


@dataclass
class _Container:
    name: str
    asked: dict[str, Any]
    address: str
    server: _Server | None = None

    def told(self) -> dict[str, Any]:
        running = self.server is not None
        return {
            "Id": self.name,
            "Name": f"/{self.name}",
            "Config": {"Labels": self.asked["Labels"]},
            "HostConfig": {"CpusetCpus": self.asked["HostConfig"].get("CpusetCpus", "")},
            "State": {"Running": running, "Status": "running" if running else "exited", "ExitCode": 137},
            "NetworkSettings": {"Networks": {"slipway-edge": {"IPAddress": self.address if running else ""}}},
        }


class EngineStandIn:
    """One device's. `registry`: where its link leads, `HOST:PORT`; `network`: three numbers of its addresses."""

    def __init__(self, registry: str, network: str, bad: set[str]) -> None:
        """Have nothing yet. `bad`: versions that answer wrongly."""
        self._registry, self._network, self._bad = registry, network, bad
        self._lock = threading.RLock()
        self._layers: set[str] = set()
        self._images: dict[str, _Image] = {}
        self._networks: list[str] = []
        self._containers: dict[str, _Container] = {}
        self._started = 0

    def pull(self, reference: str) -> Iterator[dict[str, Any]]:
        """Fetch what is not there; yields what the engine would say."""
        repository, _, digest = reference.partition("@")
        path = repository.partition("/")[2]
        try:
            manifest = json.loads(self._fetched(f"{path}/manifests/{digest}", digest))
            for blob in (manifest["config"], *manifest["layers"]):
                if blob["digest"] not in self._layers:
                    yield {"status": "Pulling fs layer", "id": blob["digest"][7:19]}
                    self._fetched(f"{path}/blobs/{blob['digest']}", blob["digest"])
                    self._layers.add(blob["digest"])
        except (OSError, ValueError, http.client.HTTPException) as error:
            yield {"error": f"{type(error).__name__}: {error}"}
            return
        with self._lock:
            self._images.setdefault(digest, _Image(reference, digest))
        yield {"status": "Pull complete"}

    def _fetched(self, path: str, digest: str) -> bytes:
        request = urllib.request.Request(f"http://{self._registry}/v2/{path}", headers={"Accept": _MANIFEST})
        found, hashed = [], hashlib.sha256()
        with urllib.request.urlopen(request, timeout=_SILENCE_S) as answer:
            while data := answer.read(_READ):
                hashed.update(data)
                if "/manifests/" in path:
                    found.append(data)
        if f"sha256:{hashed.hexdigest()}" != digest:
            raise ValueError(f"{digest}: what came has another digest, or ended too soon")
        return b"".join(found)

    def image(self, name: str) -> _Image | None:
        """By digest, reference or tag."""
        with self._lock:
            return next((i for i in self._images.values() if name in (i.digest, i.reference) or name in i.tags), None)

    def answer(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> tuple[int, Any]:
        """Status and body for a request, but for pulls."""
        with self._lock:
            for pattern, verb, does in self._routes():
                match = re.fullmatch(pattern, path)
                if match and verb == method:
                    return does(*map(unquote, match.groups()), query, body)
        return 501, {"message": f"no part of the stand-in: {method} {path}"}

    def _routes(self) -> list[tuple[str, str, Callable[..., tuple[int, Any]]]]:
        return [
            (r"/version", "GET", lambda _, __: (200, {"ApiVersion": "1.41", "MinAPIVersion": "1.12"})),
            (r"/images/json", "GET", self._list_images),
            (r"/images/(.+)/json", "GET", self._inspect_image),
            (r"/images/(.+)/tag", "POST", self._tag),
            (r"/images/(.+)", "DELETE", self._delete_image),
            (r"/networks", "GET", lambda _, __: (200, [{"Id": name, "Name": name} for name in self._networks])),
            (r"/networks/create", "POST", self._make_network),
            (r"/networks/(.+)", "GET", lambda name, _, __: (200, {"Id": name, "Name": name})),
            (r"/containers/json", "GET", lambda _, __: (200, [{"Id": name} for name in self._containers])),
            (r"/containers/create", "POST", self._create),
            (r"/containers/(.+)/json", "GET", self._inspect),
            (r"/containers/(.+)/start", "POST", self._start),
            (r"/containers/(.+)/stop", "POST", self._stop),
            (r"/containers/(.+)", "DELETE", self._delete),
        ]

    def _list_images(self, query: dict[str, str], _: object) -> tuple[int, Any]:
        wanted = json.loads(query.get("filters", "{}")).get("reference", [query.get("filter", "")])
        begins = tuple(f"{name}:" for name in wanted)
        there = [one for one in self._images.values() if any(tag.startswith(begins) for tag in one.tags)]
        return 200, [image.told() for image in there]

    def _inspect_image(self, name: str, _: object, __: object) -> tuple[int, Any]:
        image = self.image(name)
        return (404, {"message": f"No such image: {name}"}) if image is None else (200, image.told())

    def _tag(self, name: str, query: dict[str, str], _: object) -> tuple[int, Any]:
        image = self.image(name)
        if image is None:
            return 404, {"message": f"No such image: {name}"}
        image.tags.add(f"{query['repo']}:{query['tag']}")
        return 201, None

    def _delete_image(self, name: str, _: object, __: object) -> tuple[int, Any]:
        image = self.image(name)
        if image is None:
            return 404, {"message": f"No such image: {name}"}
        if any(one.asked["Image"] == image.digest for one in self._containers.values()):
            return 409, {"message": "conflict: image is being used by a container"}
        image.tags.discard(name)
        if name in (image.reference, image.digest):
            del self._images[image.digest]
        return 200, []

    def _make_network(self, _: object, body: dict[str, Any]) -> tuple[int, Any]:
        self._networks.append(body["Name"])
        return 201, {"Id": body["Name"]}

    def _create(self, query: dict[str, str], body: dict[str, Any]) -> tuple[int, Any]:
        name = query["name"]
        if name in self._containers:
            return 409, {"message": f"Conflict. The container name {name} is already in use"}
        if self.image(body["Image"]) is None:
            return 404, {"message": f"No such image: {body['Image']}"}
        self._started += 1
        self._containers[name] = _Container(name, body, f"127.{self._network}.{self._started % 250 + 1}")
        return 201, {"Id": name}

    def _inspect(self, name: str, _: object, __: object) -> tuple[int, Any]:
        one = self._containers.get(name)
        return (404, {"message": f"No such container: {name}"}) if one is None else (200, one.told())

    def _start(self, name: str, _: object, __: object) -> tuple[int, Any]:
        one = self._containers[name]
        (mount,) = one.asked["HostConfig"]["Mounts"]
        version = json.loads(Path(mount["Source"]).read_text())["model"]["version"]
        label = 3 if version in self._bad else 7

        class Model(_Quiet):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.give(200, {"outputs": {"label": [label]}})

        one.server = _Server((one.address, _PORT), Model)
        threading.Thread(target=one.server.serve_forever, daemon=True).start()
        return 204, None

    def _stop(self, name: str, _: object, __: object) -> tuple[int, Any]:
        one = self._containers.get(name)
        if one is None:
            return 404, {"message": f"No such container: {name}"}
        if one.server is not None:
            one.server.shutdown()
            one.server.server_close()
            one.server = None
        return 204, None

    def _delete(self, name: str, query: dict[str, str], body: object) -> tuple[int, Any]:
        status, said = self._stop(name, query, body)
        self._containers.pop(name, None)
        return status, said

    def end(self) -> None:
        """Stop every container."""
        for name in list(self._containers):
            self.answer("DELETE", f"/containers/{name}", {}, {})


@contextmanager
def engine_stand_in(registry: str, network: str, bad: set[str]) -> Iterator[str]:
    """Have one while the block runs; gives its DOCKER_HOST."""
    engine = EngineStandIn(registry, network, bad)

    class Handler(_Quiet):
        def do_GET(self) -> None:
            self._asked("GET")

        def do_POST(self) -> None:
            self._asked("POST")

        def do_DELETE(self) -> None:
            self._asked("DELETE")

        def _asked(self, method: str) -> None:
            parts = urlsplit(self.path)
            path = re.sub(r"^/v[0-9.]+(?=/)", "", parts.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if (method, path) == ("POST", "/images/create"):
                self._pulled(f"{query['fromImage']}@{query['tag']}")
            else:
                self.give(*engine.answer(method, path, query, json.loads(raw) if raw else {}))

        def _pulled(self, reference: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for line in engine.pull(reference):
                raw = json.dumps(line).encode() + b"\r\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(raw), raw))
            self.wfile.write(b"0\r\n\r\n")

    server = _Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"tcp://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        engine.end()
