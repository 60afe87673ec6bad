"""Answer requests, bytes of a body in and bytes of an answer out: HTTP's and the golden one.

Each step says what it will hold before it begins: in the request's lease what stays until the answer is sent, and to
`Heavy` what is needed for a moment.
"""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from slipway_server.execution.batcher import Batcher, Computed
from slipway_server.http.body import file_of_form
from slipway_server.http.heavy import INLINE_BYTES, Heavy
from slipway_server.memory.budget import current_lease
from slipway_server.protocol.answers import are_small, longest_json, small_to_bytes, to_bytes
from slipway_server.protocol.image import decode, memory_to_decode
from slipway_server.protocol.jsonbody import loads, parse_cost
from slipway_server.protocol.request import from_base64, parse_predict
from slipway_server.protocol.v2 import Answer, parse_infer, write_infer
from slipway_server.protocol.v2_inputs import NO_BYTES
from slipway_server.values.errors import AnswerTooLarge, BadRequest, TooLarge
from slipway_server.values.signature import Signature
from slipway_server.values.tensors import Array, to_json

if TYPE_CHECKING:
    # It imports a client for HTTP, which a server with weights does without.
    from slipway_server.pipeline.engine import Pipeline

T = TypeVar("T")

# A form's parts are copied out of it, and once more while they grow.
_FORM_FACTOR = 4
# A request's inputs, and their rows among those of a batch.
_INPUT_COPIES = 2
# Texts as bytes become objects: the worst are of one character beyond Latin-1.
_BINARY_TEXT_FACTOR = 14
# Python's object around a text.
_TEXT_BYTES = 64


class Service:
    """One model that answers; all methods are for the event loop's thread."""

    def __init__(
        self, name: str, version: str, release: str, signature: Signature, batcher: "Batcher | Pipeline", heavy: Heavy
    ) -> None:
        self.name = name
        self.version = version
        self.signature = signature
        self.batcher = batcher
        self._heavy = heavy
        self._release = release
        self._dtypes = {tensor.name: tensor.dtype for tensor in signature.outputs}

    async def predict(self, raw: bytes) -> Answer:
        """Answer the JSON body of a POST /predict.

        Raises:
            BadRequest: the body, or these inputs for this model, cannot be answered; TooLarge and AnswerTooLarge:
                they would never fit into the memory.
            Full: there is no memory for it now.
            OverloadedError: too many requests are waiting.
        """
        with self.batcher.arriving():
            inputs = await self._read_json(raw, lambda: self._parse_predict(raw))
            if isinstance(inputs, bytes):
                inputs = await self._decode(inputs, "image")
        return await self._answer(await self._infer(inputs, raw))

    async def predict_form(self, raw: bytes, content_type: str) -> Answer:
        """Answer a POST /predict with a form that has an image file; raises what `predict` does."""
        with self.batcher.arriving():
            data = await self._read(raw, lambda: file_of_form(raw, content_type), _FORM_FACTOR * len(raw))
            inputs = await self._decode(data, "file")
        return await self._answer(await self._infer(inputs, raw))

    async def infer(self, raw: bytes, json_bytes: int | None) -> Answer:
        """Answer the body of a V2 infer request; raises what `predict` does.

        Args:
            raw: the body.
            json_bytes: the length of its JSON where tensors as bytes follow, else None.
        """
        with self.batcher.arriving():
            head, binary = _split(raw, json_bytes)
            cost = 0 if len(raw) <= INLINE_BYTES else await self._heavy.run(0, lambda: parse_cost(head))
            cost += _BINARY_TEXT_FACTOR * binary.nbytes
            request = await self._read(raw, lambda: parse_infer(loads(head), self.signature, binary), cost)
        outputs, seconds = await self._infer(request.inputs, raw)
        wanted = {name: outputs[name] for name in request.outputs}
        answer = await self._encode(
            wanted,
            lambda dumps: write_infer(request, outputs, self._dtypes, self.name, self.version, dumps),
        )
        return answer._replace(compute_s=seconds)

    def _parse_predict(self, raw: bytes) -> dict[str, Array] | bytes:
        """Return the inputs in a body, or the picture that is still to be decoded."""
        body = loads(raw)
        if type(body) is dict and body.keys() == {"image"}:
            return from_base64(body["image"])
        return parse_predict(body, self.signature)

    async def _read_json(self, raw: bytes, work: Callable[[], T]) -> T:
        cost = 0 if len(raw) <= INLINE_BYTES else await self._heavy.run(len(raw), lambda: parse_cost(raw))
        return await self._read(raw, work, cost)

    async def _read(self, raw: bytes, work: Callable[[], T], cost: int) -> T:
        """Return what `work` makes of a body; a large one is read outside of the event loop."""
        if len(raw) <= INLINE_BYTES:
            return work()
        if cost > self._heavy.most:
            raise TooLarge(
                "body",
                f"has {len(raw)} bytes of so many parts that reading them takes {cost // 2**20} MiB of memory",
                f"what can be read within {self._heavy.most // 2**20} MiB: fewer values at once, or more memory for "
                "the server",
            )
        return await self._heavy.run(cost, work)

    async def _decode(self, data: bytes, field: str) -> dict[str, Array]:
        current_lease().charge(len(data))
        most = self._heavy.most
        cost = await self._heavy.run(len(data), lambda: memory_to_decode(data, self.signature, field, most))
        return await self._heavy.run(cost, lambda: decode(data, self.signature, field))

    async def _infer(self, inputs: Mapping[str, Array], raw: bytes) -> Computed:
        held = 0
        for array in inputs.values():
            held += array.nbytes if array.dtype.kind != "O" else _TEXT_BYTES * array.size + len(raw)
        current_lease().charge(_INPUT_COPIES * held)
        return await self.batcher.infer(inputs)

    async def _answer(self, computed: Computed) -> Answer:
        head = {"model": self.name, "version": self.version, "release": self._release}
        answer = await self._encode(
            computed.outputs,
            lambda dumps: Answer(
                dumps(head | {"outputs": {name: to_json(array) for name, array in computed.outputs.items()}})
            ),
        )
        return answer._replace(compute_s=computed.seconds)

    async def _encode(self, outputs: Mapping[str, Array], write: Callable[[Callable[[Any], bytes]], Answer]) -> Answer:
        """Return what `write` makes of the outputs with the function that writes JSON."""
        started = time.perf_counter()
        if are_small(outputs):
            answer = write(small_to_bytes)
            self.batcher.statistics.writing.add(time.perf_counter() - started)
            return answer
        longest = longest_json(outputs)
        lease = current_lease()
        # While it is written, its pieces and the whole are there together.
        if not lease.fits(longest) or 2 * longest > self._heavy.most:
            numbers = sum(array.size for array in outputs.values())
            raise AnswerTooLarge(
                "outputs",
                f"have {numbers} values, which take up to {longest // 2**20} MiB as JSON",
                "inputs for which less comes out, `outputs` that name fewer, or more memory for the server",
            )
        lease.charge(longest)
        answer = await self._heavy.run(2 * longest, lambda: write(to_bytes))
        lease.shrink(longest - len(answer.body))
        self.batcher.statistics.writing.add(time.perf_counter() - started)
        return answer


def _split(raw: bytes, json_bytes: int | None) -> tuple[bytes, memoryview]:
    """Return the JSON of a V2 body, and the bytes that follow it."""
    if json_bytes is None:
        return raw, NO_BYTES
    if json_bytes > len(raw):
        raise BadRequest("Inference-Header-Content-Length", f"is {json_bytes}", f"at most {len(raw)}, the whole body")
    return raw[:json_bytes], memoryview(raw)[json_bytes:]
