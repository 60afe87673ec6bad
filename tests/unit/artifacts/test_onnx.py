"""An ONNX file is read for its signature; its external data belongs to it."""

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from slipway_server.values.signature import Tensor

from slipway.artifacts.memory import carried_body, default_max_body, needed_memory
from slipway.artifacts.onnx import Artifact, read_artifact
from slipway.reading.files import BadFile
from tests.support.planned import FIXTURES


def read(path: Path) -> Artifact:
    return read_artifact(path, path.parent)


LINEAR = FIXTURES / "repo/weights/linear.onnx"


def model_with(inputs: list[onnx.ValueInfoProto], weights: list[onnx.TensorProto]) -> onnx.ModelProto:
    node = helper.make_node("Identity", ["x"], ["y"])
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 2])]
    graph = helper.make_graph([node], "g", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    entry = model.metadata_props.add()
    entry.key, entry.value = "Image.BitmapPixelFormat", "Gray8"
    return model


X = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 2])


def test_the_signature_has_names_types_shapes_and_metadata(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(model_with([X], []).SerializeToString())
    signature = read(path).signature
    assert signature.inputs == (Tensor("x", "FP32", (None, 2)),)
    assert signature.outputs == (Tensor("y", "FP32", (None, 2)),)
    assert signature.metadata == {"Image.BitmapPixelFormat": "Gray8"}


def test_weights_that_are_listed_as_inputs_may_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    listed = helper.make_tensor_value_info("w", TensorProto.FLOAT, [1])
    path.write_bytes(
        model_with([X, listed], [numpy_helper.from_array(np.ones(1, np.float32), "w")]).SerializeToString()
    )
    assert [tensor.name for tensor in read(path).signature.required] == ["x"]


def external(folder: Path) -> Path:
    path = folder / "m.onnx"
    weights = numpy_helper.from_array(np.ones(1000, np.float32), "w")
    onnx.save(model_with([X], [weights]), path, save_as_external_data=True, location="w.bin", size_threshold=0)
    return path


def test_external_data_counts_in_files_size_and_digest(tmp_path: Path) -> None:
    path = external(tmp_path)
    before = read(path)
    assert [file.name for file in before.files] == ["m.onnx", "w.bin"]
    assert before.size == path.stat().st_size + 4000
    (tmp_path / "w.bin").write_bytes(bytes(4000))
    assert read(path).sha256 != before.sha256


def test_external_data_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    path = external(tmp_path)
    (tmp_path / "w.bin").write_bytes(bytes(100))
    with pytest.raises(BadFile, match=r"has external data in 'w.bin', which has fewer than 4000 bytes"):
        read(path)


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(LINEAR.read_bytes())
    first = read(path)
    assert read(path).signature is first.signature
    path.write_bytes(model_with([X], []).SerializeToString())
    os.utime(path, ns=(1, 1))
    assert read(path).sha256 != first.sha256


def test_a_model_needs_more_memory_than_its_weights_have() -> None:
    assert needed_memory(2**30) > 2 * 2**30


@pytest.mark.parametrize(
    ("memory", "carried", "default"),
    [(128, 1, 1), (200, 4.5, 2.25), (256, 8, 4), (512, 24, 10), (4096, 248, 10)],
)
def test_the_largest_body_follows_from_the_memory(memory: int, carried: float, default: float) -> None:
    """A sixteenth of what 128Mi for the server leave, in quarters of 1Mi; half of that when a spec names none."""
    assert carried_body(memory * 2**20, 0) == carried * 2**20
    assert default_max_body(memory * 2**20, 0) == default * 2**20
