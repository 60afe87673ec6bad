"""Answer requests, bytes of a body in and bytes of an answer out: HTTP's and the golden one.

Each step says what it will hold before it begins: in the request's lease what stays until the answer is sent, and to
`Heavy` what is needed for a moment.
"""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from slipway_server.drift.watch import Watch
from slipway_server.execution.batcher import Batcher, Computed
from slipway_server.http.heavy import INLINE_BYTES, Heavy
from slipway_server.http.preparing import Preparing
from slipway_server.memory.budget import current_lease
from slipway_server.protocol.answers import are_small, longest_json, small_to_bytes, to_bytes
from slipway_server.protocol.jsonbody import loads, parse_cost
from slipway_server.protocol.v2 import Answer, InferRequest, parse_infer, write_infer
from slipway_server.protocol.v2_inputs import NO_BYTES
from slipway_server.steps.assembled import Steps
from slipway_server.steps.hook import HookFault, HookRefusal
from slipway_server.values.errors import AnswerTooLarge, BadRequest
from slipway_server.values.signature import Signature
from slipway_server.values.tensors import Array, to_json

if TYPE_CHECKING:
    from slipway_server.capture.capture import Capture

    # It imports a client for HTTP, which a server with weights does without.
    from slipway_server.pipeline.engine import Pipeline

# A request's inputs, and their rows among those of a batch.
_INPUT_COPIES = 2
# Texts as bytes become objects: the worst are of one character beyond Latin-1.
_BINARY_TEXT_FACTOR = 14
# Python's object around a text.
_TEXT_BYTES = 64


class Form(Protocol):
    """A V2 infer request in another form than JSON, and its answer in the same."""

    @property
    def raw(self) -> bytes:
        """The request as it came."""
        ...

    def cost(self) -> int:
        """Bytes of memory that reading it takes at most; asked of large ones."""
        ...

    def read(self) -> InferRequest:
        """Read it; raises `BadRequest`."""
        ...

    def longest(self, outputs: Mapping[str, Array]) -> int:
        """Bytes that the answer with these outputs has at most."""
        ...

    def write(self, request: InferRequest, outputs: Mapping[str, Array]) -> bytes:
        """Write the answer with the outputs that the request wants."""
        ...


class Service:
    """One model that answers; all methods are for the event loop's thread.

    `capture`: keeps some of what is asked and answered; None, and nothing is kept.
    """

    def __init__(
        self,
        name: str,
        version: str,
        release: str,
        signature: Signature,
        batcher: "Batcher | Pipeline",
        heavy: Heavy,
        steps: Steps,
        preparing: Preparing,
    ) -> None:
        self.name = name
        self.version = version
        self.signature = signature
        self.batcher = batcher
        self._heavy = heavy
        self._steps = steps
        self._preparing = preparing
        self.release = release
        self.capture: Capture | None = None
        self._dtypes = {tensor.name: tensor.dtype for tensor in signature.outputs}
        self._watch: Watch | None = None

    def watch(self, watch: Watch) -> None:
        """Show it all calls from now on."""
        self._watch = watch

    async def predict(self, raw: bytes) -> Answer:
        """Answer the JSON body of a POST /predict.

        Raises:
            BadRequest: the body, or these inputs for this model, cannot be answered; TooLarge and AnswerTooLarge:
                they would never fit into the memory.
            Full: there is no memory for it now.
            OverloadedError: too many requests are waiting.
            HookFault: the user's own function failed, or took too long.
        """
        with self.batcher.arriving():
            inputs, single = await self._preparing.json(raw)
        return await self._answer(await self._infer(inputs, raw), single)

    async def predict_form(self, raw: bytes, content_type: str) -> Answer:
        """Answer a POST /predict with a form that has a file; raises what `predict` does."""
        with self.batcher.arriving():
            inputs, single = await self._preparing.form(raw, content_type)
        return await self._answer(await self._infer(inputs, raw), single)

    async def predict_file(self, raw: bytes) -> Answer:
        """Answer a POST /predict whose body is a picture's file itself; raises what `predict` does."""
        with self.batcher.arriving():
            inputs, single = await self._preparing.file(raw)
        return await self._answer(await self._infer(inputs, raw), single)

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
            request = await self._preparing.read(raw, lambda: parse_infer(loads(head), self.signature, binary), cost)
        outputs, seconds, _ = await self._infer(request.inputs, raw)
        wanted = await self.shown({name: outputs[name] for name in request.outputs})
        answer = await self._encode(
            wanted,
            lambda dumps: write_infer(request, wanted, self._dtypes, self.name, self.version, dumps),
        )
        return answer._replace(compute_s=seconds, report=await self._report(outputs, wanted))

    async def exchange(self, form: Form) -> Answer:
        """Answer a V2 infer request that is no JSON; raises what `predict` does."""
        raw = form.raw
        with self.batcher.arriving():
            most = 0 if len(raw) <= INLINE_BYTES else await self._heavy.run(0, form.cost)
            request = await self._preparing.read(raw, form.read, most)
        outputs, seconds, _ = await self._infer(request.inputs, raw)
        wanted = await self.shown({name: outputs[name] for name in request.outputs})
        started = time.perf_counter()
        size = form.longest(wanted)
        if size <= INLINE_BYTES:
            answer = Answer(form.write(request, wanted))
        else:
            answer = await self._write_large(wanted, size, "as bytes", lambda: Answer(form.write(request, wanted)))
        self.batcher.statistics.writing.add(time.perf_counter() - started)
        return answer._replace(compute_s=seconds, report=await self._report(outputs, wanted))

    async def _infer(self, inputs: Mapping[str, Array], raw: bytes) -> Computed:
        held = 0
        for array in inputs.values():
            held += array.nbytes if array.dtype.kind != "O" else _TEXT_BYTES * array.size + len(raw)
        current_lease().charge(_INPUT_COPIES * held)
        computed = await self.batcher.infer(inputs)
        if self._watch is not None:
            self._watch.saw(inputs, computed.outputs)
        if self.capture is not None:
            self.capture.offer(inputs, computed.outputs)
        return computed

    async def shown(self, outputs: Mapping[str, Array]) -> Mapping[str, Array]:
        """Return a model's outputs as the spec lets them leave the server; raises `Full` and `AnswerTooLarge`."""
        coarse = self._steps.coarse
        if coarse is None:
            return outputs
        size = coarse.bytes(outputs)
        if size <= INLINE_BYTES:
            return coarse.of(outputs)
        # Beside the coarser numbers there is a copy of them while they are made.
        if 2 * size > self._heavy.most:
            problem = f"have {size // 2**20} MiB of fractions that the spec says to make coarser"
            allowed = "inputs for which less comes out, or more memory for the server"
            raise AnswerTooLarge("outputs", problem, allowed)
        current_lease().charge(size)
        return await self._heavy.run(2 * size, lambda: coarse.of(outputs))

    async def _report(self, outputs: Mapping[str, Array], shown: Mapping[str, Array]) -> bytes | None:
        """Return what the answer predicted, by what of the outputs may leave the server; None where nobody asks.

        `shown`: those outputs that the answer has, which are fewer where a request names some.
        """
        report = self._steps.report
        if report is None:
            return None
        if report.output not in shown:
            shown = await self.shown({report.output: outputs[report.output]})
        return report.of(shown, self.version)

    async def _answer(self, computed: Computed, single: bool) -> Answer:
        predictions = self._steps.predictions
        outputs = await self.shown(computed.outputs)
        head: dict[str, Any] = {"model": self.name, "version": self.version, "release": self.release}
        if computed.releases:
            head["releases"] = computed.releases
        if self._steps.after:
            head["predictions"] = orjson.Fragment(await self._after(outputs))

        def write(dumps: Callable[[Any], bytes]) -> Answer:
            said = {} if predictions is None else {"predictions": predictions.of(computed.outputs, single)}
            return Answer(dumps(head | said | {"outputs": {name: to_json(array) for name, array in outputs.items()}}))

        beside = 0 if predictions is None else predictions.longest(outputs)
        report = await self._report(computed.outputs, outputs)
        return (await self._encode(outputs, write, beside))._replace(compute_s=computed.seconds, report=report)

    async def _after(self, outputs: Mapping[str, Array]) -> bytes:
        try:
            return await self._preparing.after(outputs)
        except HookRefusal as error:
            raise HookFault(f"`after` of the hook refuses these outputs: {error}") from None

    async def _encode(
        self, outputs: Mapping[str, Array], write: Callable[[Callable[[Any], bytes]], Answer], beside: int = 0
    ) -> Answer:
        """Return what `write` makes of the outputs with the function that writes JSON, and `beside` bytes."""
        started = time.perf_counter()
        if are_small(outputs) and beside <= INLINE_BYTES:
            answer = write(small_to_bytes)
            self.batcher.statistics.writing.add(time.perf_counter() - started)
            return answer
        answer = await self._write_large(outputs, longest_json(outputs) + beside, "as JSON", lambda: write(to_bytes))
        self.batcher.statistics.writing.add(time.perf_counter() - started)
        return answer

    async def _write_large(
        self, outputs: Mapping[str, Array], longest: int, form: str, write: Callable[[], Answer]
    ) -> Answer:
        """Return what `write` makes of the outputs: `longest` bytes at most, in the form that a refusal names."""
        lease = current_lease()
        # While it is written, its pieces and the whole are there together.
        if not lease.fits(longest) or 2 * longest > self._heavy.most:
            numbers = sum(array.size for array in outputs.values())
            raise AnswerTooLarge(
                "outputs",
                f"have {numbers} values, which take up to {longest // 2**20} MiB {form}",
                "inputs for which less comes out, `outputs` that name fewer, or more memory for the server",
            )
        lease.charge(longest)
        answer = await self._heavy.run(2 * longest, write)
        lease.shrink(longest - len(answer.body))
        return answer


def _split(raw: bytes, json_bytes: int | None) -> tuple[bytes, memoryview]:
    """Return the JSON of a V2 body, and the bytes that follow it."""
    if json_bytes is None:
        return raw, NO_BYTES
    if json_bytes > len(raw):
        raise BadRequest("Inference-Header-Content-Length", f"is {json_bytes}", f"at most {len(raw)}, the whole body")
    return raw[:json_bytes], memoryview(raw)[json_bytes:]
