"""Language models by llama.cpp in Slipway's own model server (`server/`): OpenAI's API, on CPUs."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from slipway_server.protocol.language import parse_ask
from slipway_server.values.pointer import found_in
from slipway_server.values.signature import Signature

from slipway.artifacts.around import Around
from slipway.artifacts.gguf import find_gguf
from slipway.artifacts.golden_request import read_json
from slipway.artifacts.onnx import Fetched, Found
from slipway.runtimes.base import Answer, BadAnswer, ImageRecipe, Served, parsed
from slipway.runtimes.custom import check_pointers
from slipway.runtimes.model_server import ModelServer, image_of, libomp

_LEAST = 160 * 2**20
"""90 MiB were measured with a model of half a megabyte (docs/how-to/language-models.md); 70 are for requests."""
_BODY_FACTOR = 16
"""Memory for requests in largest bodies, as the server shares it out."""
_BODY_LEAST = 2**20
_BODY_BY_DEFAULT = 2**20


class LlamaRuntime(ModelServer):
    """See `slipway.runtimes.base.Runtime` for what each attribute and method is."""

    name = "llama"
    formats: tuple[str, ...] = ("gguf",)
    image: ImageRecipe | None = image_of("requirements-llama.txt", *libomp("llama.cpp", after="token"), extras=())
    image_bytes = 96 * 2**20
    """Measured on the local environment, base and wheels as its registry keeps them, 2026-11-26."""
    server_start_s: float = 2
    """Rounded up from what was measured on a machine with other work, 2026-11-26: 1.4 s."""
    predict_path = "/v1/chat/completions"
    body_least = _BODY_LEAST

    def find_weights(self, path: Path, root: Path, fetched: Fetched | None = None) -> Found:
        """A GGUF file; what is in it is left to llama.cpp."""
        return find_gguf(path, root, fetched)

    def read_golden(self, path: Path, file: str, found: Found, root: Path, around: Around | None = None) -> Any:  # noqa: ARG002
        """A body of `POST /v1/chat/completions` that is not streamed."""
        body = read_json(path, file, root)
        parse_ask("chat", body)
        return body

    def check_expectation(self, expect: Mapping[str, Any], signature: Signature) -> None:  # noqa: ARG002
        """Parts of an answer are expected by key, or by JSON pointer."""
        check_pointers(expect)

    def needed_memory(self, weights: int, max_body: int = 0) -> int:
        """A lower bound: the memory of the slots is not in it, which the server takes as soon as it starts."""
        return _LEAST + weights + _BODY_FACTOR * max_body

    def carried_body(self, memory_bytes: int, weights: int) -> int:
        """What is left beside the weights."""
        return max(_BODY_LEAST, (memory_bytes - self.needed_memory(weights)) // _BODY_FACTOR)

    def default_max_body(self, memory_bytes: int, weights: int) -> int:  # noqa: ARG002
        """1Mi of text, whatever the memory."""
        return _BODY_BY_DEFAULT

    def _answering(self, served: Served) -> dict[str, Any]:
        """How it answers: with tokens."""
        return {"language": dict(served.language or {})}

    def answer(self, data: bytes, names: Iterable[str]) -> Answer:
        """What of an answer is asked for: by key, or by JSON pointer; its release is its `system_fingerprint`."""
        answer = parsed(data)
        if not isinstance(answer, Mapping) or "choices" not in answer:
            raise BadAnswer("the answer has no choices")
        return Answer(str(answer.get("system_fingerprint", "")), dict(found_in(answer, names)))
