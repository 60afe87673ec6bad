"""Stand-ins for what a judge talks to: the API server, Prometheus, and two releases behind a gateway."""

import http.client
import http.server
import json
import random
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from typing import Any

from rollout_plans import ID

TOTAL = 1_000_000
_MAP = "/api/v1/namespaces/models/configmaps/digits-rollout"
_ROUTE = "/apis/gateway.networking.k8s.io/v1/namespaces/models/httproutes/digits"
Answer = tuple[int, bytes]
"""Status and body."""


class _Server(ABC):
    """An HTTP server with threads of its own."""

    def __init__(self) -> None:
        double = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, said = double.serve(self.command, self.path, self.headers, body)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            do_GET = do_POST = do_PATCH = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: object) -> None:
                """A client that was killed leaves its connections."""

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @abstractmethod
    def serve(self, method: str, path: str, headers: Any, body: bytes) -> Answer:
        """Return the status and the body of the answer to a request."""

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Release(_Server):
    """A release of a model: `answers` gives status and outputs for the number in a request."""

    def __init__(self, answers: Callable[[int], tuple[int, dict[str, Any]]]) -> None:
        self.answers = answers
        self.passes: Counter[str] = Counter()
        super().__init__()

    def serve(self, method: str, path: str, headers: Any, body: bytes) -> Answer:
        self.passes[headers.get("x-slipway-pass", "")] += 1
        status, outputs = self.answers(json.loads(body)["input"])
        return status, json.dumps({"model": "digits", "outputs": outputs}).encode()


class Api(_Server):
    """The API server: one ConfigMap and one HTTPRoute, which the judge may read and patch, and nothing else."""

    def __init__(self, plan: dict[str, Any], token: Callable[[], str]) -> None:
        self.away = self.conflicts = False
        """Nothing answers; somebody else writes the ConfigMap before every write of the judge's."""
        self.refused: list[int] = []
        self._token = token
        self._lock = threading.Lock()
        self._version = 1
        rules = max([plan["route"]["weighted"], *plan["route"]["following"]]) + 1
        self.objects: dict[str, dict[str, Any]] = {
            _MAP: {"metadata": {"resourceVersion": "1"}, "data": {"plan.json": json.dumps(plan)}},
            _ROUTE: {
                "metadata": {"resourceVersion": "1", "annotations": {"slipway.dev/rollout": ID}},
                "spec": {"rules": [{"backendRefs": _backends(plan)} for _ in range(rules)]},
            },
        }
        super().__init__()

    @property
    def data(self) -> dict[str, str]:
        found: dict[str, str] = self.objects[_MAP]["data"]
        return found

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.data.get("state.json", "{}"))
        return found

    @property
    def annotations(self) -> dict[str, str]:
        found: dict[str, str] = self.objects[_ROUTE]["metadata"]["annotations"]
        return found

    @property
    def weights(self) -> list[tuple[int, int]]:
        return [(rule["backendRefs"][0]["weight"], rule["backendRefs"][1]["weight"]) for rule in self.rules]

    @property
    def rules(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.objects[_ROUTE]["spec"]["rules"]
        return found

    def write(self, key: str, text: str) -> None:
        """Change the ConfigMap as somebody else does."""
        with self._lock:
            self.data[key] = text
            self._changed(self.objects[_MAP])

    def serve(self, method: str, path: str, headers: Any, body: bytes) -> Answer:
        with self._lock:
            status, said = self._answered(method, path, headers, body)
        if status >= 400:
            self.refused.append(status)
        return status, json.dumps(said).encode()

    def _answered(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, dict[str, Any]]:
        if self.away:
            return 503, {}
        if headers["Authorization"] != f"Bearer {self._token()}":
            return 401, {}
        if path not in (_MAP, _ROUTE) or method not in ("GET", "PATCH"):
            return 403, {}
        if path not in self.objects:
            return 404, {}
        found = self.objects[path]
        if method == "GET":
            return 200, found
        kind, patch = headers["Content-Type"], json.loads(body)
        if kind == "application/merge-patch+json":
            if self.conflicts or patch["metadata"].get("resourceVersion") != found["metadata"]["resourceVersion"]:
                return 409, {}
            found["data"].update(patch["data"])
        elif kind == "application/json-patch+json":
            changed = json.loads(json.dumps(found))
            if not all(_applied(changed, operation) for operation in patch):
                return 422, {}
            self.objects[path] = found = changed
        else:
            return 415, {}
        self._changed(found)
        return 200, found

    def _changed(self, found: dict[str, Any]) -> None:
        self._version += 1
        found["metadata"]["resourceVersion"] = str(self._version)


def _backends(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": plan["old"]["service"], "weight": TOTAL}, {"name": plan["new"]["service"], "weight": 0}]


def _applied(document: Any, operation: dict[str, Any]) -> bool:
    *parents, last = [part.replace("~1", "/") for part in operation["path"].split("/")[1:]]
    try:
        for part in parents:
            document = document[int(part)] if isinstance(document, list) else document[part]
        if operation["op"] == "test":
            return bool(document[last] == operation["value"])
        document[last] = operation["value"]
    except (LookupError, TypeError, ValueError):
        return False
    return True


class Prometheus(_Server):
    """Has what an Envoy counts; `empty`: it has lost its memory and scrapes nothing."""

    BOUNDS = (0.5, 1, 5, 10, 25, 50, 100, 250, 500)

    def __init__(self, plan: dict[str, Any]) -> None:
        self.away = self.empty = False
        self._clusters = {side: plan["clusters"][side][0] for side in ("old", "new")}
        self._codes: Counter[tuple[str, int]] = Counter()
        self._times: Counter[tuple[str, float]] = Counter()
        self._present: set[str] = {"old"}
        self._lock = threading.Lock()
        super().__init__()

    def count(self, side: str, status: int, ms: float) -> None:
        """Count a call as Envoy does; a release without weight has no metrics at all."""
        with self._lock:
            self._present.add(side)
            self._codes[side, status] += 1
            for bound in (*self.BOUNDS, float("inf")):
                self._times[side, bound] += ms <= bound

    def serve(self, method: str, path: str, headers: Any, body: bytes) -> Answer:
        if self.away or path != "/api/v1/query":
            return 503, b"{}"
        with self._lock:
            found = [] if self.empty else [*self._series()]
        result = [{"metric": labels, "value": [time.time(), str(value)]} for labels, value in found]
        return 200, json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()

    def _series(self) -> Any:
        for side in self._present:
            yield self._labels("envoy_cluster_membership_total", side), 1
        for (side, status), count in self._codes.items():
            yield {**self._labels("envoy_cluster_upstream_rq", side), "envoy_response_code": str(status)}, count
        for (side, bound), count in self._times.items():
            le = "+Inf" if bound == float("inf") else str(bound)
            yield {**self._labels("envoy_cluster_upstream_rq_time_bucket", side), "le": le}, count

    def _labels(self, name: str, side: str) -> dict[str, str]:
        return {"__name__": name, "envoy_cluster_name": self._clusters[side], "pod": "envoy-0"}


class Gateway:
    """Clients, and the gateway between them and the releases: shares calls out by the weights and mirrors each one."""

    def __init__(self, api: Api, prometheus: Prometheus, releases: dict[str, Release], mirror_port: int) -> None:
        self.mirror_port = mirror_port
        self._api, self._prometheus, self._releases = api, prometheus, releases
        self._draw = random.Random(1)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(2)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self, first: int) -> None:
        number = first
        while not self._stop.wait(0.002):
            number += 2
            body = json.dumps({"input": number}).encode()
            old, new = self._api.weights[-1]
            side = "new" if self._draw.random() * (old + new) < new else "old"
            started = time.perf_counter()
            status = _posted(self._releases[side].port, body)
            self._prometheus.count(side, status or 503, 1000 * (time.perf_counter() - started))
            _posted(self.mirror_port, body)


def _posted(port: int, body: bytes) -> int | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", "/predict", body, {"x-slipway-pass": "signed", "content-type": "application/json"})
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()
