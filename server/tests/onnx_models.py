"""Make tiny ONNX models, each with one property that the server must cope with."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64, STRING, UINT8 = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING, TensorProto.UINT8


def tabular(folder: Path) -> Path:
    """Two inputs: `features` FP32 [N,3] and `weight` INT64 [N,1]; `score` = weight * sum, `rank` = 2 * weight."""
    nodes = [
        helper.make_node("ReduceSum", ["features", "axis"], ["total"], keepdims=1),
        helper.make_node("Cast", ["weight"], ["factor"], to=FLOAT),
        helper.make_node("Mul", ["total", "factor"], ["score"]),
        helper.make_node("Add", ["weight", "weight"], ["rank"]),
    ]
    inputs = [value("features", FLOAT, ["N", 3]), value("weight", INT64, ["N", 1])]
    outputs = [value("score", FLOAT, ["N", 1]), value("rank", INT64, ["N", 1])]
    axis = [numpy_helper.from_array(np.array([1], np.int64), "axis")]
    return save(folder / "tabular.onnx", nodes, inputs, outputs, axis)


def logarithm(folder: Path) -> Path:
    """`y` = log(`x`): infinite for 0, not a number below."""
    nodes = [helper.make_node("Log", ["x"], ["y"])]
    return save(folder / "logarithm.onnx", nodes, [value("x", FLOAT, ["N", 2])], [value("y", FLOAT, ["N", 2])])


def lookup(folder: Path) -> Path:
    """`y` = table[`index`] with five entries: other indices are errors of ONNX Runtime."""
    nodes = [helper.make_node("Gather", ["table", "index"], ["y"])]
    table = [numpy_helper.from_array(np.arange(5, dtype=np.float32), "table")]
    return save(folder / "lookup.onnx", nodes, [value("index", INT64, ["N"])], [value("y", FLOAT, ["N"])], table)


def running_sum(folder: Path) -> Path:
    """`y` = sums over the first dimension: its rows depend on each other, although their number is free."""
    nodes = [helper.make_node("CumSum", ["x", "axis"], ["y"])]
    axis = [numpy_helper.from_array(np.array(0, np.int64), "axis")]
    return save(
        folder / "running_sum.onnx",
        nodes,
        [value("x", FLOAT, ["T", 2])],
        [value("y", FLOAT, ["T", 2])],
        axis,
    )


def echo_text(folder: Path) -> Path:
    """`y` = `x`, strings."""
    nodes = [helper.make_node("Identity", ["x"], ["y"])]
    return save(folder / "echo_text.onnx", nodes, [value("x", STRING, ["N"])], [value("y", STRING, ["N"])])


def identities(folder: Path) -> Path:
    """An input of each datatype, named by its type in ONNX: `y_float` = `x_float` [N] and so on."""
    types = (
        "BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FLOAT16 FLOAT DOUBLE STRING".split()  # noqa: SIM905
    )
    names = [name.lower() for name in types]
    nodes = [helper.make_node("Identity", [f"x_{name}"], [f"y_{name}"]) for name in names]
    inputs = [value(f"x_{name}", getattr(TensorProto, name.upper()), [f"N_{name}"]) for name in names]
    outputs = [value(f"y_{name}", getattr(TensorProto, name.upper()), [f"N_{name}"]) for name in names]
    return save(folder / "identities.onnx", nodes, inputs, outputs)


def cache(folder: Path) -> Path:
    """`present` = `past` and then `x`: a decoder's cache, which is empty in its first step; `none` has a size of 0."""
    nodes = [
        helper.make_node("Concat", ["past", "x"], ["present"], axis=0),
        helper.make_node("Identity", ["none"], ["still_none"]),
    ]
    inputs = [value("x", FLOAT, ["N", 2]), value("past", FLOAT, ["P", 2]), value("none", FLOAT, [0, 2])]
    outputs = [value("present", FLOAT, ["T", 2]), value("still_none", FLOAT, [0, 2])]
    return save(folder / "cache.onnx", nodes, inputs, outputs)


def labels(folder: Path) -> Path:
    """`label` = the text of `index`; that of 1 is Latin-1, which ONNX does not allow."""
    texts = TensorProto(name="labels", data_type=STRING, dims=[3], string_data=[b"tea", b"caf\xe9", "größe".encode()])
    nodes = [helper.make_node("Gather", ["labels", "index"], ["label"])]
    return save(folder / "labels.onnx", nodes, [value("index", INT64, ["N"])], [value("label", STRING, ["N"])], [texts])


def reshaped(folder: Path) -> Path:
    """`y` = `x` in the shape that `shape` says: its rank is known only when it is there."""
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["y"])]
    output = helper.make_tensor_value_info("y", FLOAT, None)
    inputs = [value("x", FLOAT, ["N"]), value("shape", INT64, ["R"])]
    return save(folder / "reshaped.onnx", nodes, inputs, [output], checked=False)


def stateful(folder: Path) -> Path:
    """`state` [2,B,3] has its batch in the second dimension, `rate` is a scalar: must not be batched."""
    nodes = [
        helper.make_node("Cast", ["rate"], ["factor"], to=FLOAT),
        helper.make_node("Mul", ["state", "factor"], ["next"]),
        helper.make_node("ReduceSum", ["x", "axis"], ["y"], keepdims=1),
    ]
    inputs = [value("x", FLOAT, ["B", 4]), value("state", FLOAT, [2, "B", 3]), value("rate", INT64, [])]
    outputs = [value("y", FLOAT, ["B", 1]), value("next", FLOAT, [2, "B", 3])]
    axis = [numpy_helper.from_array(np.array([1], np.int64), "axis")]
    return save(folder / "stateful.onnx", nodes, inputs, outputs, axis)


def slow(folder: Path) -> Path:
    """`y` = `x` after `rounds` rounds of a matrix product: as slow as the request asks for."""
    size = 128
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["m_in", "mixing"], ["m_out"]),
            helper.make_node("Identity", ["go_in"], ["go_out"]),
        ],
        "body",
        [value("i", INT64, []), value("go_in", TensorProto.BOOL, []), value("m_in", FLOAT, [size, size])],
        [value("go_out", TensorProto.BOOL, []), value("m_out", FLOAT, [size, size])],
    )
    nodes = [
        helper.make_node("Squeeze", ["rounds"], ["count"]),
        helper.make_node("Loop", ["count", "", "start"], ["end"], body=body),
        helper.make_node("ReduceSum", ["end"], ["y"], keepdims=0),
    ]
    constants = [
        numpy_helper.from_array(np.eye(size, dtype=np.float32), "mixing"),
        numpy_helper.from_array(np.eye(size, dtype=np.float32), "start"),
    ]
    return save(folder / "slow.onnx", nodes, [value("rounds", INT64, [1])], [value("y", FLOAT, [])], constants)


def endless(folder: Path) -> Path:
    """`y` = `x`, after a loop that never ends."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Identity", ["value"], ["same"])],
        "body",
        [value("turn", INT64, []), value("go", TensorProto.BOOL, []), value("value", FLOAT, ["N"])],
        [value("on", TensorProto.BOOL, []), value("same", FLOAT, ["N"])],
    )
    nodes = [helper.make_node("Loop", ["", "always", "x"], ["y"], body=body)]
    always = [numpy_helper.from_array(np.array(True), "always")]
    return save(folder / "endless.onnx", nodes, [value("x", FLOAT, ["N"])], [value("y", FLOAT, ["N"])], always)


def ones(folder: Path) -> Path:
    """`y` = 1 in the shape `size`: a request of a few bytes decides how large the answer is."""
    nodes = [
        helper.make_node("ConstantOfShape", ["size"], ["y"], value=numpy_helper.from_array(np.ones(1, np.float32)))
    ]
    return save(folder / "ones.onnx", nodes, [value("size", INT64, [2])], [value("y", FLOAT, ["A", "B"])])


def picture(folder: Path, shape: Sequence[int | str], dtype: int, props: dict[str, str]) -> Path:
    """`pixels` = `image`: shows what the server makes of a picture."""
    nodes = [helper.make_node("Identity", ["image"], ["pixels"])]
    name = f"picture-{'-'.join(map(str, shape))}-{dtype}-{'-'.join(props.values())}.onnx"
    return save(folder / name, nodes, [value("image", dtype, shape)], [value("pixels", dtype, shape)], props=props)


def value(name: str, dtype: int, shape: Sequence[int | str]) -> onnx.ValueInfoProto:
    """Return an input or output of a graph."""
    return helper.make_tensor_value_info(name, dtype, shape)


def save(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: Sequence[onnx.TensorProto] = (),
    props: dict[str, str] | None = None,
    checked: bool = True,
) -> Path:
    """Write the model, and check it unless it is one that ONNX's checker refuses and ONNX Runtime runs."""
    graph = helper.make_graph(nodes, path.stem, inputs, outputs, list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, props or {})
    if checked:
        onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path
