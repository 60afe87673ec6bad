"""Read and write tensors as bytes: the binary tensor data extension of the Open Inference Protocol.

Numbers are little-endian in row-major order, BOOL is one byte each, and every text has its length in four bytes
before it. A NaN or an infinity is a number like any other here.
"""

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from slipway_server.values.bfloat16 import from_bits, to_bits
from slipway_server.values.errors import BadRequest
from slipway_server.values.signature import Tensor
from slipway_server.values.tensors import Array

_LENGTH_BYTES = 4
_BFLOAT16: np.dtype[np.generic] = np.dtype(np.uint16)  # as bits


def from_binary(
    data: memoryview, shape: tuple[int, ...], tensor: Tensor, field: str, sized: str | None = None
) -> Array:
    """Return the bytes of one tensor as an array; of numbers it is a view of `data` where that is possible.

    Args:
        data: exactly the bytes of this tensor.
        shape: as the request says it; it fits the tensor.
        tensor: the input to fill.
        field: where the tensor is in the request, for messages.
        sized: where the number of its bytes is, for messages; its parameter `binary_data_size` when left out.

    Raises:
        BadRequest: more or fewer bytes than the shape needs, a BOOL other than 0 and 1, text that is not UTF-8.
    """
    dtype = tensor.numpy_dtype
    if dtype.kind == "O":
        return _texts(data, shape, field)
    if tensor.dtype == "BF16":
        dtype = _BFLOAT16
    needed = prod(shape) * dtype.itemsize
    if data.nbytes != needed:
        allowed = f"{needed} bytes ({tensor.dtype}, shape {list(shape)})"
        if sized is not None:
            raise BadRequest(sized, f"has {data.nbytes} bytes", allowed)
        raise BadRequest(f"{field}.parameters.binary_data_size", f"is {data.nbytes}", allowed)
    if dtype.kind == "b":
        numbers = np.frombuffer(data, np.uint8)
        if (numbers > 1).any():
            raise BadRequest(field, f"has the byte {numbers[numbers > 1][0]}", "0 or 1 for each BOOL")
    array: Array = np.frombuffer(data, dtype).reshape(shape)
    if tensor.dtype == "BF16":
        return from_bits(array)
    # What follows the JSON begins anywhere; ONNX Runtime is given what a processor can load.
    return array if array.flags.aligned else array.copy()


def to_binary(array: Array, dtype: str) -> bytes | memoryview:
    """Return an output as the bytes that follow the answer's JSON; of numbers, a view where that is possible.

    `dtype`: its datatype by its name in the protocol.
    """
    if dtype == "BF16":
        array = to_bits(array)
    if array.dtype.kind == "O":
        return b"".join(_lengths_and_texts(array.ravel().tolist()))
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _lengths_and_texts(texts: list[str]) -> Iterator[bytes]:
    for text in texts:
        raw = text.encode()
        yield len(raw).to_bytes(_LENGTH_BYTES, "little")
        yield raw


def _texts(data: memoryview, shape: tuple[int, ...], field: str) -> Array:
    count = prod(shape)
    allowed = f"{count} texts in UTF-8 (shape {list(shape)}), each after its length as 4 bytes, little-endian"
    if count * _LENGTH_BYTES > data.nbytes:
        raise BadRequest(field, f"has {data.nbytes} bytes", allowed)
    texts: list[Any] = []
    end = 0
    while end < data.nbytes:
        start = end + _LENGTH_BYTES
        length = int.from_bytes(data[end:start], "little")
        end = start + length
        if end > data.nbytes or len(texts) == count:
            problem = "ends inside a text" if end > data.nbytes else f"has more than {count} texts"
            raise BadRequest(field, problem, allowed)
        try:
            texts.append(str(data[start:end], "utf-8"))
        except UnicodeDecodeError as error:
            problem = f"has in text {len(texts)} the byte 0x{error.object[error.start]:02x}, which is not UTF-8"
            raise BadRequest(field, problem, allowed) from None
    if len(texts) != count:
        raise BadRequest(field, f"has {len(texts)} texts", allowed)
    array = np.empty(count, dtype=np.object_)
    array[:] = texts
    return array.reshape(shape)
