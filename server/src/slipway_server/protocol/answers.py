"""Write answers as JSON: how large one can get is known before it is written, and large ones are written in pieces."""

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import numpy as np
import orjson

from slipway_server.values.tensors import Array, to_json

# Characters of the longest number of a type as orjson writes it, with its comma.
_LONGEST = {
    "bool": 6, "uint8": 4, "uint16": 6, "uint32": 11, "uint64": 21, "int8": 5, "int16": 7, "int32": 12, "int64": 21,
    "float16": 16, "float32": 16, "float64": 25,
}  # fmt: skip
# A control character becomes six; two quotes and a comma.
_LONGEST_CHARACTER, _AROUND_TEXT = 6, 3
_SMALL = 2048
# Numbers that are written without a pause: about a millisecond.
_PIECE = 20_000


def are_small(outputs: Mapping[str, Array]) -> bool:
    """Return whether these arrays are written in no time, and their JSON need not be counted."""
    size = 0
    for array in outputs.values():
        if array.dtype.kind == "O":
            return False
        size += array.size
    return size <= _SMALL


def longest_json(outputs: Mapping[str, Array]) -> int:
    """Return how many bytes these arrays have as JSON at most."""
    return sum(_longest(array) for array in outputs.values())


def to_bytes(document: Any) -> bytes:
    """Return a document of JSON values and arrays as JSON.

    Other threads get their turn between the pieces of a large array, which orjson would write in one go.
    """
    return orjson.dumps(document, default=_fragment)


def small_to_bytes(document: Any) -> bytes:
    """Return the same, for arrays that are written in no time."""
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def _longest(array: Array) -> int:
    # Each list has its brackets and a comma, and no more lists than numbers, unless the innermost are empty.
    lists: int = 3 * prod(max(1, size) for size in array.shape[:-1]) * max(1, array.ndim)
    if array.dtype.kind == "O":
        return lists + sum(map(_longest_item, array.flat))
    return lists + _LONGEST[array.dtype.name] * array.size


def _longest_item(item: Any) -> int:
    """Return the same of a text, or of a JSON value in a sequence or a map."""
    if isinstance(item, str):
        return _AROUND_TEXT + _LONGEST_CHARACTER * len(item)
    if isinstance(item, dict):
        return 3 + sum(1 + _longest_item(key) + _longest_item(value) for key, value in item.items())
    if isinstance(item, list):
        return 3 + sum(map(_longest_item, item))
    return _LONGEST["float64"]


def _fragment(array: Array) -> orjson.Fragment:
    if not isinstance(array, np.ndarray):
        raise TypeError
    return orjson.Fragment(b"".join(_pieces(array)))


def _pieces(array: Array) -> Iterator[bytes]:
    if array.size <= _PIECE:
        yield orjson.dumps(to_json(np.ascontiguousarray(array)), option=orjson.OPT_SERIALIZE_NUMPY)
        return
    rows = max(1, _PIECE * len(array) // array.size)
    yield b"["
    for start in range(0, len(array), rows):
        yield b"," if start else b""
        if rows > 1 or array.ndim == 1:
            piece = orjson.dumps(
                to_json(np.ascontiguousarray(array[start : start + rows])), option=orjson.OPT_SERIALIZE_NUMPY
            )
            yield piece[1:-1]
        else:
            yield from _pieces(array[start])
    yield b"]"
