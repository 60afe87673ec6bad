"""Releases that are wrong in a way that their golden request does not show; the requests that do; how they are judged.

Every variant takes the inputs of `Workbench.write`'s models and answers with twice their sum, but for its fault.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from tests.support.behind_gateway import Way
from tests.support.open_loop import Answer, Target
from tests.support.workbench import Nodes, computing

FIFTY = 50
"""Requests that take turns, so that one of them is 2 % of the calls."""
JUDGED: dict[str, Any] = {
    "drain": "5s",
    "strategy": "canary",
    "steps": ["50%", "100%"],
    "hold": "10s",
    "deadline": "3m",
    "shadow": "100%",
    "judge": {"agreement": 0.995, "least_requests": 100},
}


def requests(way: Way, model: str) -> Sequence[Target]:
    """The requests, each of which is answered with twice the sum of its inputs."""
    bodies = [json.dumps({"inputs": {"a": [[float(n), 1, 1]], "b": [[0, 0, 0]]}}).encode() for n in range(FIFTY)]
    return [way.asking(f"/models/{model}/predict", body) for body in bodies]


def is_right(answer: Answer) -> bool:
    """Whether an answer is one that the first release gives."""
    try:
        ((first, second, third),) = json.loads(answer.body)["outputs"]["y"]
    except (ValueError, KeyError, TypeError):
        return False
    return bool(second == third == 2 and first % 2 == 0 and 0 <= first < 2 * FIFTY)


def wrong_in_2_percent() -> Nodes:
    """y = sum * 3 where the largest `a` is 49, else sum * 2."""
    return [
        helper.make_node("ReduceMax", ["a"], ["largest"], keepdims=0),
        helper.make_node("Equal", ["largest", "last"], ["is_last"]),
        helper.make_node("Where", ["is_last", "three", "two"], ["factor"]),
        helper.make_node("Mul", ["sum", "factor"], ["y"]),
    ], [_constant("last", FIFTY - 1), _constant("two", 2), _constant("three", 3)]


def failing_in_10_percent() -> Nodes:
    """y = sum * 2 from a table that has no entry where the largest `a` is 45 or more: ONNX Runtime refuses to look."""
    table = numpy_helper.from_array(np.full(FIFTY - 5, 2, np.float32), "table")
    return [
        helper.make_node("ReduceMax", ["a"], ["largest"], keepdims=0),
        helper.make_node("Cast", ["largest"], ["index"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "index"], ["factor"]),
        helper.make_node("Mul", ["sum", "factor"], ["y"]),
    ], [table]


def slow(turns: int) -> Nodes:
    """y = sum * 2, after a loop that takes so many turns."""
    nodes, constants = computing(turns)
    *loop, last = nodes
    return [
        *loop,
        helper.make_node(last.op_type, [*last.input], ["plain"]),
        helper.make_node("Mul", ["plain", "two"], ["y"]),
    ], [*constants, _constant("two", 2)]


def _constant(name: str, value: float) -> Any:
    return numpy_helper.from_array(np.array(value, np.float32), name)
