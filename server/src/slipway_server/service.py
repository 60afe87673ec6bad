"""Answer requests, bytes of a body in and bytes of an answer out: HTTP's and the golden one."""

import asyncio
import time
from collections.abc import Mapping

import orjson

from slipway_server.batcher import Batcher
from slipway_server.errors import BadRequest
from slipway_server.image import decode
from slipway_server.jsonbody import loads
from slipway_server.request import parse_predict
from slipway_server.signature import Signature
from slipway_server.tensors import Array, to_json
from slipway_server.v2 import Answer, parse_infer, write_infer
from slipway_server.v2_inputs import NO_BYTES


class Service:
    """One model that answers; all methods are for the event loop's thread."""

    def __init__(self, name: str, version: str, release: str, signature: Signature, batcher: Batcher) -> None:
        self.name = name
        self.version = version
        self.signature = signature
        self.batcher = batcher
        self._release = release
        self._dtypes = {tensor.name: tensor.dtype for tensor in signature.outputs}

    async def predict(self, raw: bytes) -> bytes:
        """Answer the JSON body of a POST /predict.

        Raises:
            BadRequest: the body, or these inputs for this model, cannot be answered.
            OverloadedError: too many requests are waiting.
        """
        with self.batcher.arriving():
            body = loads(raw)
            if type(body) is dict and "image" in body:
                # Decoding a large picture takes longer than others should wait.
                inputs = await asyncio.to_thread(parse_predict, body, self.signature)
            else:
                inputs = parse_predict(body, self.signature)
        return self._answer(await self.batcher.infer(inputs))

    async def predict_image(self, data: bytes) -> bytes:
        """Answer a POST /predict with the bytes of an image file; raises what `predict` does."""
        with self.batcher.arriving():
            inputs = await asyncio.to_thread(decode, data, self.signature, "file")
        return self._answer(await self.batcher.infer(inputs))

    async def infer(self, raw: bytes, json_bytes: int | None) -> Answer:
        """Answer the body of a V2 infer request; raises what `predict` does.

        Args:
            raw: the body.
            json_bytes: the length of its JSON where tensors as bytes follow, else None.
        """
        with self.batcher.arriving():
            head, binary = _split(raw, json_bytes)
            request = parse_infer(loads(head), self.signature, binary)
        outputs = await self.batcher.infer(request.inputs)
        started = time.perf_counter()
        answer = write_infer(request, outputs, self._dtypes, self.name, self.version)
        self.batcher.statistics.writing.add(time.perf_counter() - started)
        return answer

    def _answer(self, outputs: Mapping[str, Array]) -> bytes:
        started = time.perf_counter()
        document = {
            "model": self.name,
            "version": self.version,
            "release": self._release,
            "outputs": {name: to_json(array) for name, array in outputs.items()},
        }
        body = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
        self.batcher.statistics.writing.add(time.perf_counter() - started)
        return body


def _split(raw: bytes, json_bytes: int | None) -> tuple[bytes, memoryview]:
    """Return the JSON of a V2 body, and the bytes that follow it."""
    if json_bytes is None:
        return raw, NO_BYTES
    if json_bytes > len(raw):
        raise BadRequest("Inference-Header-Content-Length", f"is {json_bytes}", f"at most {len(raw)}, the whole body")
    return raw[:json_bytes], memoryview(raw)[json_bytes:]
