"""Make a model's inputs of the body of a POST /predict: JSON, a picture, texts, or what a user's own function reads.

Each step says what it will hold before it begins, as in `slipway_server.http.service`.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from slipway_server.http.body import file_of_form
from slipway_server.http.heavy import INLINE_BYTES, Heavy
from slipway_server.memory.budget import current_lease
from slipway_server.protocol.image import decode, memory_to_decode
from slipway_server.protocol.image_input import image_input
from slipway_server.protocol.jsonbody import loads, parse_cost
from slipway_server.protocol.request import from_base64, parse_predict
from slipway_server.steps.assembled import Steps
from slipway_server.steps.hook import AFTER, BEFORE, HookRefusal
from slipway_server.steps.texts import COST, texts_of
from slipway_server.values.errors import BadRequest, TooLarge
from slipway_server.values.signature import Signature
from slipway_server.values.tensors import Array

T = TypeVar("T")

# A form's parts are copied out of it, and once more while they grow.
_FORM_FACTOR = 4
# Texts that are tokenized on the event loop: in about a millisecond.
_INLINE_TEXT = 4 * 2**10
# What is sent to another process is there as it was, as it is sent, and as it is read there.
_SENT_COPIES = 3


class Prepared(NamedTuple):
    """The inputs, and whether they are of one picture or text that was sent by itself."""

    inputs: dict[str, Array]
    single: bool


@dataclass(frozen=True)
class _Picture:
    data: bytes
    field: str


@dataclass(frozen=True)
class _Texts:
    texts: list[str]
    single: bool


@dataclass(frozen=True)
class _Unread:
    """What the user's own function reads: a JSON document, or a file."""

    body: Any
    size: int


class Preparing:
    """All methods are for the event loop's thread."""

    def __init__(self, signature: Signature, steps: Steps, heavy: Heavy, timeout_s: float) -> None:
        self._signature = signature
        self._steps = steps
        self._heavy = heavy
        self._timeout_s = timeout_s
        # A thread of their own: other requests' bodies do not wait for a user's function.
        self._hooks = ThreadPoolExecutor(1, "hook") if steps.hook is not None else None

    async def json(self, raw: bytes) -> Prepared:
        """Return the inputs in a JSON body.

        Raises:
            BadRequest, TooLarge, Full, HookFault: as `slipway_server.http.service.Service.predict` says.
        """
        cost = 0 if len(raw) <= INLINE_BYTES else await self._heavy.run(len(raw), lambda: parse_cost(raw))
        return await self._made(await self.read(raw, lambda: self._parse(raw), cost))

    async def form(self, raw: bytes, content_type: str) -> Prepared:
        """Return the inputs in a form that has a file; raises what `json` does."""
        data = await self.read(raw, lambda: file_of_form(raw, content_type), _FORM_FACTOR * len(raw))
        return await self.file(data, "file")

    async def file(self, data: bytes, field: str = "body") -> Prepared:
        """Return the inputs in a file: a picture, or what the user's own function reads; raises what `json` does."""
        return await self._made(_Unread(data, len(data)) if self._steps.before else _Picture(data, field))

    async def after(self, outputs: Mapping[str, Array]) -> bytes:
        """Return what the user's own function makes of the outputs, as JSON.

        Raises:
            HookFault: it failed, was too slow, or ended its process.
            HookRefusal: it raised a ValueError.
        """
        size = sum(array.nbytes for array in outputs.values())
        given: bytes = await self._call(AFTER, dict(outputs), size)
        current_lease().charge(2 * len(given))
        return given

    async def read(self, raw: bytes, work: Callable[[], T], cost: int) -> T:
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

    def close(self) -> None:
        """End the user's functions."""
        if self._hooks is not None:
            self._hooks.shutdown(wait=False)
        if self._steps.hook is not None:
            self._steps.hook.close()

    def _parse(self, raw: bytes) -> dict[str, Array] | _Picture | _Texts | _Unread:
        body = loads(raw)
        if self._steps.before:
            return _Unread(body, len(raw))
        if type(body) is dict and body.keys() == {"image"}:
            return _Picture(from_base64(body["image"]), "image")
        if self._steps.texts is not None:
            texts = texts_of(body)
            if texts is not None:
                return _Texts(*texts)
        return parse_predict(body, self._signature)

    async def _made(self, given: dict[str, Array] | _Picture | _Texts | _Unread) -> Prepared:
        match given:
            case _Picture():
                return Prepared(await self._decode(given), single=True)
            case _Texts():
                return Prepared(await self._encode(given.texts), given.single)
            case _Unread():
                return Prepared(self._steps.fitted(await self._before(given)), single=False)
        return Prepared(given, single=False)

    async def _decode(self, picture: _Picture) -> dict[str, Array]:
        data, field, most = picture.data, picture.field, self._heavy.most
        wanted = image_input(self._signature, self._steps.picture)
        current_lease().charge(len(data))
        cost = await self._heavy.run(len(data), lambda: memory_to_decode(data, wanted, field, most))
        return await self._heavy.run(cost, lambda: decode(data, wanted, field))

    async def _encode(self, texts: list[str]) -> dict[str, Array]:
        encoder = self._steps.texts
        if encoder is None:
            raise RuntimeError("texts without a tokenizer")
        cost = encoder.cost(texts)
        if cost <= COST * _INLINE_TEXT:
            return encoder.encode(texts)
        if cost > self._heavy.most:
            allowed = f"what takes {self._heavy.most // 2**20} MiB: fewer or shorter texts, or more memory"
            raise TooLarge("text", f"takes {cost // 2**20} MiB of memory to tokenize", allowed)
        return await self._heavy.run(cost, lambda: encoder.encode(texts))

    async def _before(self, given: _Unread) -> Any:
        try:
            return await self._call(BEFORE, given.body, given.size)
        except HookRefusal as error:
            raise BadRequest("body", f"is refused by the model's hook: {error}", "what the hook takes") from None

    async def _call(self, name: str, argument: Any, size: int) -> Any:
        hook = self._steps.hook
        if hook is None or self._hooks is None:
            raise RuntimeError("a call of a hook that is not there")
        current_lease().charge(_SENT_COPIES * size)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._hooks, hook.call, name, argument, self._timeout_s)
