"""ONNX Runtime in Slipway's own model server (`server/`), on CPUs and on NVIDIA's GPUs."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from slipway.artifacts import memory
from slipway.artifacts.around import Around
from slipway.artifacts.golden_request import read_golden
from slipway.artifacts.onnx import Fetched, Found, find_artifact
from slipway.catalog.pod_contract import GRPC_PORT, LINGER_S, SERVER_PORT
from slipway.runtimes.base import CUDA, GRPC, TEXT, Answer, BadAnswer, ImageRecipe, Served
from slipway.runtimes.defaults import Defaults

IMAGE = ImageRecipe(
    requirements="server/requirements.txt",
    extras=(GRPC, TEXT),
    package="slipway_server",
    weights="/model",
    command=("python3", "-m", "slipway_server"),
    variables=(
        (
            "ORT_DISABLE_TELEMETRY=1",
            "Nobody is told what is run: ONNX Runtime would look up the address of its maker's telemetry every few "
            "seconds.",
        ),
    ),
)


class OnnxRuntime(Defaults):
    """See `slipway.runtimes.base.Runtime` for what each attribute and method is."""

    name = "onnxruntime"
    formats: tuple[str, ...] = ("onnx",)
    signature_in_lock = False
    accelerators: tuple[str, ...] = ("cpu", "gpu")
    image: ImageRecipe | None = replace(IMAGE, extras=(CUDA, *IMAGE.extras))
    image_bytes = 100 * 2**20
    """58 MiB for the wheels of server/requirements.txt (installed, as tar through gzip -6, 2026-11-26), and an
    assumption of 42 MiB for Python on Debian."""
    gpu_image_bytes = 1580 * 2**20
    """The same with the wheels of server/requirements-cuda.txt: 1498 MiB of NVIDIA's and ONNX Runtime's by the sizes
    in server/uv.lock, compressed as they come, and what the other image has but for ONNX Runtime."""
    gpu_start_s: float = 10
    """An assumption until it is measured on a GPU: libraries of 3 GB are read, and CUDA is started."""
    server_bytes = memory.SERVER_BYTES
    """Of memory, without weights."""
    server_start_s: float = 1
    """Rounded up from what was measured on the local environment, 2026-11-26: pods with 250m and small weights were
    ready after 3 s, with their images there."""
    port = SERVER_PORT
    environment: tuple[Mapping[str, Any], ...] = (
        {"name": "SLIPWAY_CONFIG", "value": "/etc/slipway/server.json"},
        {
            "name": "SLIPWAY_CPU_LIMIT_MILLIS",
            "valueFrom": {
                "resourceFieldRef": {"containerName": "server", "resource": "limits.cpu", "divisor": "1m"},
            },
        },
    )
    ready_path = "/v2/health/ready"
    live_path = "/v2/health/live"
    predict_path = "/predict"
    body_least = memory.BODY_LEAST

    def find_weights(self, path: Path, root: Path, fetched: Fetched | None = None) -> Found:
        """An ONNX file, with its external data beside it or where it was fetched to."""
        return find_artifact(path, root, fetched)

    def read_golden(self, path: Path, file: str, found: Found, root: Path, around: Around | None = None) -> Any:
        """A body of `POST /predict`."""
        return read_golden(path, file, found, root, around)

    def needed_memory(self, weights: int, max_body: int = 0) -> int:
        """A lower bound, see `slipway.artifacts.memory`."""
        return memory.needed_memory_for_bodies(weights, max_body, self.server_bytes)

    def carried_body(self, memory_bytes: int, weights: int) -> int:
        """In whole quarters of 1Mi."""
        return memory.carried_body(memory_bytes, weights, self.server_bytes)

    def default_max_body(self, memory_bytes: int, weights: int) -> int:
        """Half of what it carries, at most 10Mi."""
        return memory.default_max_body(memory_bytes, weights, self.server_bytes)

    def configuration(self, served: Served) -> dict[str, Any]:
        """As `slipway_server.values.config.ServerConfig` reads it."""
        return {
            **self._served(served),
            "host": "0.0.0.0",  # noqa: S104 - inside the pod; the NetworkPolicy says who gets there
            "port": self.port,
            "max_body_bytes": served.max_body,
            "timeout_s": served.timeout_s,
            "drain_s": served.drain_s,
            "linger_s": LINGER_S,
            "batch": dict(served.batch),
            **({"grpc": {"port": GRPC_PORT}} if served.grpc else {}),
            **served.around,
            "check": served.check.section(),
        }

    def _served(self, served: Served) -> dict[str, Any]:
        """What the server serves: weights."""
        model: dict[str, Any] = {"name": served.name, "version": served.version, "path": served.weights}
        if served.gpu_memory is not None:
            model |= {"accelerator": "gpu", "gpu_memory_bytes": served.gpu_memory}
        return {"model": model}

    def body(self, request: Any) -> bytes:
        """JSON, as it is in the file."""
        return json.dumps(request).encode()

    def answer(self, data: bytes, names: Iterable[str]) -> Answer:  # noqa: ARG002 - it says all outputs
        """`{"release": ..., "outputs": {...}}`, and more that nobody here reads."""
        try:
            answer = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise BadAnswer(f"the answer is not JSON ({error})") from None
        outputs = answer.get("outputs") if isinstance(answer, dict) else None
        if not isinstance(outputs, dict):
            raise BadAnswer("the answer has no outputs")
        releases = answer.get("releases")
        members = {name: str(release) for name, release in releases.items()} if isinstance(releases, dict) else {}
        return Answer(str(answer.get("release", "")), outputs, members)
