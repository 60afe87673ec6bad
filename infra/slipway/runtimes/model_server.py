"""Slipway's own model server (`server/`): what runtimes have in common that run in it, whatever computes."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from slipway.artifacts import memory
from slipway.artifacts.around import Around
from slipway.artifacts.golden_request import read_golden
from slipway.artifacts.onnx import Found
from slipway.catalog.pod_contract import GRPC_PORT, LINGER_S, SERVER_PORT
from slipway.runtimes.base import GRPC, TEXT, Answer, BadAnswer, ImageRecipe, Served, parsed
from slipway.runtimes.defaults import Defaults


def image_of(
    requirements: str,
    *variables: tuple[str, str],
    extras: tuple[str, ...] = (GRPC, TEXT),
    architectures: tuple[str, ...] = ("amd64", "arm64"),
) -> ImageRecipe:
    """How the server's image is made with one backend; see `ImageRecipe`. `requirements`: a file of `server/`."""
    return ImageRecipe(
        requirements=f"server/{requirements}",
        package="slipway_server",
        weights="/model",
        command=("python3", "-m", "slipway_server"),
        variables=variables,
        extras=extras,
        architectures=architectures,
    )


def libomp(library: str, after: str) -> tuple[tuple[str, str], ...]:
    """Variables of images whose library needs OpenMP, which wheels bring; `after` what its threads spin."""
    return (
        (
            "LD_LIBRARY_PATH=/opt/slipway/deps/cmeel.prefix/lib",
            f"{library} is linked with libgomp.so.1, which the base image lacks: LLVM's library of that name.",
        ),
        ("KMP_BLOCKTIME=1", f"Its threads would spin for 200 ms after each {after}, at the cost of the CPU limit."),
    )


class ModelServer(Defaults):
    """See `slipway.runtimes.base.Runtime` for what each attribute and method is. Numbers are of ONNX Runtime."""

    signature_in_lock = False
    accelerators: tuple[str, ...] = ("cpu",)
    image_bytes = 100 * 2**20
    """58 MiB for the wheels of server/requirements.txt (installed, as tar through gzip -6, 2026-11-26), and an
    assumption of 42 MiB for Python on Debian."""
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
            **self._answering(served),
            "check": served.check.section(),
        }

    def _served(self, served: Served) -> dict[str, Any]:
        """What the server serves: weights."""
        return {"model": {"name": served.name, "version": served.version, "path": served.weights}}

    def _answering(self, served: Served) -> dict[str, Any]:
        """How it answers: rows of tensors, and what stands before and after the model."""
        return {
            "batch": dict(served.batch),
            **({"grpc": {"port": GRPC_PORT}} if served.grpc else {}),
            **served.around,
        }

    def body(self, request: Any) -> bytes:
        """JSON, as it is in the file."""
        return json.dumps(request).encode()

    def answer(self, data: bytes, names: Iterable[str]) -> Answer:  # noqa: ARG002 - it says all outputs
        """`{"release": ..., "outputs": {...}}`, and more that nobody here reads."""
        answer = parsed(data)
        outputs = answer.get("outputs") if isinstance(answer, dict) else None
        if not isinstance(outputs, dict):
            raise BadAnswer("the answer has no outputs")
        releases = answer.get("releases")
        members = {name: str(release) for name, release in releases.items()} if isinstance(releases, dict) else {}
        return Answer(str(answer.get("release", "")), outputs, members)
