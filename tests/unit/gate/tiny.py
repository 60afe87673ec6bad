"""A model small enough to know its answers by heart: the class of a row is its largest number."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from slipway.gate.measure import Candidate

CLASSES = 3


def candidate(path: Path, name: str = "source", swapped: tuple[int, int] = (0, 0), scale: float = 1.0) -> Candidate:
    """An ONNX file with `x` FP32 [N,3] -> `label` INT64 [N], `scores` FP32 [N,3].

    Args:
        path: where it is written.
        name: the step that made it.
        swapped: two classes that it takes for each other.
        scale: of its scores before the softmax; infinity makes them NaN.
    """
    weights = np.diag(np.full(CLASSES, scale, dtype=np.float32))
    weights[:, list(swapped)] = weights[:, list(reversed(swapped))]
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["scores"], axis=1),
            helper.make_node("ArgMax", ["logits"], ["label"], axis=1, keepdims=0),
        ],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", CLASSES])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, ["N"]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", CLASSES]),
        ],
        [numpy_helper.from_array(weights, "w")],
    )
    return _written(path, graph, name)


def still(path: Path, name: str = "source") -> Candidate:
    """`picture` FP32 [1,4,4] without a batch -> `mean` FP32 [1]: each row of a dataset is a whole request."""
    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["picture"], ["flat"], keepdims=0),
         helper.make_node("Reshape", ["flat", "one"], ["mean"])],
        "still",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 4, 4])],
        [helper.make_tensor_value_info("mean", TensorProto.FLOAT, [1])],
        [numpy_helper.from_array(np.array([1]), "one")],
    )  # fmt: skip
    return _written(path, graph, name)


def _written(path: Path, graph: onnx.GraphProto, name: str) -> Candidate:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    data = model.SerializeToString()
    path.write_bytes(data)
    return Candidate(name, path, "onnx", len(data), hashlib.sha256(data).hexdigest())


def rows(count: int = 60) -> dict[str, np.ndarray]:
    """A dataset for the tiny model, each class a third of it, all of which it answers right."""
    label = np.arange(count) % CLASSES
    noise = np.random.default_rng(1).normal(0, 0.1, (count, CLASSES))
    return {"x": (np.eye(CLASSES)[label] + noise).astype(np.float32), "label": label, "scores": label}
