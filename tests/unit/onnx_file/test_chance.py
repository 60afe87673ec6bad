"""What a graph leaves to chance is found wherever the runtime would meet it, and nothing else."""

from typing import Any

import onnx
import pytest
from onnx import helper

from slipway.artifacts.onnx import find_artifact
from slipway.onnx_file.chance import random_operators
from tests.support.planned import FIXTURES
from tests.unit.onnx_file.test_onnx_file import RELU, function, graph_of, op, with_branch

FILLED = helper.make_node("RandomNormal", [], ["y"], shape=[1, 2])
CALL = helper.make_node("F", ["x"], ["y"], domain="mine")
OPSETS = (("", 17), ("mine", 1))


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("RandomNormalLike", {}),
        ("RandomNormalLike", {"seed": 1.0}),
        ("RandomUniformLike", {}),
        ("Multinomial", {"sample_size": 2}),
        ("Bernoulli", {}),
    ],
)
def test_a_random_operator_is_found_in_graphs_branches_and_functions(name: str, attributes: dict[str, Any]) -> None:
    node = op(name, **attributes)
    assert random_operators(graph_of([node])) == (name,)
    assert random_operators(with_branch([node])) == (name,)
    assert random_operators(graph_of([CALL], opsets=OPSETS, functions=[function([node])])) == (name,)


def test_operators_without_input_are_found_and_each_is_named_once() -> None:
    uniform = helper.make_node("RandomUniform", [], ["z"], shape=[1, 2])
    assert random_operators(graph_of([FILLED, uniform, FILLED])) == ("RandomNormal", "RandomUniform")


@pytest.mark.parametrize(
    "model",
    [
        graph_of([RELU]),
        graph_of([op("Dropout")]),
        graph_of([op("Bernoulli", "mine")], opsets=OPSETS),
        graph_of([RELU], opsets=OPSETS, functions=[function([op("Bernoulli")])]),
    ],
    ids=["relu", "dropout of inference", "another's operator of that name", "a function that nobody calls"],
)
def test_what_answers_alike_each_time_is_not_random(model: onnx.ModelProto) -> None:
    assert random_operators(model) == ()


def test_a_file_that_is_read_says_so() -> None:
    folder = FIXTURES / "repo"
    assert find_artifact(folder / "weights/random.onnx", folder).random == ("RandomNormalLike",)
    assert find_artifact(folder / "weights/linear.onnx", folder).random == ()
