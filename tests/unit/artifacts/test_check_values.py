"""Golden requests and answers at the edge of what values there are: validated as the server takes and gives them."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from slipway.errors.base import UserError
from slipway.loading.specs import load_spec_file
from slipway.reading.yaml_document import parse_document

FLOAT, INT64, UINT64, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.UINT64, TensorProto.STRING
LATIN_1 = TensorProto(name="labels", data_type=STRING, dims=[2], string_data=[b"tea", b"caf\xe9"])

SPEC = """\
apiVersion: slipway/v1
name: edge
version: 1.0.0
owner: me
artifact: {{source: edge.onnx}}
runtime: onnxruntime
resources: {{cpu: 250m, memory: 256Mi}}
check: {{request: check.json, expect: {{y: {expect}}}}}
"""


def save(
    folder: Path,
    nodes: Sequence[onnx.NodeProto],
    x: onnx.ValueInfoProto,
    y: onnx.ValueInfoProto,
    weights: Sequence[onnx.TensorProto] = (),
) -> None:
    graph = helper.make_graph(nodes, "edge", [x], [y], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)])
    model.ir_version = 8
    (folder / "edge.onnx").write_bytes(model.SerializeToString())


def identity(folder: Path, dtype: int, shape: Sequence[str | int]) -> None:
    x, y = (helper.make_tensor_value_info(name, dtype, shape) for name in "xy")
    save(folder, [helper.make_node("Identity", ["x"], ["y"])], x, y, [])


def load(folder: Path, request: str, expect: str) -> tuple[object, object]:
    """Return the golden request and the expectation of a spec as they were validated."""
    (folder / "check.json").write_text(request)
    (folder / "edge.yaml").write_text(SPEC.format(expect=expect))
    served = load_spec_file(folder / "edge.yaml", folder).base
    return served.request, served.spec.check.expect["y"]


@pytest.mark.parametrize(
    ("dtype", "number"),
    [(INT64, 2**63 - 1), (INT64, -(2**63)), (UINT64, 2**64 - 1), (INT64, 2**53 + 1), (INT64, 1234567890123456789)],
)
def test_whole_numbers_of_64_bits_stay_exact(tmp_path: Path, dtype: int, number: int) -> None:
    identity(tmp_path, dtype, ["N"])
    assert load(tmp_path, f"[{number}]", f"[{number}]") == ([number], [number])
    assert json.loads(json.dumps(load(tmp_path, f"[{number}]", f"{number}")[1])) == number


def test_a_whole_number_that_the_datatype_has_not_is_refused_with_those_that_it_has(tmp_path: Path) -> None:
    identity(tmp_path, INT64, ["N"])
    with pytest.raises(UserError, match=r"has 9223372036854775808; allowed: whole numbers that INT64 has"):
        load(tmp_path, "[1]", "[9223372036854775808]")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("+18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 2.0**64),
        ("99999999999999999999", 1e20),
        ("-9223372036854775809", -(2.0**63)),
    ],
)
def test_yaml_s_whole_numbers_are_exact_as_far_as_64_bits_go(written: str, value: float) -> None:
    read = parse_document(f"n: {written}", "f.yaml").value["n"]
    assert (read, type(read)) == (value, type(value))


def test_null_is_nan_in_the_request_and_in_what_is_expected(tmp_path: Path) -> None:
    identity(tmp_path, FLOAT, ["N", 2])
    assert load(tmp_path, "[[1, null]]", "[[1, null]]") == ([[1, None]], [[1, None]])
    assert load(tmp_path, '[[1, "-Infinity"]]', '[[1, "-Infinity"]]')[1] == [[1, "-Infinity"]]
    identity(tmp_path, INT64, ["N"])
    with pytest.raises(UserError, match="is None; allowed: whole numbers"):
        load(tmp_path, "[null]", "[1]")


@pytest.mark.parametrize("request_", ["[]", '{"inputs": [{"name":"x","datatype":"FP32","shape":[0,2],"data":[]}]}'])
@pytest.mark.parametrize("size", ["N", 0])
def test_a_request_without_values_and_an_answer_without_are_taken(
    tmp_path: Path, request_: str, size: str | int
) -> None:
    identity(tmp_path, FLOAT, [size, 2])
    assert load(tmp_path, request_, "[]")[1] == []


def test_a_fixed_size_of_0_is_kept(tmp_path: Path) -> None:
    identity(tmp_path, FLOAT, [0, 2])
    with pytest.raises(UserError, match=r"has the shape \[1, 2\]; allowed: nested lists of the shape \[0, 2\]"):
        load(tmp_path, "[[1, 2]]", "[]")


def picked(folder: Path, weights: Sequence[onnx.TensorProto], node: onnx.NodeProto) -> None:
    x = helper.make_tensor_value_info("x", INT64, ["N"])
    save(folder, [node], x, helper.make_tensor_value_info("y", STRING, ["N"]), weights)


@pytest.mark.parametrize(
    ("node", "where"),
    [
        (helper.make_node("Gather", ["labels", "x"], ["y"]), "'labels'"),
        (
            helper.make_node(
                "LabelEncoder", ["x"], ["y"], domain="ai.onnx.ml", keys_int64s=[0], values_strings=[b"caf\xe9"]
            ),
            "'values_strings' of LabelEncoder in edge",
        ),
        (
            helper.make_node(
                "LabelEncoder", ["x"], ["y"], "names", domain="ai.onnx.ml", keys_int64s=[0], values_strings=["a"],
                default_string=b"caf\xe9",
            ),
            "'default_string' of names",
        ),
    ],
)  # fmt: skip
def test_labels_that_are_not_utf_8_are_refused_before_anything_runs(
    tmp_path: Path, node: onnx.NodeProto, where: str
) -> None:
    picked(tmp_path, [LATIN_1] if where == "'labels'" else [], node)
    with pytest.raises(UserError) as refused:
        load(tmp_path, "[0]", "tea")
    assert f"has in {where} the text b'caf\\xe9', which is not UTF-8" in str(refused.value)
    assert "next: export the model again with its labels in UTF-8" in " ".join(str(refused.value).split())


def test_any_bytes_may_be_in_a_model_that_gives_no_text(tmp_path: Path) -> None:
    nodes = [helper.make_node("Size", ["labels"], ["many"]), helper.make_node("Mul", ["many", "x"], ["y"])]
    x, y = (helper.make_tensor_value_info(name, INT64, ["N"]) for name in "xy")
    save(tmp_path, nodes, x, y, [LATIN_1, numpy_helper.from_array(np.array(1), "one")])
    assert load(tmp_path, "[1]", "2") == ([1], 2)
