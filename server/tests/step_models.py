"""Make tiny ONNX models for what stands before and after a model, and of types that few models have."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx_models import FLOAT, INT64, save, value
from tokenizers import Tokenizer, models, pre_tokenizers

BF16, BOOL = TensorProto.BFLOAT16, TensorProto.BOOL
WORDS = ("[PAD]", "[UNK]", "good", "bad", "fine", "awful")
CLASSES = ("pleased", "angry")


def scores(folder: Path, classes: int = 3, name: str = "scores") -> Path:
    """`scores` = `x` [N, classes], and `best` = where the largest of a row is."""
    nodes = [
        helper.make_node("Identity", ["x"], ["scores"]),
        helper.make_node("ArgMax", ["x"], ["best"], axis=1, keepdims=0),
    ]
    inputs = [value("x", FLOAT, ["N", classes])]
    outputs = [value("best", INT64, ["N"]), value("scores", FLOAT, ["N", classes])]
    return save(folder / f"{name}.onnx", nodes, inputs, outputs)


def one_row(folder: Path) -> Path:
    """`scores` = 2 `x` [3]: no dimension for rows."""
    nodes = [helper.make_node("Add", ["x", "x"], ["scores"])]
    return save(folder / "one_row.onnx", nodes, [value("x", FLOAT, [3])], [value("scores", FLOAT, [3])])


def bag(folder: Path) -> Path:
    """`scores` [N, 2] of the tokens of a text: a sum of what each word stands for, where the mask is 1."""
    table = np.array([[9, 9], [0, 0], [2, -2], [-2, 2], [1, -1], [-3, 3]], np.float32)
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["words"]),
        helper.make_node("Cast", ["attention_mask"], ["shown"], to=FLOAT),
        helper.make_node("Unsqueeze", ["shown", "last"], ["weights"]),
        helper.make_node("Mul", ["words", "weights"], ["weighted"]),
        helper.make_node("ReduceSum", ["weighted", "tokens"], ["scores"], keepdims=0),
    ]
    constants = [
        numpy_helper.from_array(table, "table"),
        numpy_helper.from_array(np.array([2], np.int64), "last"),
        numpy_helper.from_array(np.array([1], np.int64), "tokens"),
    ]
    inputs = [value("input_ids", INT64, ["N", "L"]), value("attention_mask", INT64, ["N", "L"])]
    return save(folder / "bag.onnx", nodes, inputs, [value("scores", FLOAT, ["N", 2])], constants)


def tokenizer(folder: Path) -> Path:
    """A tokenizer.json of six words, which are told apart by the spaces between them."""
    made = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    path = folder / "tokenizer.json"
    made.save(str(path))
    return path


def brief(folder: Path) -> Path:
    """`y` = `x` + `x` in bfloat16, `wide` = `x` as FP32, and `half` = `x` as FP16."""
    nodes = [
        helper.make_node("Add", ["x_wide", "x_wide"], ["doubled"]),
        helper.make_node("Cast", ["x"], ["x_wide"], to=FLOAT),
        helper.make_node("Cast", ["doubled"], ["y"], to=BF16),
        helper.make_node("Cast", ["x"], ["wide"], to=FLOAT),
        helper.make_node("Cast", ["x"], ["half"], to=TensorProto.FLOAT16),
    ]
    nodes[0], nodes[1] = nodes[1], nodes[0]
    outputs = [
        value("y", BF16, ["N", 2]), value("wide", FLOAT, ["N", 2]), value("half", TensorProto.FLOAT16, ["N", 2])
    ]  # fmt: skip
    return save(folder / "brief.onnx", nodes, [value("x", BF16, ["N", 2])], outputs)


def zipmap(folder: Path, rows: int | str = "N") -> Path:
    """`label` and, as scikit-learn's classifiers are exported by default, `shares`: a list of maps."""
    nodes = [
        helper.make_node("ArgMax", ["x"], ["label"], axis=1, keepdims=0),
        helper.make_node("ZipMap", ["x"], ["shares"], domain="ai.onnx.ml", classlabels_strings=["cat", "dog"]),
    ]
    kind = helper.make_map_type_proto(TensorProto.STRING, helper.make_tensor_type_proto(FLOAT, None))
    shares = helper.make_value_info("shares", helper.make_sequence_type_proto(kind))
    graph = helper.make_graph(nodes, "zipmap", [value("x", FLOAT, [rows, 2])], [value("label", INT64, [rows]), shares])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return write(folder / "zipmap.onnx", helper.make_model(graph, opset_imports=opsets, ir_version=8))


def pieces(folder: Path) -> Path:
    """`parts` = the rows of `x` [N, 2], as a sequence of tensors, and nothing else."""
    nodes = [helper.make_node("SplitToSequence", ["x"], ["parts"], axis=0)]
    kind = helper.make_sequence_type_proto(helper.make_tensor_type_proto(FLOAT, None))
    graph = helper.make_graph(nodes, "pieces", [value("x", FLOAT, ["N", 2])], [helper.make_value_info("parts", kind)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return write(folder / "pieces.onnx", model)


def with_default(folder: Path) -> Path:
    """`y` = `x` * `factor`; `factor` is 3 unless a request says another."""
    nodes = [helper.make_node("Mul", ["x", "factor"], ["y"])]
    inputs = [value("x", FLOAT, ["N"]), value("factor", FLOAT, [1])]
    factor = numpy_helper.from_array(np.array([3], np.float32), "factor")
    return save(folder / "with_default.onnx", nodes, inputs, [value("y", FLOAT, ["N"])], [factor])


def optional(folder: Path) -> Path:
    """`y` = `x` + `more` where `more`, an optional input, is given, else `x`."""
    kind = helper.make_optional_type_proto(helper.make_tensor_type_proto(FLOAT, ["N"]))
    given = helper.make_graph(
        [helper.make_node("OptionalGetElement", ["more"], ["it"]), helper.make_node("Add", ["x", "it"], ["sum"])],
        "given",
        [],
        [helper.make_tensor_value_info("sum", FLOAT, ["N"])],
    )
    missing = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["same"])], "missing", [], [value("same", FLOAT, ["N"])]
    )
    nodes = [
        helper.make_node("OptionalHasElement", ["more"], ["has"]),
        helper.make_node("If", ["has"], ["y"], then_branch=given, else_branch=missing),
    ]
    inputs = [helper.make_value_info("more", kind), value("x", FLOAT, ["N"])]
    graph = helper.make_graph(nodes, "optional", inputs, [value("y", FLOAT, ["N"])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    return write(folder / "optional.onnx", model)


def pairs(folder: Path) -> Path:
    """`y` = `a` + `b`, whose dimensions `batch` and `length` are the same by their names."""
    nodes = [helper.make_node("Add", ["a", "b"], ["y"])]
    inputs = [value("a", FLOAT, ["batch", "length"]), value("b", FLOAT, ["batch", "length"])]
    return save(folder / "pairs.onnx", nodes, inputs, [value("y", FLOAT, ["batch", "length"])])


def outside(folder: Path) -> Path:
    """`y` = `x` * 2 * 3 * 5, whose factors are external data in folders: of the graph, of a branch, of a function."""
    home = folder / "outside"
    for number, name in ((2, "a.bin"), (3, "deep/b.bin"), (5, "deep/er/c.bin")):
        path = home / "weights" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(np.full(256, number, np.float32).tobytes())

    def constant(output: str, name: str) -> onnx.NodeProto:
        return helper.make_node("Constant", [], [output], value=apart(output, name))

    def branch(name: str) -> onnx.GraphProto:
        nodes = [constant("three", "deep/b.bin"), helper.make_node("Mul", ["doubled", "three"], [name])]
        return helper.make_graph(nodes, name, [], [value(name, FLOAT, ["N", 256])])

    function = helper.make_function(
        "local", "Quintuple", ["i"], ["o"],
        [constant("five", "deep/er/c.bin"), helper.make_node("Mul", ["i", "five"], ["o"])],
        [helper.make_opsetid("", 17)],
    )  # fmt: skip
    nodes = [
        helper.make_node("Mul", ["x", "two"], ["doubled"]),
        helper.make_node("If", ["yes"], ["sixfold"], then_branch=branch("t"), else_branch=branch("e")),
        helper.make_node("Quintuple", ["sixfold"], ["y"], domain="local"),
    ]
    yes = numpy_helper.from_array(np.array(True), "yes")
    graph = helper.make_graph(
        nodes, "outside", [value("x", FLOAT, ["N", 256])], [value("y", FLOAT, ["N", 256])], [apart("two", "a.bin"), yes]
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8, functions=[function])
    return write(home / "outside.onnx", model)


def apart(name: str, file: str) -> onnx.TensorProto:
    """Return 256 FP32 numbers whose bytes are in a file of the folder `weights`."""
    tensor = TensorProto(name=name, data_type=FLOAT, dims=[256], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=f"weights/{file}")
    return tensor


def write(path: Path, model: onnx.ModelProto) -> Path:
    """Write a model that is not checked: ONNX Runtime says whether it is one."""
    path.write_bytes(model.SerializeToString())
    return path
