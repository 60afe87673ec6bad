"""Defines what Slipway has to know of a runtime: a program that serves a model over HTTP inside a pod."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any, Protocol

from slipway_server.values.signature import Signature

from slipway.artifacts.around import Around
from slipway.artifacts.golden_request import GoldenRequest
from slipway.artifacts.onnx import Fetched, Found

TEXT = "text"
"""The extra of models that take text."""
GRPC = "grpc"
"""The extra of models that speak gRPC."""
CUDA = "cuda"
"""The extra of models that compute on GPUs: NVIDIA's libraries, and the runtime's library built for them."""


@dataclass(frozen=True, slots=True)
class Served:
    """What a runtime's configuration is made of, for one model in one environment.

    Attributes:
        name: of the model.
        version: of the model.
        weights: path in the image of the file that the runtime loads; None where there is none.
        max_body: bytes of the largest body of a request.
        timeout_s: longest time that a request may take.
        drain_s: a stopping server goes on answering until no request has come for so long.
        batch: the section `batch` of the model server's configuration.
        check: the golden request.
        pipeline: the section `pipeline` of that configuration; None for a model with weights.
        grpc: whether the protocol is spoken over gRPC, too.
        around: sections of the configuration about what stands before and after the model, and of what is told of
            its calls; empty where nothing does.
        language: the section `language` of a language model; None for all others.
        signature: what the model takes and gives; None where that is not known.
        gpu_memory: bytes of its GPU that tensors may take; None where it computes on CPUs.
    """

    name: str
    version: str
    weights: str | None
    max_body: int | None
    timeout_s: float
    drain_s: float
    batch: Mapping[str, Any]
    check: GoldenRequest
    pipeline: Mapping[str, Any] | None = None
    grpc: bool = False
    around: Mapping[str, Any] = field(default_factory=dict)
    language: Mapping[str, Any] | None = None
    signature: Signature | None = None
    gpu_memory: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A runtime's answer to the golden request: the release that gave it, and nested lists by output name.

    `release`: empty where the answer does not say it. `members`: of a pipeline, the release of each model it asked.
    """

    release: str
    outputs: Mapping[str, Any]
    members: Mapping[str, str] = field(default_factory=dict)


class BadAnswer(ValueError):
    """An answer that is none of this runtime's; `str()` is the reason, as a sentence without its end."""


def parsed(data: bytes) -> Any:
    """An answer as JSON values; raises `BadAnswer`."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadAnswer(f"the answer is not JSON ({error})") from None


@dataclass(frozen=True, slots=True)
class ImageRecipe:
    """How the image of a runtime is made: locked wheels on the base image, then the server's code and the weights.

    Attributes:
        requirements: file of locked wheels, by its path in the repository, for models that need nothing beside.
        package: the server's code, a Python package.
        weights: folder of the weights in the image.
        command: what the container runs.
        shared: the runtime whose repository has the image of wheels; None: it has one of its own.
        variables: of the container, as `NAME=value`, each with why it is set.
        extras: what models may need beside: libraries that are in the images of those models and in no others.
        platforms: that its wheels are chosen for, by architecture, as uv names them; None: those of all images.
        architectures: that all of its locked libraries are had for.
    """

    requirements: str
    package: str
    weights: str
    command: tuple[str, ...]
    variables: tuple[tuple[str, str], ...] = ()
    shared: str | None = None
    extras: tuple[str, ...] = ()
    platforms: Mapping[str, str] | None = None
    architectures: tuple[str, ...] = ("amd64", "arm64")

    def platform(self, architecture: str) -> str | None:
        """What wheels are chosen for; None: what those of all images of the architecture are."""
        return None if self.platforms is None else self.platforms[architecture]

    def built_for(self, extras: Collection[str]) -> tuple[str, ...]:
        """The architectures that all libraries are had for, with these extras: NVIDIA's are locked for amd64 alone."""
        return ("amd64",) if CUDA in extras else self.architectures

    def requirements_with(self, extras: Collection[str]) -> str:
        """The file of locked wheels for models that need these: `requirements-grpc.txt` beside `requirements.txt`."""
        stem = self.requirements.removesuffix(".txt")
        return "-".join([stem, *sorted(extras)]) + ".txt"

    def sets_of_extras(self) -> Iterator[tuple[str, ...]]:
        """Yield what a model may need together, each in the order of names; for each there is a file."""
        for count in range(1, len(self.extras) + 1):
            yield from combinations(sorted(self.extras), count)


class Runtime(Protocol):
    """One runtime. Its module is the only one that knows it; all others ask the registry.

    Attributes:
        name: what a spec says in `runtime`.
        formats: of weights that it loads, as `artifact.format` names them.
        signature_in_lock: whether its files do not say what models take and give, so that `slipway lock` finds it out.
        accelerators: what it computes on: `cpu`, `gpu`.
        without_gpu: what a person should know who gives GPUs to a runtime that computes on CPUs only.
        image: how its image is made. The weights are a part of it: a pod that starts fetches nothing else. None: the
            spec brings an image with its own server, and says port and paths, too.
        proven_on_gpu: what it ran on, when, and in which version (docs/gpu.md); empty: never on a GPU.
        image_bytes: its image without weights as a registry keeps it, compressed.
        gpu_image_bytes: the same of its image for pods that have GPUs, where it computes on them; 0: it is no other.
        server_start_s: from the container's start until it loads weights, with one core.
        gpu_start_s: how much longer that takes where it brings up a GPU first.
        port: that it listens on.
        environment: the container's `env`, with every field as the API server keeps it.
        ready_path: answers 2xx once the golden request was answered rightly.
        live_path: answers 2xx as long as the process should not be restarted.
        predict_path: where the golden request is sent.
        body_least: bytes of a body that every replica takes, whatever its memory.
    """

    name: str
    formats: tuple[str, ...]
    signature_in_lock: bool
    accelerators: tuple[str, ...]
    without_gpu: str
    proven_on_gpu: str
    image: ImageRecipe | None
    image_bytes: int
    gpu_image_bytes: int
    server_start_s: float
    gpu_start_s: float
    port: int
    environment: tuple[Mapping[str, Any], ...]
    ready_path: str
    live_path: str
    predict_path: str
    body_least: int

    def find_weights(self, path: Path, root: Path, fetched: Fetched | None = None) -> Found:
        """Find the weights at `path`; links may not lead out of `root`. Raises `BadFile`.

        `fetched`: where the other files are of weights that are not in the repository.
        """
        ...

    def read_golden(self, path: Path, file: str, found: Found, root: Path, around: Around | None = None) -> Any:
        """Read the body of the golden request and hold it against the model; see `slipway.artifacts.golden_request`."""
        ...

    def check_expectation(self, expect: Mapping[str, Any], signature: Signature) -> None:
        """Refuse an expectation that no answer of a model with this signature can meet; raises `BadRequest`."""
        ...

    def needed_memory(self, weights: int, max_body: int = 0) -> int:
        """Bytes that a replica needs to load `weights` bytes and, if given, to take bodies of `max_body` bytes."""
        ...

    def carried_body(self, memory: int, weights: int) -> int:
        """Bytes of the largest body that a spec may ask for with `memory`."""
        ...

    def default_max_body(self, memory: int, weights: int) -> int:
        """Bytes of the largest body where a spec names none."""
        ...

    def configuration(self, served: Served) -> dict[str, Any]:
        """The file server.json as JSON values, without `release`: with `model.name`, `model.version` and `check`."""
        ...

    def body(self, request: Any) -> bytes:
        """The golden request as it is sent."""
        ...

    def answer(self, data: bytes, names: Iterable[str]) -> Answer:
        """Read an answer to it; `names`: what is expected in it. Raises `BadAnswer`."""
        ...
