"""What Slipway has to know of a server that others make, beside what it knows of an image with its own server."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slipway_server.protocol.v2 import parse_infer
from slipway_server.values.expect import check_expect
from slipway_server.values.signature import Signature

from slipway.artifacts.around import Around
from slipway.artifacts.golden_request import read_json
from slipway.artifacts.onnx import Fetched, Found, find_artifact
from slipway.runtimes.base import Answer, BadAnswer, ImageRecipe, Served, parsed
from slipway.runtimes.custom import WEIGHTS_FOLDER, CustomRuntime

METRICS_PORT = 8082
"""Of servers that give their metrics at a port of their own."""
PACKAGE = "slipway_upstream"
"""What starts such a server in an image that Slipway builds."""


def wheels_recipe(name: str, platforms: Mapping[str, str] | None = None) -> ImageRecipe:
    """How Slipway builds the image of a server that is in wheels; its requirements are one file for each server."""
    return ImageRecipe(
        requirements=f"upstream/requirements-{name}.txt",
        package=PACKAGE,
        weights=WEIGHTS_FOLDER,
        command=("python3", "-m", PACKAGE),
        platforms=platforms,
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a server is to serve.

    Attributes:
        name: of the model.
        weights: name of the file of its weights.
        signature: its inputs and outputs.
        max_rows: most rows of requests that share a run; 1: none do.
        max_wait_s: longest time that a request waits for others.
        threads: that compute one run.
        timeout_s: longest time that a request may take.
        built: whether Slipway builds the image; else the spec brings it.
        extra: arguments that the spec adds.
    """

    name: str
    weights: str
    signature: Signature
    max_rows: int
    max_wait_s: float
    threads: int
    timeout_s: float
    built: bool
    extra: tuple[str, ...] = ()


class ServerOfOthers(CustomRuntime):
    """A server that others make. See `slipway.runtimes.base.Runtime` for what else there is.

    Attributes:
        program: what starts it in an image that the spec brings.
        takes_images: whether a spec may bring its image.
        metrics_port: where Prometheus asks it.
        metrics_path: the same.
    """

    program: tuple[str, ...]
    takes_images = True
    metrics_port = METRICS_PORT
    metrics_path = "/metrics"
    least_memory = 160 * 2**20
    """Bytes of a replica without weights: Triton had 107 MiB in two processes with a model of 10 KB, 2026-11-26."""

    def needed_memory(self, weights: int, max_body: int = 0) -> int:
        """A lower bound: the server, the weights as a file and as they are computed with, and a body."""
        return self.least_memory + 2 * weights + max_body

    @abstractmethod
    def files(self, wanted: Wanted) -> dict[str, str]:
        """The text of each file that tells it what to serve, by path below the folder of weights in the image."""

    @abstractmethod
    def weights_path(self, wanted: Wanted) -> str:
        """Where it looks for the weights, below the same folder."""

    @abstractmethod
    def arguments(self, wanted: Wanted) -> list[str]:
        """What it is started with."""

    def predict_of(self, name: str) -> str:
        """Path that the golden request of a model is sent to."""
        return self.predict_path.format(name=name)

    def started(self, served: Served, wanted: Wanted) -> dict[str, Any]:
        """The file server.json, with what starts the server."""
        section = {"program": self.name, "arguments": self.arguments(wanted)}
        served = replace(served, weights=f"{WEIGHTS_FOLDER}/{self.weights_path(wanted)}")
        return self.configuration(served) | {"runtime": self.name, "server": section}


class OpenInference(ServerOfOthers):
    """A server of ONNX models that speaks the Open Inference Protocol V2."""

    formats: tuple[str, ...] = ("onnx",)
    accelerators: tuple[str, ...] = ("cpu",)
    ready_path = "/v2/health/ready"
    live_path = "/v2/health/live"
    predict_path = "/v2/models/{name}/infer"

    def find_weights(self, path: Path, root: Path, fetched: Fetched | None = None) -> Found:
        """An ONNX file, with its external data beside it or where it was fetched to."""
        return find_artifact(path, root, fetched)

    def read_golden(self, path: Path, file: str, found: Found, root: Path, around: Around | None = None) -> Any:  # noqa: ARG002
        """A body of `POST /v2/models/NAME/infer`, in JSON alone."""
        body = read_json(path, file, root)
        parse_infer(body, found.signature)
        return body

    def check_expectation(self, expect: Mapping[str, Any], signature: Signature) -> None:
        """Outputs are expected by name, as of Slipway's own server."""
        check_expect(expect, signature)

    def answer(self, data: bytes, names: Iterable[str]) -> Answer:  # noqa: ARG002 - it says all outputs
        """`{"outputs": [{"name", "datatype", "shape", "data"}, ...]}`. It does not say its release."""
        answer = parsed(data)
        try:
            return Answer("", {one["name"]: _nested(one["data"], one["shape"]) for one in answer["outputs"]})
        except (KeyError, TypeError):
            raise BadAnswer("the answer has no outputs as the Open Inference Protocol has them") from None


def _nested(data: list[Any], shape: list[int]) -> Any:
    """The values of an array, row by row, as nested lists of its shape; lists that are nested already stay so."""
    if any(isinstance(one, list) for one in data):
        return data
    for size in reversed(shape[1:]):
        if size < 1:
            break
        data = [data[start : start + size] for start in range(0, len(data), size)]
    return data
