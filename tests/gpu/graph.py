"""Write an ONNX model without the package onnx, which a machine with nothing but a runtime does not have."""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

FLOAT = 1
_MESSAGE = 2


def write_layers(path: Path, width: int, depth: int) -> None:
    """Write a chain of matrix products with Tanh between: input `x` and output `y` of (rows, width), of floats.

    Args:
        path: the file.
        width: of every layer; a layer has width * width weights.
        depth: how many layers.
    """
    random = np.random.default_rng(7)
    nodes, weights, value = [], [], "x"
    for layer in range(depth):
        name, product = f"w{layer}", f"p{layer}"
        matrix = (random.standard_normal((width, width)) / np.sqrt(width)).astype(np.float32)
        weights.append(_tensor(name, matrix))
        nodes.append(_node("MatMul", [value, name], product))
        value = "y" if layer == depth - 1 else f"t{layer}"
        nodes.append(_node("Tanh", [product], value))
    graph = b"".join(_bytes(1, node) for node in nodes) + _bytes(2, b"layers")
    graph += b"".join(_bytes(5, tensor) for tensor in weights)
    graph += _bytes(11, _value("x", width)) + _bytes(12, _value("y", width))
    # ir_version 8, graph, opset 17.
    path.write_bytes(_number(1, 8) + _bytes(7, graph) + _bytes(8, _number(2, 17)))


def _node(kind: str, inputs: list[str], output: str) -> bytes:
    return b"".join(_bytes(1, name.encode()) for name in inputs) + _bytes(2, output.encode()) + _bytes(4, kind.encode())


def _tensor(name: str, values: npt.NDArray[np.float32]) -> bytes:
    dims = b"".join(_number(1, size) for size in values.shape)
    return dims + _number(2, FLOAT) + _bytes(8, name.encode()) + _bytes(9, values.tobytes())


def _value(name: str, width: int) -> bytes:
    shape = _bytes(1, _bytes(2, b"rows")) + _bytes(1, _number(1, width))
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, _number(1, FLOAT) + _bytes(2, shape)))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | _MESSAGE) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    return bytes(_septets(value))


def _septets(value: int) -> Iterator[int]:
    while value > 0x7F:
        yield value & 0x7F | 0x80
        value >>= 7
    yield value


assert struct.pack("=f", 1.0) == struct.pack("<f", 1.0), "ONNX's raw data is little-endian, and so is this machine"
