"""Make tiny ONNX models whose rows depend on each other in one way or another, and some whose rows do not."""

from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx_models import FLOAT, INT64, STRING, save, value

BOOL, DOUBLE, HALF = TensorProto.BOOL, TensorProto.DOUBLE, TensorProto.FLOAT16
Inputs = dict[str, np.ndarray[Any, Any]]
WIDTH = 3
_random = np.random.default_rng(5)
_CONSTANTS = {
    "axis0": np.array([0], np.int64),
    "axis1": np.array([1], np.int64),
    "scalar_axis0": np.array(0, np.int64),
    "one": np.array([1], np.int64),
    "two": np.array([2], np.int64),
    "minus_one": np.array([-1], np.int64),
    "index0": np.array(0, np.int64),
    "index1": np.array(1, np.int64),
    "five": np.array(5, np.float32),
    "minus_five": np.array(-5, np.float32),
    "million": np.array(1e6, np.float32),
    "tiny": np.array(1e-6, np.float32),
    "thousandth": np.array(1e-3, np.float32),
    "three": np.array(3, np.int64),
    "unit": np.array(1, np.float32),
    "zero": np.array(0, np.float32),
    "far": np.array([-(2**31)], np.int64),
    "four": np.array(4, np.int64),
    "nine": np.zeros(9, np.float32),
    "weights": _random.standard_normal((WIDTH, WIDTH)).astype(np.float32),
    "half_weights": _random.standard_normal((WIDTH, WIDTH)).astype(np.float16),
    "double_weights": _random.standard_normal((WIDTH, WIDTH)),
    "wide": _random.standard_normal((WIDTH, 1024)).astype(np.float32),
    "deep": _random.standard_normal((1024, WIDTH)).astype(np.float32),
    "short": _random.standard_normal((2, WIDTH)).astype(np.float32),
    "table": _random.standard_normal((40, WIDTH)).astype(np.float32),
}


def make(
    folder: Path,
    name: str,
    steps: str,
    inputs: dict[str, tuple[int, list[int | str]]] | None = None,
    outputs: dict[str, tuple[int, list[int | str]]] | None = None,
) -> Path:
    """Make a model of steps such as `m = ReduceMean(x) axes=[0]; y = Sub(x, m)`.

    Args:
        folder: where to.
        name: of the file.
        steps: nodes in their order; their inputs are inputs, earlier results, or constants of this module.
        inputs: element type and shape by name; `x` FP32 [N, 3] unless given.
        outputs: the same; `y` FP32 [N, 3] unless given.
    """
    nodes = []
    for step in steps.split(";"):
        results, _, call = step.partition("=")
        kind, _, rest = call.partition("(")
        arguments, _, attributes = rest.partition(")")
        given = dict(pair.split("=") for pair in attributes.split())
        settings = {key: _value(text) for key, text in given.items()}
        split = [part.strip() for part in arguments.split(",")]
        nodes.append(helper.make_node(kind.strip(), split, [part.strip() for part in results.split(",")], **settings))
    used = {argument for node in nodes for argument in node.input}
    constants = [numpy_helper.from_array(array, key) for key, array in _CONSTANTS.items() if key in used]
    ins = [value(key, *tensor) for key, tensor in (inputs or {"x": (FLOAT, ["N", WIDTH])}).items()]
    outs = [value(key, *tensor) for key, tensor in (outputs or {"y": (FLOAT, ["N", WIDTH])}).items()]
    return save(folder / f"{name}.onnx", nodes, ins, outs, constants)


def _value(text: str) -> Any:
    if text.startswith("["):
        return [int(part) for part in text[1:-1].split(",")]
    return float(text) if "." in text else int(text)


def zeros(rows: int = 2) -> Inputs:
    """A golden request of zeros, beside which a trial sees nothing unless it draws numbers of its own."""
    return {"x": np.zeros((rows, WIDTH), np.float32)}


_SHAPE = "s = Shape(x); n = Gather(s, index0)"
_IDS: dict[str, tuple[int, list[int | str]]] = {"ids": (INT64, ["N", 4])}
_TEXT: dict[str, tuple[int, list[int | str]]] = {"t": (STRING, ["N"]), "x": (FLOAT, ["N", WIDTH])}
_TWO: dict[str, tuple[int, list[int | str]]] = {"y": (FLOAT, ["N", WIDTH]), "z": (FLOAT, ["N", WIDTH])}
_LABEL: dict[str, tuple[int, list[int | str]]] = {"y": (INT64, ["N"])}
ids = {"ids": np.array([[3, 17, 0, 9], [5, 2, 39, 1]], np.int64)}
text = {"t": np.array(["a", "b"], object), "x": np.zeros((2, WIDTH), np.float32)}

# name -> (steps, inputs, outputs, golden request)
Case = tuple[str, Any, Any, Inputs]
DEPENDENT: dict[str, Case] = {
    "running sum": ("y = CumSum(x, scalar_axis0)", None, None, zeros()),
    "running sum from the end": ("y = CumSum(x, scalar_axis0) reverse=1", None, None, zeros()),
    "small running sum": ("c = CumSum(x, scalar_axis0); y = Mul(c, tiny)", None, None, zeros()),
    "mean over the batch": ("m = ReduceMean(x) axes=[0]; y = Sub(x, m)", None, None, zeros(1)),
    "small mean beside large numbers": (
        "m = ReduceMean(x) axes=[0]; b = Mul(x, million); y = Add(b, m)", None, None, zeros(1),
    ),
    "softmax over the batch": ("y = Softmax(x) axis=0", None, None, zeros()),
    "maximum of the batch": ("m = ReduceMax(x) axes=[0]; y = Sub(x, m)", None, None, zeros()),
    "minimum of the batch": ("m = ReduceMin(x) axes=[0]; y = Sub(x, m)", None, None, zeros()),
    "sorted over the batch": ("s = Shape(x); k = Slice(s, axis0, one); y, i = TopK(x, k) axis=0", None, None, zeros()),
    "place among the batch": (
        "s = Shape(x); k = Slice(s, axis0, one); v, y = TopK(x, k) axis=0",
        None, {"y": (INT64, ["N", WIDTH])}, zeros(),
    ),
    "rows in reverse": ("y = Slice(x, minus_one, far, axis0, minus_one)", None, None, zeros(3)),
    "rounding by the number of rows": (
        f"{_SHAPE}; f = Cast(n) to=1; b = Mul(f, million); a = Add(x, b); y = Sub(a, b)", None, None, zeros(1),
    ),
    "only above five": (
        "m = ReduceMean(x) axes=[0]; d = Sub(m, five); r = Relu(d); y = Add(x, r)", None, None, zeros(),
    ),
    "only below minus five": (
        "m = ReduceMean(x) axes=[0]; d = Sub(minus_five, m); r = Relu(d); y = Add(x, r)", None, None, zeros(),
    ),
    "only above a million": (
        "m = ReduceMean(x) axes=[0]; d = Sub(m, million); r = Relu(d); y = Add(x, r)", None, None, zeros(),
    ),
    "only if all are positive": (
        "m = ReduceMin(x) keepdims=0; b = Greater(m, zero); f = Cast(b) to=1; g = Mul(x, f); y = Add(x, g)",
        None, None, zeros(),
    ),
    "only if all are negative": (
        "m = ReduceMax(x) keepdims=0; b = Less(m, zero); f = Cast(b) to=1; g = Mul(x, f); y = Add(x, g)",
        None, None, zeros(),
    ),
    "only in the second output": ("y = MatMul(x, weights); z = CumSum(x, scalar_axis0)", None, _TWO, zeros()),
    "the row before": ("p = CumSum(x, scalar_axis0) exclusive=1; q = Sin(p); y = Add(x, q)", None, None, zeros()),
    "how many rows": (
        f"{_SHAPE}; f = Cast(n) to=1; t = Mul(f, thousandth); y = Add(x, t)", None, None, zeros(1),
    ),
    "a share of the rows": (f"{_SHAPE}; f = Cast(n) to=1; y = Div(x, f)", None, None, zeros(1)),
    "only from four rows on": (
        f"{_SHAPE}; b = GreaterOrEqual(n, four); f = Cast(b) to=1; g = Mul(x, f); y = Add(x, g)", None, None, zeros(1),
    ),
    "only for a number of rows that three divides": (
        f"{_SHAPE}; r = Mod(n, three); f = Cast(r) to=1; c = Clip(f, zero, unit); y = Mul(x, c)", None, None, zeros(1),
    ),
    "rows that are equal": (
        "a = Unsqueeze(x, axis0); b = Unsqueeze(x, axis1); e = Equal(a, b); f = Cast(e) to=1; "
        "p = ReduceMin(f) axes=[2] keepdims=0; c = ReduceSum(p, axis1); y = Mul(x, c)",
        None, None, zeros(),
    ),
    "missing values from the batch": (
        "n = IsNaN(x); k = Where(n, zero, x); m = ReduceMean(k) axes=[0]; y = Where(n, m, x)", None, None, zeros(),
    ),
    "attention among rows": (
        "k = Transpose(x) perm=[1,0]; s = MatMul(x, k); a = Softmax(s) axis=1; y = MatMul(a, x)", None, None, zeros(),
    ),
    "labels by the batch's mean": (
        "m = ReduceMean(x) axes=[0]; d = Sub(x, m); y = ArgMax(d) axis=1 keepdims=0", None, _LABEL, zeros(),
    ),
    "scale of the whole batch": (
        "q, s, p = DynamicQuantizeLinear(x); y = DequantizeLinear(q, s, p)", None, None, zeros(1),
    ),
    "half precision": (
        "m = ReduceMean(x) axes=[0]; d = Sub(x, m); y = MatMul(d, half_weights)",
        {"x": (HALF, ["N", WIDTH])}, {"y": (HALF, ["N", WIDTH])}, {"x": np.zeros((1, WIDTH), np.float16)},
    ),
    "one row for all": ("y = ReduceSum(x, axis0) keepdims=1", None, {"y": (FLOAT, ["M", WIDTH])}, zeros()),
    "a row for each element": ("y = Reshape(x, minus_one)", None, {"y": (FLOAT, ["M"])}, zeros()),
    "no row for zeros": ("t = NonZero(x); y = Cast(t) to=1", None, {"y": (FLOAT, ["M", "K"])}, zeros()),
    "beside text": ("u = Identity(t); y = CumSum(x, scalar_axis0)", _TEXT, {"u": (STRING, ["N"]), **{
        "y": (FLOAT, ["N", WIDTH])}}, text),
    "mean of embeddings": (
        "e = Gather(table, ids); s = ReduceSum(e, axis1) keepdims=0; m = ReduceMean(s) axes=[0]; y = Sub(s, m)",
        _IDS, None, ids,
    ),
    "largest number of all": ("m = ReduceMax(ids) axes=[0]; d = Sub(ids, m); y = Cast(d) to=1", _IDS,
                              {"y": (FLOAT, ["N", 4])}, ids),
}  # fmt: skip
BLIND: dict[str, Case] = {
    "always the same": ("b = Sub(x, x); y = Mul(b, five)", None, None, zeros()),
    "one label for all": (
        "m = ReduceSum(x, axis1) keepdims=0; z = Mul(m, zero); y = Cast(z) to=7", None, _LABEL, zeros(),
    ),
    "another output that is always the same": ("y = Neg(x); z = Sub(x, x)", None, _TWO, zeros()),
    "numbers that are all the same": (
        "f = Cast(ids) to=1; y = CumSum(f, scalar_axis0)", _IDS, {"y": (FLOAT, ["N", 4])},
        {"ids": np.zeros((2, 4), np.int64)},
    ),
    "an input without influence": (
        "g = Gather(table, ids); s = ReduceSum(g, axis1) keepdims=0; m = ReduceMean(s) axes=[0]; d = Sub(m, million); "
        "r = Relu(d); y = Add(x, r)",
        {"x": (FLOAT, ["N", WIDTH]), **_IDS}, None, zeros() | ids,
    ),
    "chance": ("r = RandomNormalLike(x); y = Add(x, r)", None, None, zeros()),
}  # fmt: skip
INDEPENDENT: dict[str, Case] = {
    "a line": ("m = MatMul(x, weights); y = Add(m, five)", None, None, zeros(1)),
    "a softmax of each row": ("m = MatMul(x, weights); y = Softmax(m) axis=1", None, None, zeros()),
    "two layers": ("h = MatMul(x, wide); r = Relu(h); y = MatMul(r, deep)", None, None, zeros(1)),
    "logarithm": ("y = Log(x)", None, None, zeros()),
    "small numbers": ("y = Mul(x, tiny)", None, None, zeros()),
    "missing values of each row": ("n = IsNaN(x); y = Where(n, five, x)", None, None, zeros()),
    "a mean of each row": ("m = ReduceMean(x) axes=[1]; y = Sub(x, m)", None, None, zeros()),
    "sorted in each row": ("y, i = TopK(x, two) axis=1", None, {"y": (FLOAT, ["N", 2])}, zeros()),
    "labels": ("m = MatMul(x, weights); y = ArgMax(m) axis=1 keepdims=0", None, _LABEL, zeros()),
    "embeddings": ("e = Gather(table, ids); y = ReduceSum(e, axis1) keepdims=0", _IDS, None, ids),
    "text beside numbers": ("u = Identity(t); y = Neg(x)", _TEXT, {"u": (STRING, ["N"]), "y": (FLOAT, ["N", 3])}, text),
    "half": (
        "y = MatMul(x, half_weights)",
        {"x": (HALF, ["N", WIDTH])}, {"y": (HALF, ["N", WIDTH])}, {"x": np.ones((1, WIDTH), np.float16)},
    ),
    "double": (
        "y = MatMul(x, double_weights)",
        {"x": (DOUBLE, ["N", WIDTH])}, {"y": (DOUBLE, ["N", WIDTH])}, {"x": np.ones((1, WIDTH))},
    ),
}  # fmt: skip
