"""Start each server of the benchmark on one core, with one inference thread, on the same ONNX model."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from uv import find_uv_bin

from slipway.artifacts.onnx import read_artifact
from slipway.catalog.pod_contract import SERVER_PORT
from slipway.components.image.build import installed_wheels
from slipway.runtimes.custom import WEIGHTS_FOLDER
from slipway.runtimes.others.base import METRICS_PORT, PACKAGE, Wanted
from slipway.runtimes.others.triton import TritonRuntime
from tests.bench.server.requests import Request, binary_request, grpc_request, json_request

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
MODEL = ROOT / "models" / "digits" / "model.onnx"
CHECK = ROOT / "models" / "digits" / "check.json"
# The peers' versions, pinned in this one place. httptools is no dependency of MLServer, but makes it faster.
PEERS = {
    "mlserver": ["mlserver==1.7.1", "onnxruntime==1.31.1", "httptools==0.9.0"],
    "litserve": ["litserve==0.2.19", "onnxruntime==1.31.1"],
}
START_LIMIT_S = 120
STOP_LIMIT_S = 15
MAX_BATCH = 32
MAX_WAIT_S = 0.002


class StartError(Exception):
    """A server did not come up; the message has the end of its log."""


@dataclass(frozen=True)
class Contender:
    """One server in one configuration: how to call it, and what is sent.

    Its protocol is `predict`, `v2`, `v2-binary` (the tensor as bytes behind the JSON) or `grpc`.
    """

    name: str
    protocol: str
    batching: bool

    @property
    def path(self) -> str:
        """Where its requests go."""
        return "/predict" if self.protocol == "predict" else "/v2/models/digits/infer"

    @property
    def body(self) -> bytes:
        """The same digit in the protocol's form, without spaces."""
        inputs = json.loads(CHECK.read_text())["inputs"]
        if self.protocol in ("v2-binary", "grpc"):
            return np.array(inputs["image"], np.float32).tobytes()
        if self.protocol == "predict":
            return json.dumps({"inputs": inputs}, separators=(",", ":")).encode()
        data = [value for row in inputs["image"][0][0] for value in row]
        tensor = {"name": "image", "shape": [1, 1, 8, 8], "datatype": "FP32", "data": data}
        return json.dumps({"inputs": [tensor]}, separators=(",", ":")).encode()

    @property
    def request(self) -> Request:
        """How it is asked."""
        if self.protocol == "grpc":
            return grpc_request(self.body)
        if self.protocol == "v2-binary":
            return binary_request(self.path, self.body)
        return json_request(self.path, self.body)


TRITON_PYTHON = "/usr/bin/python3"
"""Debian's: Triton's Python backend is linked with it."""
UPSTREAM = (
    Contender("slipway", "v2", batching=True),
    Contender("mlserver", "v2", batching=False),
    Contender("mlserver", "v2", batching=True),
    Contender("triton", "v2", batching=False),
    Contender("triton", "v2", batching=True),
)
"""What the benchmark of servers of others runs: those that speak the Open Inference Protocol."""
CONTENDERS = (
    Contender("slipway", "predict", batching=True),
    Contender("litserve", "predict", batching=False),
    Contender("litserve", "predict", batching=True),
    Contender("slipway", "v2", batching=True),
    Contender("mlserver", "v2", batching=False),
    Contender("mlserver", "v2", batching=True),
    Contender("slipway", "v2-binary", batching=True),
    Contender("slipway", "grpc", batching=True),
    Contender("mlserver", "grpc", batching=False),
    Contender("mlserver", "grpc", batching=True),
)


def cache_folder() -> Path:
    """Return where the peers' venvs are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "slipway" / "bench"


def prepare_peers() -> None:
    """Make the peers' venvs unless they are there; CalledProcessError after uv's own words if that fails."""
    for name, packages in PEERS.items():
        venv = cache_folder() / name
        done = venv / "installed.json"
        if done.is_file() and json.loads(done.read_text()) == packages:
            continue
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        subprocess.run([find_uv_bin(), "venv", "--quiet", "--clear", "--python", python, str(venv)], check=True)
        install = [find_uv_bin(), "pip", "install", "--quiet", "--python", str(venv / "bin" / "python")]
        subprocess.run([*install, *packages], check=True, timeout=600)
        done.write_text(json.dumps(packages))


@contextlib.contextmanager
def serving(contender: Contender, core: int, folder: Path) -> Iterator[int]:
    """Run the contender's processes on `core` and give its port; stop them all at the end."""
    port, grpc_port = _free_port(), _free_port()
    argv, environ = _command(contender, port, grpc_port, folder)
    with (folder / f"{contender.name}.log").open("wb") as log:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *argv],
            env={**os.environ, "OMP_NUM_THREADS": "1", **environ},
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        called = grpc_port if contender.protocol == "grpc" else port
        _wait_for_port(called, process, folder / f"{contender.name}.log")
        yield called
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_LIMIT_S)
        with contextlib.suppress(ProcessLookupError):  # LitServe's workers may outlive their parent
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOP_LIMIT_S)


def _command(contender: Contender, port: int, grpc_port: int, folder: Path) -> tuple[list[str], dict[str, str]]:
    python = str(cache_folder() / contender.name / "bin" / "python")
    batch = MAX_BATCH if contender.batching else 1
    if contender.name == "slipway":
        config: dict[str, object] = {
            "model": {"name": "digits", "version": "1.0.0", "path": str(MODEL)},
            "release": "bench",
            "host": "127.0.0.1",
            "port": port,
            "drain_s": 0,
            "batch": {"max_size": batch, "max_wait_ms": MAX_WAIT_S * 1000},
            "check": {"request": json.loads(CHECK.read_text()), "expect": {"label": 7}, "timeout_s": 2},
        }
        if contender.protocol == "grpc":
            config["grpc"] = {"port": grpc_port}
        (folder / "slipway.json").write_text(json.dumps(config))
        environ = {"SLIPWAY_CONFIG": str(folder / "slipway.json"), "SLIPWAY_CPU_LIMIT_MILLIS": "1000"}
        return [sys.executable, "-m", "slipway_server"], environ
    if contender.name == "triton":
        return _triton(port, folder, batch)
    if contender.name == "litserve":
        return [python, str(HERE / "peer_litserve.py"), str(port), str(MODEL), str(batch)], {}
    # In-process inference: a worker process of its own (MLServer's default) is slower on one core.
    settings = {
        "debug": False,
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": grpc_port,
        "metrics_port": _free_port(),
        "parallel_workers": 0,
    }
    model: dict[str, object] = {
        "name": "digits",
        "implementation": "peer_mlserver.OnnxModel",
        "parameters": {"uri": str(MODEL)},
    }
    if contender.batching:
        model |= {"max_batch_size": MAX_BATCH, "max_batch_time": MAX_WAIT_S}
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(model))
    return [str(Path(python).with_name("mlserver")), "start", str(folder)], {"PYTHONPATH": str(HERE)}


def _triton(port: int, folder: Path, batch: int) -> tuple[list[str], dict[str, str]]:
    """Triton as Slipway configures and starts it, its folder and ports aside."""
    made, model = TritonRuntime(), read_artifact(MODEL, ROOT)
    wanted = Wanted("digits", MODEL.name, model.signature, batch, MAX_WAIT_S, threads=1, timeout_s=10, built=True)
    repository = folder / "model"
    for name, text in made.files(wanted).items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(text)
    shutil.copyfile(MODEL, repository / made.weights_path(wanted))
    moved = {WEIGHTS_FOLDER: str(repository), str(SERVER_PORT): str(port), str(METRICS_PORT): str(_free_port())}
    arguments = [_replaced(word, moved) for word in made.arguments(wanted)]
    (folder / "triton.json").write_text(json.dumps({"server": {"program": "triton", "arguments": arguments}}))
    recipe = made.image
    assert recipe is not None
    requirements = ROOT / recipe.requirements
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    wheels = installed_wheels(requirements, digest, "amd64", lambda _: None, recipe.platform("amd64"))
    paths = os.pathsep.join([str(ROOT / "upstream/src"), str(wheels)])
    environ = {"PYTHONPATH": paths, "SLIPWAY_CONFIG": str(folder / "triton.json"), "TMPDIR": str(folder)}
    return [TRITON_PYTHON, "-m", PACKAGE], environ


def _replaced(word: str, moved: Mapping[str, str]) -> str:
    name, equals, value = word.partition("=")
    return f"{name}{equals}{moved.get(value, value)}"


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_LIMIT_S
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    why = "ended" if process.poll() is not None else f"did not listen within {START_LIMIT_S} s"
    raise StartError(f"the server {why}; its log ends with:\n{log.read_text()[-2000:]}")
