"""What the image's ONNX Runtime would not load is refused offline, and nothing else: the runtime is asked, too."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort  # type: ignore[import-untyped]
import pytest
from onnx import TensorProto, helper, numpy_helper
from slipway_server.values.signature import Tensor

from slipway.artifacts.onnx import read_artifact
from slipway.onnx_file.limits import limits
from slipway.reading.files import BadFile
from tests.fixtures.measure_runtime_limits import TABLE, measure, text

FLOAT = TensorProto.FLOAT
X = helper.make_tensor_value_info("x", FLOAT, ["N", 2])
Y = helper.make_tensor_value_info("y", FLOAT, ["N", 2])
ADD = helper.make_node("Add", ["x", "w"], ["y"])
RELU = helper.make_node("Relu", ["x"], ["y"])
Opsets = Sequence[tuple[str, int]]


def graph_of(
    nodes: Sequence[onnx.NodeProto],
    weights: Sequence[onnx.TensorProto] = (),
    opsets: Opsets = (("", 17),),
    *,
    ir: int = 10,
    functions: Sequence[onnx.FunctionProto] = (),
    inputs: Sequence[onnx.ValueInfoProto] = (X,),
    outputs: Sequence[onnx.ValueInfoProto] = (Y,),
) -> onnx.ModelProto:
    graph = helper.make_graph(list(nodes), "g", list(inputs), list(outputs), list(weights))
    imports = [helper.make_opsetid(*each) for each in opsets]
    return helper.make_model(graph, opset_imports=imports, ir_version=ir, functions=list(functions))


def op(name: str, domain: str = "", **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(name, ["x"], ["y"], domain=domain, name="one", **attributes)


def function(
    nodes: Sequence[onnx.NodeProto], opsets: Opsets = (("", 17),), domain: str = "mine", name: str = "F"
) -> onnx.FunctionProto:
    return helper.make_function(
        domain, name, ["x"], ["y"], list(nodes), [helper.make_opsetid(*each) for each in opsets]
    )


def branch(nodes: Sequence[onnx.NodeProto], weights: Sequence[onnx.TensorProto] = ()) -> onnx.NodeProto:
    """An If whose branches have `nodes`."""
    names = ("p", "q")
    graphs = []
    for output in names:
        last = helper.make_node("Identity", ["y"], [output])
        value = helper.make_tensor_value_info(output, FLOAT, ["N", 2])
        graphs.append(helper.make_graph([*nodes, last], output, [], [value], list(weights)))
    return helper.make_node("If", ["condition"], ["y"], then_branch=graphs[0], else_branch=graphs[1])


def with_branch(
    nodes: Sequence[onnx.NodeProto], weights: Sequence[onnx.TensorProto] = (), **more: Any
) -> onnx.ModelProto:
    condition = helper.make_node("Constant", [], ["condition"], value=numpy_helper.from_array(np.array(True), "c"))
    return graph_of([condition, branch(nodes, weights)], **more)


def elsewhere(dims: Sequence[int] = (2,), kind: int = FLOAT, **entries: str) -> onnx.TensorProto:
    """A weight `w` in a file beside the model."""
    tensor = onnx.TensorProto(name="w", dims=dims, data_type=kind, data_location=TensorProto.EXTERNAL)
    for key, value in ({"location": "w.bin"} | entries).items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return tensor


def inline(data: bytes, dims: Sequence[int] = (2,), kind: int = FLOAT) -> onnx.TensorProto:
    return onnx.TensorProto(name="w", dims=dims, data_type=kind, raw_data=data)


def loads(path: Path) -> bool:
    """Whether the runtime that the image has takes a file."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    try:
        ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception:
        return False
    return True


def saved(folder: Path, model: onnx.ModelProto, **files: int) -> Path:
    """The model with files of so many bytes beside it, `w` for w.bin."""
    path = folder / "m.onnx"
    path.write_bytes(model.SerializeToString())
    for name, size in files.items():
        (folder / f"{name}.bin").write_bytes(bytes(size))
    return path


def test_the_table_is_what_the_installed_runtime_says() -> None:
    measured = text(measure())
    assert json.loads(TABLE.read_text()) == json.loads(measured), "run python -m tests.fixtures.measure_runtime_limits"


def test_the_table_is_of_the_version_that_images_get() -> None:
    requirements = (Path(__file__).parents[3] / "server/requirements.txt").read_text()
    assert re.findall(r"^onnxruntime==(\S+)", requirements, re.MULTILINE) == [limits().version]
    assert ort.__version__ == limits().version


UNSUPPORTED = {
    "a newer IR version": (
        graph_of([RELU], ir=20),
        r"has IR version 20, and ONNX Runtime \S+ of the image reads none newer than 13",
    ),
    "a newer opset": (
        graph_of([RELU], opsets=(("", 27),)),
        r"imports opset 27 of ai.onnx, and .* supports none newer than 26",
    ),
    "a newer opset of ai.onnx.ml": (
        graph_of([RELU], opsets=(("", 17), ("ai.onnx.ml", 6))),
        r"imports opset 6 of ai.onnx.ml, .* than 5",
    ),
    "a newer opset of com.microsoft": (
        graph_of([RELU], opsets=(("", 17), ("com.microsoft", 2))),
        r"imports opset 2 of com.microsoft, .* than 1",
    ),
    "a newer opset in a function that is not called": (
        graph_of([RELU], opsets=(("", 17), ("mine", 1)), functions=[function([RELU], (("", 28),))]),
        r"imports opset 28 of ai.onnx in function F, .* than 26",
    ),
    "no opset": (graph_of([RELU], opsets=()), "imports no opset"),
    "an operator of a custom domain": (
        graph_of([op("Bar", "com.example")], opsets=(("", 17), ("com.example", 1))),
        r"has the operator Bar \(node 'one'\) of domain com.example, which ONNX Runtime \S+ of the image does not have",
    ),
    "a custom operator in a subgraph": (
        with_branch([op("Bar", "com.example")], opsets=(("", 17), ("com.example", 1))),
        r"operator Bar \(node 'one'\) of domain com.example",
    ),
    "a custom operator in a function": (
        graph_of(
            [op("F", "mine")],
            opsets=(("", 17), ("mine", 1), ("com.example", 1)),
            functions=[function([op("Bar", "com.example")], (("", 17), ("com.example", 1)))],
        ),
        r"operator Bar \(node 'one'\) in function mine.F of domain com.example",
    ),
    "a custom operator in a function of a function": (
        graph_of(
            [op("F", "mine")],
            opsets=(("", 17), ("mine", 1), ("com.example", 1)),
            functions=[
                function([op("G", "mine")], (("", 17), ("mine", 1))),
                function([op("Bar", "com.example")], (("", 17), ("com.example", 1)), name="G"),
            ],
        ),
        r"in function mine.G of domain com.example",
    ),
    "a domain that is not imported": (graph_of([op("F", "mine")], functions=[function([RELU])]), "does not import"),
    "an operator that nobody has": (graph_of([op("Bar")]), r"operator Bar \(node 'one'\) of domain ai.onnx, which"),
    "an operator of a newer opset": (
        graph_of([op("Gelu")]),
        r"has the operator Gelu \(node 'one'\), which ai.onnx has from opset 20 on, and imports opset 17",
    ),
    "an operator of a newer opset in a function that imports it": (
        graph_of([op("F", "mine")], opsets=(("", 17), ("mine", 1)), functions=[function([op("Gelu")], (("", 20),))]),
        r"in function mine.F, which ai.onnx has from opset 20 on",
    ),
    "an operator that was taken out": (
        graph_of([helper.make_node("Upsample", ["x", "w"], ["y"])], [inline(bytes(8))], opsets=(("", 13),)),
        r"operator Upsample, which ai.onnx no longer has from opset 10 on",
    ),
    "an operator for GPUs alone": (
        graph_of([op("BiasSplitGelu", "com.microsoft")], opsets=(("", 17), ("com.microsoft", 1))),
        r"operator BiasSplitGelu \(node 'one'\) as opset 1 of com.microsoft defines it, which .* cannot run on CPUs",
    ),
    "an operator as the newest opset that has it defines it, which the runtime does not know yet": (
        graph_of(
            [helper.make_node("RandomUniformLike", ["x"], ["y"], name="one")],
            opsets=(("", 22),),
        ),
        r"operator RandomUniformLike \(node 'one'\) as opset 22 of ai.onnx defines it, which .* cannot run on CPUs",
    ),
    "an operator as an early opset had it": (
        graph_of([op("Abs")], opsets=(("", 5),)),
        r"operator Abs \(node 'one'\) as opset 1 of ai.onnx defines it",
    ),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_the_runtime_does_not_load_is_refused(name: str, tmp_path: Path) -> None:
    model, message = UNSUPPORTED[name]
    path = saved(tmp_path, model)
    with pytest.raises(BadFile, match=message) as refused:
        read_artifact(path, tmp_path)
    assert refused.value.allowed
    assert refused.value.todo
    assert not loads(path)


def test_no_operator_that_the_runtime_loads_is_refused() -> None:
    command = [sys.executable, "-m", "tests.fixtures.try_operators"]
    root = Path(__file__).parents[3]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=300, check=True)
    *wrong, loaded = done.stdout.splitlines()
    assert wrong == []
    assert int(loaded.removeprefix("loaded ")) > 900


MISWIRED = {
    "an input that nothing gives": (graph_of([ADD]), "takes 'w' for the operator Add, which no input, weight or node"),
    "an input that nothing gives in a subgraph": (with_branch([ADD]), "takes 'w' for the operator Add"),
    "an output that nothing gives": (graph_of([helper.make_node("Relu", ["x"], ["z"])]), "has the output 'y', which"),
    "two nodes for one output": (graph_of([RELU, RELU]), "has 2 values named 'y'"),
    "a node for an input": (graph_of([helper.make_node("Relu", ["x"], ["x"]), RELU]), "has 2 values named 'x'"),
    "two nodes of one name": (
        graph_of([helper.make_node("Relu", ["x"], ["h"], name="a"), helper.make_node("Relu", ["h"], ["y"], name="a")]),
        "has 2 nodes named 'a'",
    ),
    "an attribute that is missing": (graph_of([op("Cast")]), r"has Cast \(node 'one'\): .*attribute"),
    "an attribute that nobody knows": (graph_of([op("Relu", key=1)]), r"has Relu \(node 'one'\): .*key"),
    "too few inputs": (graph_of([op("Add")]), r"has Add \(node 'one'\): .*input size 1"),
    "too many inputs": (graph_of([helper.make_node("Relu", ["x", "x"], ["y"])]), "has Relu: .*input size 2"),
    "an input left out that has to be there": (graph_of([helper.make_node("Add", ["x", ""], ["y"])]), "has Add: "),
    "too many outputs": (graph_of([helper.make_node("Relu", ["x"], ["y", "z"])]), "has Relu: .*output size 2"),
}


@pytest.mark.parametrize("name", MISWIRED)
def test_a_graph_that_cannot_be_put_together_is_refused(name: str, tmp_path: Path) -> None:
    model, message = MISWIRED[name]
    path = saved(tmp_path, model)
    with pytest.raises(BadFile, match=message):
        read_artifact(path, tmp_path)
    assert not loads(path)


SUPPORTED = {
    "nodes in any order": graph_of([helper.make_node("Relu", ["h"], ["y"]), helper.make_node("Relu", ["x"], ["h"])]),
    "a subgraph that takes what is around it": with_branch([RELU]),
    "an input that is left out": graph_of([helper.make_node("Clip", ["x", "", "w"], ["y"])], [inline(bytes(4), ())]),
    "the highest versions": graph_of([RELU], opsets=(("", 26), ("ai.onnx.ml", 5), ("com.microsoft", 1)), ir=13),
    "a domain that nothing uses": graph_of([RELU], opsets=(("", 17), ("com.example", 7))),
    "com.microsoft without an import": graph_of([op("Gelu", "com.microsoft")]),
    "a function": graph_of([op("F", "mine")], opsets=(("", 17), ("mine", 1)), functions=[function([RELU])]),
    "a function that is not called": graph_of(
        [RELU], opsets=(("", 17), ("mine", 1)), functions=[function([op("Bar", "z")], (("", 17), ("z", 1)))]
    ),
    "an operator that the standard makes of others": graph_of([op("HardSwish")]),
    "an operator that is optimized away": graph_of(
        [
            helper.make_node("Sigmoid", ["x"], ["h"]),
            helper.make_node("Dropout", ["h"], ["k"], is_test=1),
            helper.make_node("Softmax", ["k"], ["y"]),
        ],
        opsets=(("", 6),),
    ),
    "an operator that the runtime adds to the standard": graph_of(
        [helper.make_node("SimplifiedLayerNormalization", ["x", "w"], ["y"])], [inline(bytes(8))]
    ),
    "a constant": graph_of([helper.make_node("Constant", [], ["w"], value=inline(bytes(8))), ADD]),
    "weights of size 0": graph_of([RELU], [inline(b"", (0,))]),
    "weights of four bits": graph_of(
        [helper.make_node("Cast", ["w"], ["z"], to=FLOAT), helper.make_node("Add", ["x", "z"], ["y"])],
        [inline(bytes(1), (2,), TensorProto.INT4)],
        opsets=(("", 21),),
    ),
}


@pytest.mark.parametrize("name", SUPPORTED)
def test_what_the_runtime_loads_is_not_refused(name: str, tmp_path: Path) -> None:
    path = saved(tmp_path, SUPPORTED[name])
    assert loads(path)
    assert read_artifact(path, tmp_path).signature.outputs == (Tensor("y", "FP32", (None, 2)),)


def constant(tensor: onnx.TensorProto) -> onnx.NodeProto:
    return helper.make_node("Constant", [], ["w"], value=tensor)


def sparse(values: onnx.TensorProto) -> onnx.ModelProto:
    model = graph_of([ADD])
    values.name = "w"
    at = numpy_helper.from_array(np.array([0], np.int64), "i")
    model.graph.sparse_initializer.append(onnx.SparseTensorProto(dims=[1, 2], values=values, indices=at))
    return model


PLACES = {
    "a weight": graph_of([ADD], [elsewhere()]),
    "a constant": graph_of([constant(elsewhere()), ADD]),
    "a weight of a subgraph": with_branch([ADD], [elsewhere()]),
    "a constant of a subgraph": with_branch([constant(elsewhere()), ADD]),
    "a constant of a function": graph_of(
        [op("F", "mine")], opsets=(("", 17), ("mine", 1)), functions=[function([constant(elsewhere()), ADD])]
    ),
    "a sparse weight": sparse(elsewhere((2,))),
}


@pytest.mark.parametrize("name", PLACES)
def test_external_data_is_found_wherever_it_is_and_refused_when_it_is_missing(name: str, tmp_path: Path) -> None:
    path = saved(tmp_path, PLACES[name], w=8)
    files = read_artifact(path, tmp_path).files
    assert [(file.name, file.size) for file in files[1:]] == [("w.bin", 8)]
    (tmp_path / "w.bin").unlink()
    with pytest.raises(BadFile, match=r"has external data in 'w.bin', which is not there"):
        read_artifact(path, tmp_path)
    assert not loads(path)


MISFITS = {
    "too short a file": (elsewhere(), 7, "which has fewer than 8 bytes"),
    "an offset behind the end": (elsewhere(offset="4"), 8, "which has fewer than 12 bytes"),
    "another length than the shape has": (
        elsewhere(length="4"),
        8,
        r"a length of 4 bytes, and its shape \[2\] needs 8",
    ),
    "a negative offset": (elsewhere(offset="-1"), 12, "has '-1' for its offset"),
    "an offset that is no number": (elsewhere(offset="0x0"), 8, "has '0x0' for its offset"),
    "a length that is no number": (elsewhere(length="8 "), 8, "has '8 ' for its length"),
    "an entry that nobody knows": (elsewhere(key="1"), 8, "has the entry 'key'"),
    "no location": (elsewhere(location=""), 8, "has external data at ''"),
    "a location that is a folder": (elsewhere(location="w.bin/"), 8, "has external data at 'w.bin/'"),
    "text": (elsewhere(kind=TensorProto.STRING), 8, "'w' that is text"),
    "too few bytes in the file itself": (
        inline(bytes(4)),
        8,
        r"has 4 bytes for the weight 'w', whose shape \[2\] needs 8",
    ),
    "too many bytes in the file itself": (inline(bytes(12)), 8, "has 12 bytes for the weight 'w'"),
    "no data": (onnx.TensorProto(name="w", dims=[2], data_type=FLOAT), 8, "has 0 elements for the weight 'w'"),
    "a negative size": (inline(b"", (-2,)), 8, r"the weight 'w' with the shape \[-2\]"),
    "no type": (inline(bytes(8), kind=0), 8, "the weight 'w' of type 0"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_weights_that_do_not_fit_their_shape_are_refused(name: str, tmp_path: Path) -> None:
    tensor, size, message = MISFITS[name]
    path = saved(tmp_path, graph_of([ADD], [tensor]), w=size)
    with pytest.raises(BadFile, match=message):
        read_artifact(path, tmp_path)
    assert not loads(path)


@pytest.mark.parametrize("location", ["../w.bin", "a/../../w.bin", "/w.bin", "..", "*/_ORT_MEM_ADDR_/*", "w\0.bin"])
def test_external_data_outside_of_the_models_folder_is_refused(location: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    path = saved(folder, graph_of([ADD], [elsewhere(location=location)]), w=8)
    (tmp_path / "w.bin").write_bytes(bytes(8))
    with pytest.raises(BadFile, match=r"has external data (at|in) "):
        read_artifact(path, tmp_path)


def test_external_data_behind_a_link_stays_in_the_repository(tmp_path: Path) -> None:
    root, folder = tmp_path / "repo", tmp_path / "repo/model"
    folder.mkdir(parents=True)
    path = saved(folder, graph_of([ADD], [elsewhere(location="./data/w.bin")]), w=8)
    (root / "blobs").mkdir()
    (folder / "w.bin").rename(root / "blobs/0a1b")
    (folder / "data").mkdir()
    (folder / "data/w.bin").symlink_to("../../blobs/0a1b")
    assert [(file.name, file.path) for file in read_artifact(path, root).files[1:]] == [
        ("data/w.bin", root / "blobs/0a1b")
    ]
    (tmp_path / "secret").write_bytes(bytes(8))
    (folder / "data/w.bin").unlink()
    (folder / "data/w.bin").symlink_to("../../../secret")
    with pytest.raises(
        BadFile, match=r"in 'data/w.bin', which leads out of .*: model/data/w.bin is a link to .*/secret"
    ):
        read_artifact(path, root)


def test_names_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    model = graph_of([helper.make_node("ArgMax", ["x"], ["y"], axis=1, keepdims=0)])
    data = model.SerializeToString().replace(b"keepdims", b"keep\x80ims")
    (tmp_path / "model.onnx").write_bytes(data)
    with pytest.raises(BadFile, match="has names that are not UTF-8"):
        read_artifact(tmp_path / "model.onnx", tmp_path)


def test_a_pointer_of_git_lfs_for_external_data_is_called_one(tmp_path: Path) -> None:
    path = saved(tmp_path, graph_of([ADD], [elsewhere()]))
    (tmp_path / "w.bin").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0a\nsize 8\n")
    with pytest.raises(BadFile, match=r"in 'w.bin', which is a Git LFS pointer") as refused:
        read_artifact(path, tmp_path)
    assert refused.value.todo == "`git lfs pull` fetches the file"


def shapes(path: Path) -> list[tuple[str, list[Any]]]:
    """Outputs as the runtime says them."""
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    return [(node.type, node.shape) for node in session.get_outputs()]


def test_outputs_without_a_shape_or_a_type_get_what_the_graph_gives_them(tmp_path: Path) -> None:
    for vague in (helper.make_tensor_value_info("y", FLOAT, None), onnx.ValueInfoProto(name="y")):
        path = saved(tmp_path, graph_of([RELU], outputs=[vague]))
        assert shapes(path) == [("tensor(float)", ["N", 2])]
        assert read_artifact(path, tmp_path).signature.outputs == (Tensor("y", "FP32", (None, 2)),)


def test_shapes_are_inferred_from_the_values_of_small_weights(tmp_path: Path) -> None:
    target = numpy_helper.from_array(np.array([4, -1, 1], np.int64), "w")
    large = numpy_helper.from_array(np.ones((8, 4000), np.float32), "large")
    nodes = [
        helper.make_node("Reshape", ["x", "w"], ["h"]),
        helper.make_node("MatMul", ["x8", "large"], ["z"]),
        helper.make_node("Identity", ["h"], ["y"]),
    ]
    inputs = [
        helper.make_tensor_value_info("x", FLOAT, [8, 2]),
        helper.make_tensor_value_info("x8", FLOAT, ["N", 8]),
    ]
    outputs = [helper.make_tensor_value_info(name, FLOAT, None) for name in ("y", "z")]
    path = saved(tmp_path, graph_of(nodes, [target, large], inputs=inputs, outputs=outputs))
    assert [shape for _, shape in shapes(path)] == [[4, 4, 1], ["N", 4000]]
    assert [t.shape for t in read_artifact(path, tmp_path).signature.outputs] == [(4, 4, 1), (None, 4000)]


def test_an_output_whose_rank_nobody_knows_is_served(tmp_path: Path) -> None:
    inputs = [X, helper.make_tensor_value_info("shape", TensorProto.INT64, ["R"])]
    node = helper.make_node("Reshape", ["x", "shape"], ["y"])
    output = helper.make_tensor_value_info("y", FLOAT, None)
    path = saved(tmp_path, graph_of([node], inputs=inputs, outputs=[output]))
    assert shapes(path) == [("tensor(float)", [])]
    assert read_artifact(path, tmp_path).signature.outputs == (Tensor("y", "FP32", ()),)


def test_a_size_of_0_in_a_file_is_0(tmp_path: Path) -> None:
    past = helper.make_tensor_value_info("past", FLOAT, [0, 2])
    node = helper.make_node("Concat", ["past", "x"], ["y"], axis=0)
    path = saved(tmp_path, graph_of([node], inputs=[X, past]))
    assert [tensor.shape for tensor in read_artifact(path, tmp_path).signature.inputs] == [(None, 2), (0, 2)]


def test_an_input_with_a_default_need_not_be_given(tmp_path: Path) -> None:
    listed = helper.make_tensor_value_info("w", FLOAT, [2])
    path = saved(tmp_path, graph_of([ADD], [inline(bytes(8))], inputs=[X, listed]))
    signature = read_artifact(path, tmp_path).signature
    assert [(tensor.name, tensor.optional) for tensor in signature.inputs] == [("x", False), ("w", True)]
    assert [tensor.name for tensor in signature.required] == ["x"]


TYPES = {
    "an optional list": (
        helper.make_value_info(
            "o",
            helper.make_optional_type_proto(helper.make_sequence_type_proto(helper.make_tensor_type_proto(FLOAT, [2]))),
        ),
        "has a default",
    ),
    "a list of tensors": (helper.make_tensor_sequence_value_info("o", FLOAT, [2]), "one input for each tensor"),
    "a sparse tensor": (helper.make_sparse_tensor_value_info("o", FLOAT, [2]), "a dense tensor"),
    "an input of unknown rank": (helper.make_tensor_value_info("o", FLOAT, None), "export it with shapes"),
    "numbers of a type that no protocol has": (
        helper.make_tensor_value_info("o", TensorProto.FLOAT8E5M2, [2]),
        "export it with another type",
    ),
}


@pytest.mark.parametrize("name", TYPES)
def test_an_input_that_nobody_can_send_is_refused_with_what_helps(name: str, tmp_path: Path) -> None:
    value, todo = TYPES[name]
    path = saved(tmp_path, graph_of([RELU], inputs=[X, value]))
    with pytest.raises(BadFile, match=r"has the input 'o'") as refused:
        read_artifact(path, tmp_path)
    assert todo in refused.value.todo
    assert "zipmap" not in f"{refused.value.todo} {refused.value.problem}"
