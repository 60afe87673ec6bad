"""An image that brings its own server: what the spec says of it takes the place of what Slipway knows of others."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from slipway_server.values.errors import BadRequest
from slipway_server.values.expect import judge
from slipway_server.values.pointer import found_in
from slipway_server.values.signature import Signature

from slipway.artifacts.around import Around
from slipway.artifacts.golden_request import read_json
from slipway.artifacts.onnx import Fetched, Found
from slipway.artifacts.unread import find_unread
from slipway.catalog.pod_contract import SERVER_PORT
from slipway.runtimes.base import Answer, ImageRecipe, Served, parsed
from slipway.runtimes.defaults import Defaults

WEIGHTS_FOLDER = "/model"
"""In the image, where weights are a layer of it."""
FETCHED_FILE = "model"
"""There, of a file that was fetched: the same bytes are the same release, wherever they came from."""
_LEAST = 16 * 2**20
_BODY_LEAST = 2**20
_BODY_BY_DEFAULT = 10 * 2**20


class CustomRuntime(Defaults):
    """See `slipway.runtimes.base.Runtime` for what each attribute and method is; the spec says port and paths."""

    name = "custom"
    formats: tuple[str, ...] = ()
    signature_in_lock = False
    accelerators: tuple[str, ...] = ("cpu", "gpu")
    image: ImageRecipe | None = None
    image_bytes = 500 * 2**20
    """An assumption: nobody knows how large an image is before it is there."""
    server_start_s: float = 5
    """An assumption, too."""
    port = SERVER_PORT
    environment: tuple[Mapping[str, Any], ...] = ()
    ready_path = "/health"
    live_path = "/health"
    predict_path = "/predict"
    body_least = _BODY_LEAST

    def find_weights(self, path: Path, root: Path, fetched: Fetched | None = None) -> Found:
        """Any regular file, which nobody looks into."""
        return find_unread(path, root, FETCHED_FILE if fetched else path.name)

    def read_golden(self, path: Path, file: str, found: Found, root: Path, around: Around | None = None) -> Any:  # noqa: ARG002
        """Any JSON: only the server knows what it takes."""
        return read_json(path, file, root)

    def needed_memory(self, weights: int, max_body: int = 0) -> int:
        """A lower bound: weights and a body, each once."""
        return _LEAST + weights + max_body

    def carried_body(self, memory_bytes: int, weights: int) -> int:
        """What is left beside the weights."""
        return max(_BODY_LEAST, memory_bytes - self.needed_memory(weights))

    def default_max_body(self, memory_bytes: int, weights: int) -> int:
        """At most 10Mi."""
        return min(_BODY_BY_DEFAULT, self.carried_body(memory_bytes, weights))

    def configuration(self, served: Served) -> dict[str, Any]:
        """What every record is read by; the server may read it, too, and find its release in it."""
        model = {"name": served.name, "version": served.version, "path": served.weights}
        return {
            "model": {key: value for key, value in model.items() if value is not None},
            "timeout_s": served.timeout_s,
            **({} if served.check.asked is None else {"custom": served.check.asked.section()}),
            "check": served.check.section(),
        }

    def body(self, request: Any) -> bytes:
        """JSON, as it is in the file."""
        return json.dumps(request).encode()

    def check_expectation(self, expect: Mapping[str, Any], signature: Signature) -> None:  # noqa: ARG002
        """Parts of an answer are expected by key, or by JSON pointer; only the server knows what it answers."""
        check_pointers(expect)

    def answer(self, data: bytes, names: Iterable[str]) -> Answer:
        """What of an answer is asked for: by key, or by JSON pointer. It does not say its release."""
        return Answer("", dict(found_in(parsed(data), names)))


def check_pointers(expect: Mapping[str, Any]) -> None:
    """Refuse an expectation that nothing can meet, whatever the server answers; raises `BadRequest`."""
    if not expect:
        raise BadRequest("expect", "is empty", "{KEY: what} with a key of the answer, or its JSON pointer")
    for name, wanted in expect.items():
        judge({}, {name: wanted})
