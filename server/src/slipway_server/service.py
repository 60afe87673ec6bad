"""Answer requests, bytes of a body in and bytes of an answer out: HTTP's and the golden one."""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson

from slipway_server.batcher import Batcher
from slipway_server.image import decode
from slipway_server.jsonbody import loads
from slipway_server.request import parse_predict
from slipway_server.signature import Signature
from slipway_server.tensors import Array, to_json
from slipway_server.v2 import output_entry, parse_infer


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

    async def infer(self, raw: bytes) -> bytes:
        """Answer the body of a V2 infer request; raises what `predict` does."""
        with self.batcher.arriving():
            request = parse_infer(loads(raw), self.signature)
        outputs = await self.batcher.infer(request.inputs)
        document: dict[str, Any] = {
            "model_name": self.name,
            "model_version": self.version,
            "outputs": [output_entry(outputs[name], name, self._dtypes[name]) for name in request.outputs],
        }
        if request.id is not None:
            document["id"] = request.id
        return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)

    def _answer(self, outputs: Mapping[str, Array]) -> bytes:
        document = {
            "model": self.name,
            "version": self.version,
            "release": self._release,
            "outputs": {name: to_json(array) for name, array in outputs.items()},
        }
        return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
