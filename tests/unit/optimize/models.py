"""Small graphs and arrays that the tests of steps begin with."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).parents[3]
DIGITS = ROOT / "models" / "digits" / "model.onnx"

Tensor = tuple[str, int, Sequence[int | str]]
"""Name, element type, shape."""


def digits(rows: int = 64) -> NDArray[np.float32]:
    """Images of the shape that digits takes, drawn from a seed."""
    return np.random.default_rng(7).random((rows, 1, 8, 8)).astype(np.float32)


def arrays(path: Path, **named: NDArray[Any]) -> Path:
    """A .npz file with these arrays."""
    np.savez(path, allow_pickle=True, **named)
    return path


def graph(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    takes: Sequence[Tensor],
    gives: Sequence[Tensor],
    weights: dict[str, NDArray[Any]] | None = None,
    opset: int = 17,
) -> Path:
    """An ONNX file of these nodes."""
    made = helper.make_graph(
        nodes,
        "tests",
        [helper.make_tensor_value_info(*value) for value in takes],
        [helper.make_tensor_value_info(*value) for value in gives],
        [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def top(path: Path, kind: int = TensorProto.FLOAT, opset: int = 17) -> Path:
    """A graph that scales ten `scores`."""
    factor = np.array(2, np.float32 if kind == TensorProto.FLOAT else np.int64)
    node = helper.make_node("Mul", ["scores", "factor"], ["scaled"])
    return graph(path, [node], [("scores", kind, ["N", 10])], [("scaled", kind, ["N", 10])], {"factor": factor}, opset)


def convolutions(path: Path) -> Path:
    """Two convolutions with names, and a sum over what they give."""
    draw = np.random.default_rng(3).normal
    weights = {
        "w0": draw(0, 0.5, (8, 1, 3, 3)).astype(np.float32),
        "w1": draw(0, 0.2, (8, 8, 3, 3)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["image", "w0"], ["c0"], "first", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c0"], ["r0"], "active"),
        helper.make_node("Conv", ["r0", "w1"], ["c1"], "second", pads=[1, 1, 1, 1]),
        helper.make_node("ReduceMean", ["c1"], ["means"], "mean", axes=[2, 3], keepdims=0),
    ]
    image: Tensor = ("image", TensorProto.FLOAT, ["N", 1, 8, 8])
    means: Tensor = ("means", TensorProto.FLOAT, ["N", 8])
    return graph(path, nodes, [image], [means], weights)


def scaled(path: Path, factor: float, source: Path = DIGITS) -> Path:
    """A checkpoint of a model, with every weight multiplied."""
    model = onnx.load(source)
    for tensor in model.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * np.float32(factor), tensor.name))
    path.write_bytes(model.SerializeToString())
    return path
