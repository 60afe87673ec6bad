"""A server of others as a process, told what its pod would be told, from the wheels that its image would have."""

import hashlib
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from slipway.catalog.pod_contract import GRPC_PORT, SERVER_PORT
from slipway.components.image.build import installed_wheels
from slipway.plan.model import ModelPlan
from slipway.runtimes.custom import WEIGHTS_FOLDER
from slipway.runtimes.others.base import METRICS_PORT, PACKAGE
from tests.support.planned import ROOT

PYTHON = "/usr/bin/python3"
"""Debian's, as in the image: Triton's Python backend runs in no other build of Python."""
_READY_LIMIT_S = 120.0


@dataclass(frozen=True)
class OthersServer:
    """A server that runs. `port`: of answers; `metrics_port`: of metrics."""

    process: subprocess.Popen[bytes]
    port: int
    metrics_port: int
    log: Path

    def get(self, path: str, port: int | None = None) -> bytes:
        """What it answers to a GET."""
        with urllib.request.urlopen(f"http://127.0.0.1:{port or self.port}{path}", timeout=20) as answer:
            return bytes(answer.read())

    def post(self, path: str, body: bytes) -> bytes:
        """What it answers to a body of JSON."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body)
        request.add_header("content-type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return bytes(answer.read())

    def is_ready(self, path: str) -> bool:
        """Whether it says so."""
        try:
            self.get(path)
        except (urllib.error.URLError, ConnectionError):
            return False
        return True


@contextmanager
def running(model: ModelPlan, folder: Path) -> Iterator[OthersServer]:
    """Start the server of a planned model whose image Slipway builds, and wait until it is ready."""
    requirements = model.image.runtime.requirements
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    wheels = installed_wheels(requirements, digest, "amd64", lambda _: None, model.image.runtime.platform)
    ports = {SERVER_PORT: free_port(), METRICS_PORT: free_port(), GRPC_PORT: free_port()}

    def placed(text: str) -> str:
        for old, new in ports.items():
            text = text.replace(str(old), str(new))
        return text.replace(WEIGHTS_FOLDER, str(folder / "image"))

    for file in model.image.files:
        if not file.image_path.startswith(f"{WEIGHTS_FOLDER}/"):
            continue
        path = folder / "image" / file.image_path.removeprefix(f"{WEIGHTS_FOLDER}/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.source.read_bytes() if file.text is None else placed(file.text).encode())
    (folder / "server.json").write_text(placed(json.dumps(model.server_config)))
    variables = {
        "PATH": "/usr/bin:/bin",
        "TMPDIR": str(folder),
        "HOME": str(folder),
        "PYTHONPATH": os.pathsep.join([str(ROOT / "upstream/src"), str(wheels)]),
        "SLIPWAY_CONFIG": str(folder / "server.json"),
    }
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen([PYTHON, "-m", PACKAGE], cwd=folder, env=variables, stdout=out, stderr=out)
    try:
        server = OthersServer(process, ports[SERVER_PORT], ports[METRICS_PORT], log)
        deadline = time.monotonic() + _READY_LIMIT_S
        own = model.spec.own_server
        assert own is not None
        while not server.is_ready(own.ready):
            assert process.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < deadline, log.read_text()[-3000:]
            time.sleep(0.1)
        yield server
    finally:
        process.kill()
        process.wait(timeout=30)


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
