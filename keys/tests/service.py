"""The real service as a process of its own, with a stand-in for the API server, and clients of its three ports."""

import contextlib
import http.client
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import grpc
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as messages
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc as services
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs

LIMIT_S = 30.0


@dataclass
class Answer:
    """What the gateway is told."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_s(self) -> int:
        """Retry-After."""
        return int(self.headers["retry-after"])

    @property
    def problem(self) -> str:
        """The words of a refusal."""
        return str(json.loads(self.body)["error"])


_ROUTES = "/apis/gateway.networking.k8s.io/v1/namespaces/ml/httproutes"
_SLICES = "/apis/discovery.k8s.io/v1/namespaces/ml/endpointslices"
READY = {"ready": True, "serving": True, "terminating": False}


class Api:
    """A stand-in for the API server: HTTPRoutes and EndpointSlices, listed and watched, with the pod's token alone."""

    def __init__(self, token: str) -> None:
        self.routes: dict[str, dict[str, Any]] = {}
        self.rollouts: dict[str, tuple[str, tuple[int, ...]]] = {}
        self.slices: dict[str, list[dict[str, Any]]] = {}
        self.lists = 0
        self.slice_lists = 0
        self.away = False
        self._version = 1
        self._told = threading.Condition()
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.headers["Authorization"] != f"Bearer {token}":
                    self.send_error(401)
                    return
                path, _, query = self.path.partition("?")
                if path not in (_ROUTES, _SLICES):
                    self.send_error(403)
                    return
                if api.away:
                    self.send_error(503)
                    return
                self.send_response(200)
                if "watch=true" in query:
                    self.send_header("Connection", "close")
                    self.end_headers()
                    if api.wait_for_change(int(parse_qs(query)["resourceVersion"][0])):
                        self.wfile.write(b'{"type": "MODIFIED"}\n')
                    self.close_connection = True
                    return
                items = api.items() if path == _ROUTES else api.slice_items()
                body = json.dumps({"metadata": {"resourceVersion": str(api.version())}, "items": items}).encode()
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def items(self) -> list[dict[str, Any]]:
        """Return the routes."""
        self.lists += 1
        rules: list[dict[str, Any]] = []
        for name, route in self.routes.items():
            rollout, weights = self.rollouts.get(name, ("", (1,)))
            marks = {"slipway.dev/route": json.dumps(route)} | ({"slipway.dev/rollout": rollout} if rollout else {})
            backends = [{"name": f"{name}-{number}", "weight": weight} for number, weight in enumerate(weights)]
            spec = {"rules": [{"backendRefs": backends}, {"backendRefs": [{"name": name, "weight": 1}]}]}
            rules.append({"metadata": {"name": name, "annotations": marks}, "spec": spec})
        return [*rules, {"metadata": {"name": "keys"}}]

    def slice_items(self) -> list[dict[str, Any]]:
        """Return the EndpointSlices: of each model one."""
        self.slice_lists += 1
        return [
            {
                "metadata": {"name": f"{name}-x", "labels": {"kubernetes.io/service-name": name}},
                "endpoints": endpoints or None,
            }
            for name, endpoints in self.slices.items()
        ]

    def set(self, model: str, **rules: Any) -> None:
        """Make or change a model's route, and tell who watches."""
        self.routes[model] = {"model": model, "auth": "api-key", "timeout_s": 5, **rules}
        self._tell()

    def divide(self, model: str, rollout: str, *weights: int) -> None:
        """Divide the calls of a model between the releases of a rollout, and tell who watches."""
        self.rollouts[model] = (rollout, weights)
        self._tell()

    def set_endpoints(self, model: str, *conditions: Mapping[str, bool | None]) -> None:
        """Give a model so many endpoints, in these conditions, and tell who watches."""
        self.slices[model] = [
            {"addresses": [f"10.0.0.{number}"], "conditions": dict(each)} for number, each in enumerate(conditions, 1)
        ]
        self._tell()

    def go_away(self) -> None:
        """Answer no question until `away` is False again, and end every watch."""
        self.away = True
        self._tell()

    def version(self) -> int:
        """Return the version of all objects."""
        return self._version

    def wait_for_change(self, version: int) -> bool:
        """Wait until something is newer than a version; False: nothing was, or nobody may know."""
        with self._told:
            return self._told.wait_for(lambda: self._version > version, LIMIT_S) and not self.away

    def _tell(self) -> None:
        with self._told:
            self._version += 1
            self._told.notify_all()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Service:
    """A replica."""

    process: subprocess.Popen[bytes]
    log: Path
    journal: Path
    ports: dict[str, int] = field(default_factory=dict)
    connection: http.client.HTTPConnection | None = None

    def events(self) -> list[dict[str, Any]]:
        """Return what it has logged."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def check(self, model: str, key: str = "", request_id: str = "", path: str = "/infer", **headers: str) -> Answer:
        """Ask about a call of V2 as the gateway does, on a connection that stays."""
        return self.ask("POST", model, f"/models/{model}/v2/models/{model}{path}", key, request_id, **headers)

    def ask(self, method: str, model: str, path: str, key: str = "", request_id: str = "", **headers: str) -> Answer:
        """Ask about a call of any method and path, as the client sent it."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.ports["check_port"], timeout=LIMIT_S)
        sent = {"x-request-id": request_id or str(uuid4()), **{n.replace("_", "-"): v for n, v in headers.items()}}
        if key:
            sent["authorization"] = f"Bearer {key}"
        self.connection.request(method, f"/check/{model}{path}", headers=sent)
        response = self.connection.getresponse()
        return Answer(response.status, {n.lower(): v for n, v in response.getheaders()}, response.read())

    def settle(self, *records: Mapping[str, object]) -> None:
        """Send records of the access log."""
        logs = [
            LogRecord(
                time_unix_nano=time.time_ns(),
                attributes=[KeyValue(key=k, value=AnyValue(string_value=str(v))) for k, v in record.items()],
            )
            for record in records
        ]
        with grpc.insecure_channel(f"127.0.0.1:{self.ports['otlp_port']}") as channel:
            services.LogsServiceStub(channel).Export(  # type: ignore[no-untyped-call]
                messages.ExportLogsServiceRequest(
                    resource_logs=[ResourceLogs(scope_logs=[ScopeLogs(log_records=logs)])]
                ),
                timeout=LIMIT_S,
            )

    def get(self, path: str) -> tuple[int, str]:
        """Ask the administrative port."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["admin_port"], timeout=LIMIT_S)
        connection.request("GET", path)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, text

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's samples that have the labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        lines = [line for line in self.get("/metrics")[1].splitlines() if line.split("{")[0].split(" ")[0] == name]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if all(part in line for part in wanted))

    def demand(self, model: str) -> int | None:
        """Return what the autoscaler is told, None for a model that never sleeps."""
        status, text = self.get(f"/demand/{model}")
        return int(json.loads(text)["waiting"]) if status == 200 else None

    def caller(self) -> "Service":
        """Return another client of the same replica, with a connection of its own."""
        return Service(self.process, self.log, self.journal, self.ports)

    def kill(self) -> None:
        """Kill it without a word."""
        self.process.kill()
        self.process.wait(LIMIT_S)
        self.connection = None

    def stop(self) -> int:
        """Stop it as a kubelet does, and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT_S * 2)


def record(answer: Answer, request_id: str, **values: object) -> dict[str, object]:
    """Return the access-log record of an admitted call."""
    return {
        "request_id": request_id,
        "key": answer.headers["x-slipway-key"],
        "status": 200,
        "flags": "-",
        "bytes_in": 10,
        "bytes_out": 20,
        "duration_ms": 30,
        "compute_s": "-",
        "tokens": "-",
        "attempts": 1,
        "route": "httproute/ml/digits/rule/0/match/0/*",
        **values,
    }


class Home:
    """What all replicas of an environment share: the API server's stand-in, the signing key, the database."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url_file = folder / "url"
        self.url_file.write_text(url + "\n")
        self.account = folder / "account"
        self.account.mkdir()
        (self.account / "token").write_text("a-pods-token")
        (self.account / "namespace").write_text("ml")
        self.api = Api("a-pods-token")
        self.private = Ed25519PrivateKey.generate()
        pem = self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.pem = folder / "private.pem"
        self.pem.write_bytes(pem)
        self._started: list[Service] = []

    def start(self, name: str = "a", *, ready: bool = True, **environ: str) -> Service:
        """Start a replica; `name` tells its journal from that of others, and is kept over restarts."""
        log, journal = self.folder / f"log-{name}-{len(self._started)}", self.folder / f"journal-{name}"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", "slipway_keys"],
                stderr=sink,
                env={
                    **os.environ,
                    "SLIPWAY_KEYS_DATABASE_URL_FILE": str(self.url_file),
                    "SLIPWAY_KEYS_SIGNING_KEY": str(self.pem),
                    "SLIPWAY_KEYS_JOURNAL": str(journal),
                    "SLIPWAY_KEYS_HOST": "127.0.0.1",
                    "SLIPWAY_KEYS_CHECK_PORT": "0",
                    "SLIPWAY_KEYS_ADMIN_PORT": "0",
                    "SLIPWAY_KEYS_OTLP_PORT": "0",
                    "SLIPWAY_KEYS_DRAIN_S": "0",
                    "SLIPWAY_KEYS_API_URL": self.api.url,
                    "SLIPWAY_KEYS_SERVICE_ACCOUNT": str(self.account),
                    **environ,
                },
            )
        service = Service(process, log, journal)
        self._started.append(service)
        until(lambda: any(event["event"] == "started" for event in service.events()), service)
        service.ports = next(event for event in service.events() if event["event"] == "started")
        if ready:
            until(lambda: service.get("/readyz")[0] == 200, service)
        return service

    def close(self) -> None:
        """End all that was started."""
        for service in self._started:
            service.process.kill()
            service.process.wait(LIMIT_S)
        self.api.close()


def until(there: Any, service: Service | None = None, limit_s: float = LIMIT_S) -> None:
    """Wait until something is so."""
    end = time.monotonic() + limit_s
    while not there():
        text = service.log.read_text() if service else ""
        assert service is None or service.process.poll() is None, text
        assert time.monotonic() < end, f"not so within {limit_s} s: {text[-3000:]}"
        time.sleep(0.02)


@contextlib.contextmanager
def home(folder: Path, url: str) -> Iterator[Home]:
    """Give a home until the end of the block."""
    made = Home(folder, url)
    try:
        yield made
    finally:
        made.close()
