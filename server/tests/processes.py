"""Run the real server as a process of its own and talk HTTP to it."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
START_LIMIT_S = 60
STOP_LIMIT_S = 60
DIGITS = ROOT / "models" / "digits"


@dataclass(frozen=True)
class Reply:
    """An answer: status, headers in lower case, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Server:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path
    host: str = "127.0.0.1"

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """Send one request on a connection of its own."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        try:
            return ask_on(connection, method, path, body, **headers)
        finally:
            connection.close()

    def post(self, path: str, document: object) -> Reply:
        """Send a JSON document."""
        return self.ask("POST", path, json.dumps(document).encode(), content_type="application/json")

    def metric(self, name: str) -> float:
        """Return the sum of a metric's samples of this very name."""
        lines = self.ask("GET", "/metrics").body.decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.split("{")[0].split(" ")[0] == name)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.process.send_signal(signal.SIGTERM)


def ask_on(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None, **headers: str
) -> Reply:
    """Send one request on a connection; underscores in the headers' names become hyphens."""
    connection.request(method, path, body, {name.replace("_", "-"): text for name, text in headers.items()})
    response = connection.getresponse()
    return Reply(response.status, {name.lower(): text for name, text in response.getheaders()}, response.read())


def send_raw(server: Server, data: bytes) -> bytes:
    """Send bytes on a connection of their own, and return what comes back first."""
    with socket.create_connection(("127.0.0.1", server.port), 30) as sock:
        sock.sendall(data)
        return sock.recv(65_536)


def config_for(model: Path, check: Mapping[str, object], **changes: object) -> dict[str, Any]:
    """Return a configuration for one model; `check` has `request` and `expect`."""
    return {
        "model": {"name": model.stem if model.stem != "model" else "digits", "version": "1.2.3", "path": str(model)},
        "release": "0123abcd",
        "host": "127.0.0.1",
        "port": free_port(),
        "drain_s": 0.0,
        "check": {"timeout_s": 30.0, **check},
        **changes,
    }


def digits_config(**changes: object) -> dict[str, Any]:
    """Return a configuration for the digits model with its golden request."""
    request = json.loads((DIGITS / "check.json").read_text())
    return config_for(DIGITS / "model.onnx", {"request": request, "expect": {"label": 7}}, **changes)


def start(config: Mapping[str, Any], folder: Path, wrapper: Sequence[str] = ()) -> Server:
    """Start a server process without waiting for it; `wrapper`: a command that runs the one after it."""
    host, port = config["host"], config["port"]
    path = folder / f"config-{host}-{port}.json"
    path.write_text(json.dumps(config))
    log = folder / f"log-{host}-{port}.txt"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [*wrapper, sys.executable, "-m", "slipway_server"],
            env={**os.environ, "SLIPWAY_CONFIG": str(path), "SLIPWAY_CPU_LIMIT_MILLIS": "1000"},
            stderr=sink,
        )
    return Server(port, process, log, host)


@contextlib.contextmanager
def running(config: Mapping[str, Any], folder: Path, wrapper: Sequence[str] = ()) -> Iterator[Server]:
    """Run a server until the end of the block; AssertionError if it does not get ready."""
    server = start(config, folder, wrapper)
    try:
        wait_until_ready(server)
        yield server
    finally:
        server.process.kill()
        server.process.wait(STOP_LIMIT_S)


def wait_until_ready(server: Server) -> None:
    """Return once the server is ready; AssertionError if it does not get so far."""
    end = time.monotonic() + START_LIMIT_S
    while True:
        with contextlib.suppress(OSError):
            if server.ask("GET", "/v2/health/ready").status == 200:
                return
        assert server.process.poll() is None, server.log.read_text()
        assert time.monotonic() < end, "not ready in time: " + server.log.read_text()
        time.sleep(0.05)


def told(server: Server, event: str) -> dict[str, Any]:
    """Return the first event of this name in the server's log."""
    events = (json.loads(line) for line in server.log.read_text().splitlines())
    return next(one for one in events if one["event"] == event)


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
