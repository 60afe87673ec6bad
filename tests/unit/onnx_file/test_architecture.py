"""What is another architecture of a model, and what is not."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from slipway.onnx_file.architecture import architecture

NODES = (
    helper.make_node("MatMul", ["x", "w"], ["h"]),
    helper.make_node("Relu", ["h"], ["r"]),
    helper.make_node("Reshape", ["r", "shape"], ["y"]),
)


def digest(
    nodes: Sequence[onnx.NodeProto] = NODES, seed: int = 0, hidden: int = 3, shape: tuple[int, ...] = (-1, 3)
) -> str:
    weights = np.random.default_rng(seed).standard_normal((2, hidden)).astype(np.float32)
    constants = [
        numpy_helper.from_array(weights, "w"),
        numpy_helper.from_array(np.array(shape, np.int64), "shape"),
    ]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", None]) for name in "xy")
    graph = helper.make_graph(list(nodes), "g", [x], [y], constants)
    return architecture(helper.make_model(graph))


def renamed(node: onnx.NodeProto) -> onnx.NodeProto:
    there = {"h": "hidden", "r": "active"}
    inputs, outputs = ([there.get(name, name) for name in names] for names in (node.input, node.output))
    return helper.make_node(node.op_type, inputs, outputs, name=f"node{random.random()}")


def test_other_values_and_names_and_nodes_that_nothing_needs_are_the_same_architecture() -> None:
    unused = helper.make_node("Exp", ["x"], ["nothing"])
    assert digest() == digest(seed=1) == digest([renamed(node) for node in NODES]) == digest([unused, *NODES])


@pytest.mark.parametrize(
    "other",
    [
        lambda: digest(hidden=6),
        lambda: digest(shape=(-1, 1, 3)),
        lambda: digest([NODES[0], helper.make_node("Sigmoid", ["h"], ["r"]), NODES[2]]),
        lambda: digest([NODES[0], helper.make_node("Relu", ["h"], ["r"], domain="mine"), NODES[2]]),
        lambda: digest([NODES[0], NODES[1], helper.make_node("Reshape", ["h", "shape"], ["y"])]),
        lambda: digest([*NODES[:2], helper.make_node("Reshape", ["r", "shape"], ["y"], allowzero=1)]),
    ],
)
def test_another_operator_wiring_attribute_or_size_is_another_architecture(other: object) -> None:
    assert callable(other)
    assert other() != digest()


def trees(values: list[float], post: str) -> str:
    learned = {"nodes_values": values, "nodes_featureids": list(range(len(values)))}
    nodes: dict[str, Any] = {**learned, "post_transform": post}
    node = helper.make_node("TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", **nodes)
    return digest([node])


def test_trees_that_learned_something_else_are_the_same_architecture() -> None:
    assert trees([0.5, 0.25], "NONE") == trees([0.1], "NONE") != trees([0.1], "SOFTMAX")


def inside(operator: str) -> str:
    y = helper.make_tensor_value_info("b", TensorProto.FLOAT, None)
    branch = helper.make_graph([helper.make_node(operator, ["x"], ["b"])], "branch", [], [y])
    return digest([helper.make_node("If", ["flag"], ["y"], then_branch=branch, else_branch=branch)])


def test_the_graphs_inside_of_nodes_count() -> None:
    assert inside("Relu") == inside("Relu") != inside("Exp")
