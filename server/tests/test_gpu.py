"""A model that was promised a GPU computes on it or is not served; no GPU is needed to see it refused.

The driver here is made up: it answers what NVIDIA's documents for its interface. What a real one does, tests/gpu asks.
"""

import ctypes
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]
import pytest
from slipway_server.backends.base import ModelError, NoAccelerator
from slipway_server.backends.loading import load
from slipway_server.backends.onnx import cuda
from slipway_server.backends.onnx.session import OnnxSession
from slipway_server.values.config import ModelSection
from slipway_server.values.errors import AnswerTooLarge, BadRequest, ModelFault

MODEL = Path(__file__).parents[2] / "models/digits/model.onnx"
GPU = {"name": "digits", "version": "1.0.0", "path": str(MODEL), "accelerator": "gpu", "gpu_memory_bytes": 2**30}


class Driver:
    """Made up: as much of libcuda as the server asks."""

    def __init__(self, started: int = 0, devices: int = 1, version: int = 13020, failing: int = 0) -> None:
        self._started, self._devices, self._version, self._failing = started, devices, version, failing

    def cuInit(self, flags: int) -> int:  # noqa: N802 - the driver's name
        assert flags == 0
        return self._started

    def cuDeviceGetCount(self, out: Any) -> int:  # noqa: N802 - the driver's name
        return self._written(out, self._devices)

    def cuDriverGetVersion(self, out: Any) -> int:  # noqa: N802 - the driver's name
        return self._written(out, self._version)

    def _written(self, out: Any, value: int) -> int:
        ctypes.cast(out, ctypes.POINTER(ctypes.c_int)).contents.value = value
        return self._failing


class Failing:
    """A session of ONNX Runtime whose runs end with an error of the GPU."""

    def __init__(self, message: str) -> None:
        self._message = message

    def run(self, *_: Any) -> None:
        raise RuntimeError(self._message)


@pytest.mark.parametrize(
    ("driver", "said"),
    [
        (None, "no driver"),
        (Driver(started=100), "cuInit says 100"),
        (Driver(devices=0), "the driver sees none; next: see that the pod asks for one"),
        (Driver(failing=3), "the driver sees none"),
        (Driver(version=12080), "too old: it is for CUDA 12.8, and ONNX Runtime needs 13"),
    ],
    ids=["no driver", "does not start", "no device", "does not count", "too old"],
)
def test_a_driver_that_cannot_be_used_is_told_with_what_to_do(driver: Driver | None, said: str) -> None:
    with pytest.raises(NoAccelerator, match="promised a GPU") as refused:
        cuda.check_driver(driver, "13.2")
    assert said in str(refused.value)
    assert "next: " in str(refused.value)


@pytest.mark.parametrize("version", ["13.2", "12.9", ""])
def test_a_driver_as_new_as_the_library_wants_is_taken(version: str) -> None:
    assert cuda.check_driver(Driver(), version) is None


def test_an_image_for_cpus_refuses_a_gpu_instead_of_computing_on_the_cpu() -> None:
    with pytest.raises(NoAccelerator, match="ONNX Runtime for CPUs"):
        load(ModelSection.model_validate(GPU), 1, None)


def test_a_backend_without_gpus_refuses_one() -> None:
    with pytest.raises(NoAccelerator, match="backend litert computes on CPUs"):
        load(ModelSection.model_construct(**GPU | {"backend": "litert"}), 1, None)


def test_a_session_that_fell_back_to_the_cpu_is_refused() -> None:
    with pytest.raises(ModelError, match="could not start CUDA"):
        cuda.check_session(ort.InferenceSession(MODEL, providers=["CPUExecutionProvider"]))


def test_what_runs_on_the_cpu_is_counted_by_its_kind() -> None:
    options = ort.SessionOptions()
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    session = ort.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])
    found = cuda.placement(session)
    assert found["on_gpu"] == 0
    assert found["on_cpu"]["Gemm"] == 2


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("CUDA failure 2: out of memory ; GPU=0", AnswerTooLarge),
        ("CUDA failure 719: unspecified launch failure ; GPU=0", ModelFault),
        ("Got invalid dimensions", BadRequest),
    ],
)
def test_a_failing_gpu_is_nobody_s_request(message: str, kind: type[Exception]) -> None:
    session = OnnxSession(MODEL, 1)
    session._session = Failing(message)
    with pytest.raises(kind) as failed:
        session.run({"image": np.zeros((1, 8, 8), np.float32)})
    assert type(failed.value) is kind


def test_a_pod_without_its_gpu_says_so_in_its_log_and_over_http_and_ends(tmp_path: Path) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    config = tmp_path / "server.json"
    check = {"request": {}, "expect": {}, "timeout_s": 1}
    config.write_text(json.dumps({"model": GPU, "release": "r", "host": "127.0.0.1", "port": port, "check": check}))
    command = [sys.executable, "-m", "slipway_server"]
    server = subprocess.Popen(command, env={"SLIPWAY_CONFIG": str(config)}, stderr=subprocess.PIPE, text=True)
    try:
        status, body = asked(f"http://127.0.0.1:{port}/v2/health/ready")
        server.send_signal(signal.SIGTERM)
        _, written = server.communicate(timeout=60)
    finally:
        server.kill()
    assert (status, server.returncode) == (503, 1)
    assert "promised a GPU and has none" in json.loads(body)["error"]
    assert "promised a GPU and has none" in written


def asked(url: str) -> tuple[int, bytes]:
    """The first answer of a server that is starting."""
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.05)
