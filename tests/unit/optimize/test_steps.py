"""The other steps in their real environment: what they make, and what they refuse."""

import json
import struct
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto

from slipway.optimize.held import hold_signature
from slipway.toolbox.errors import StepFailed, StepRefused
from tests.support.rounds import FULL
from tests.unit.optimize.conftest import Bench, ask
from tests.unit.optimize.models import DIGITS, ROOT, arrays, digits, graph, scaled, top

SCRIPT = """
import shutil, step
def run(request):
    shutil.copy(request.{copied}, request.output / "{written}")
    return {{"main": "model.onnx", "format": "onnx", "tools": {{}}, "settings": {{}}, "deterministic": True}}
"""


def test_simplifying_removes_what_computes_nothing(bench: Bench) -> None:
    nodes = [onnx.helper.make_node("Identity", ["x"], ["same"]), onnx.helper.make_node("Relu", ["same"], ["y"])]
    model = graph(bench.folder / "net.onnx", nodes, [("x", 1, ["N", 3])], [("y", 1, ["N", 3])])
    done = bench.do({"simplify": True}, model)
    assert [node.op_type for node in onnx.load(done.model).graph.node] == ["Relu"]
    assert done.notes == "2 nodes became 1"


@pytest.mark.parametrize(
    "step",
    [
        {"simplify": True},
        {"prune": "magnitude", "share": 0.5},
        {"average": ["other.onnx"]},
        {"merge": "top.onnx", "map": {"probabilities": "scores"}},
    ],
    ids=lambda step: next(iter(step)),
)
def test_two_processes_write_the_same_bytes(bench: Bench, step: dict[str, Any]) -> None:
    scaled(bench.folder / "other.onnx", 3)
    top(bench.folder / "top.onnx")
    done, again = bench.do(step), bench.do(step)
    assert done.answer["deterministic"]
    assert done.model.read_bytes() == again.model.read_bytes()


def test_merging_feeds_one_graph_with_the_other(bench: Bench) -> None:
    top(bench.folder / "top.onnx", opset=19)
    done = bench.do({"merge": "top.onnx", "map": {"probabilities": "scores"}})
    images = digits()
    expected = 2 * ask(DIGITS, "probabilities", image=images)
    np.testing.assert_allclose(done.answers("scaled", image=images), expected, rtol=1e-5)
    assert "gives label INT64 [N], scaled FLOAT [N, 10]" in done.notes


@pytest.mark.parametrize(
    ("pairs", "kind", "problem"),
    [
        ({"probs": "scores"}, TensorProto.FLOAT, "map: probs is no output of the model"),
        ({"probabilities": "score"}, TensorProto.FLOAT, "map: score is no input of top.onnx"),
        (
            {"probabilities": "scores"},
            TensorProto.INT64,
            "map: probabilities FLOAT [N, 10] does not feed scores INT64 [N, 10]",
        ),
        ({"label": "scores"}, TensorProto.INT64, "map: label INT64 [N] does not feed scores INT64 [N, 10]"),
    ],
    ids=["output", "input", "type", "shape"],
)
def test_a_pair_that_does_not_fit_is_refused(bench: Bench, pairs: dict[str, str], kind: int, problem: str) -> None:
    top(bench.folder / "top.onnx", kind)
    with pytest.raises(StepRefused) as refused:
        bench.do({"merge": "top.onnx", "map": pairs})
    assert refused.value.problem == problem


def test_the_mean_of_checkpoints_is_taken_weight_by_weight(bench: Bench) -> None:
    scaled(bench.folder / "other.onnx", 3)
    done = bench.do({"average": ["other.onnx"]})
    before, after = (
        {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
        for path in (DIGITS, done.model)
    )
    np.testing.assert_allclose(after["hidden_w"], 2 * before["hidden_w"], rtol=1e-6)


def test_checkpoints_of_safetensors_are_averaged_too(bench: Bench) -> None:
    first = _safetensors(bench.folder / "a.safetensors", w=np.array([1, 2], np.float32))
    _safetensors(bench.folder / "b.safetensors", w=np.array([3, 6], np.float32))
    done = bench.do({"average": ["b.safetensors"]}, first, "safetensors")
    assert np.frombuffer(done.model.read_bytes()[-8:], np.float32).tolist() == [2, 4]
    assert (done.answer["main"], done.answer["format"]) == ("model.safetensors", "safetensors")


def test_checkpoints_of_another_architecture_are_refused(bench: Bench) -> None:
    first = _safetensors(bench.folder / "a.safetensors", w=np.ones(2, np.float32))
    _safetensors(bench.folder / "b.safetensors", w=np.ones(3, np.float32))
    with pytest.raises(StepRefused, match=r"b.safetensors has w as F32 \[3\], but the source as F32 \[2\]"):
        bench.do({"average": ["b.safetensors"]}, first, "safetensors")


def test_pruning_by_magnitude_zeroes_the_share_and_says_what_it_saves(bench: Bench) -> None:
    done = bench.do({"prune": "magnitude", "share": 0.5})
    weights = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(done.model).graph.initializer}
    assert np.mean(weights["hidden_w"] == 0) == pytest.approx(0.5, abs=0.01)
    assert np.all(weights["hidden_b"] != 0)
    assert done.notes.startswith("saves nothing in storage: zeros take as many bytes; transfer shrinks by ")


@pytest.mark.skipif(not FULL, reason="needs PyTorch: 5 GB")
def test_pruning_by_structure_removes_neurons_and_keeps_the_classes(bench: Bench) -> None:
    done, again = bench.do({"prune": "structured", "share": 0.5}), bench.do({"prune": "structured", "share": 0.5})
    assert "9610 weights became 4810" in done.notes
    assert done.answers("probabilities", image=digits()).shape == (64, 10)
    assert done.model.read_bytes() == again.model.read_bytes()


@pytest.mark.skipif(not FULL, reason="needs PyTorch: 5 GB")
def test_a_network_of_one_layer_has_no_neuron_to_remove(bench: Bench) -> None:
    nodes = [onnx.helper.make_node("Gemm", ["x", "w"], ["y"])]
    weights = {"w": np.ones((3, 4), np.float32)}
    model = graph(bench.folder / "net.onnx", nodes, [("x", 1, ["N", 3])], [("y", 1, ["N", 4])], weights)
    with pytest.raises(StepRefused, match="no channel can be removed"):
        bench.do({"prune": "structured", "share": 0.5}, model)


def test_the_student_of_digits_is_smaller_and_agrees_with_its_teacher(bench: Bench) -> None:
    images = digits(600)
    arrays(bench.folder / "train.npz", image=images, label=ask(DIGITS, "label", image=images))
    step = {"distill": "models/digits/distill.py", "teacher": "models/digits/model.onnx", "data": "train.npz"}
    done = bench.do(step)
    assert done.model.stat().st_size < 0.4 * DIGITS.stat().st_size
    assert np.mean(done.answers("label", image=images) == ask(DIGITS, "label", image=images)) > 0.9
    assert done.answer["settings"]["alpha"] == 0.5


def test_a_student_that_takes_something_else_is_refused(bench: Bench) -> None:
    top(bench.folder / "top.onnx")
    arrays(bench.folder / "train.npz", image=digits(4))
    text = "import onnx\ndef student(**_):\n    return onnx.load({!r})\n"
    (bench.folder / "student.py").write_text(text.format(str(bench.folder / "top.onnx")))
    step = {"distill": "student.py", "teacher": "models/digits/model.onnx", "data": "train.npz"}
    with pytest.raises(StepRefused, match=r"input image FLOAT \[N, 1, 8, 8\] is gone"):
        bench.do(step)


def test_a_script_runs_among_the_tools_and_may_keep_the_signature(bench: Bench) -> None:
    (bench.folder / "mine.py").write_text(SCRIPT.format(copied="source", written="model.onnx"))
    done = bench.do({"script": "mine.py"})
    hold_signature(DIGITS, done.model, done.answer, _folder(bench), bench.told.append)
    assert done.model.read_bytes() == DIGITS.read_bytes()


def test_a_script_imports_what_its_requirements_list_and_nothing_of_the_tools(bench: Bench) -> None:
    with (ROOT / "uv.lock").open("rb") as file:
        packages = tomllib.load(file)["package"]
    pinned = next(package for package in packages if package["name"] == "iniconfig")
    line = f"iniconfig=={pinned['version']} --hash={pinned['wheels'][0]['hash']}\n"
    (bench.folder / "requirements.txt").write_text(line)
    check = "import importlib.util, iniconfig\nassert importlib.util.find_spec('onnx') is None\n"
    (bench.folder / "mine.py").write_text(check + SCRIPT.format(copied="source", written="model.onnx"))
    done = bench.do({"script": "mine.py", "requirements": "requirements.txt"})
    assert done.model.read_bytes() == DIGITS.read_bytes()


def test_a_script_that_changes_the_signature_has_to_say_so(bench: Bench) -> None:
    top(bench.folder / "top.onnx")
    (bench.folder / "mine.py").write_text(SCRIPT.format(copied="file('top.onnx')", written="model.onnx"))
    done = bench.do({"script": "mine.py", "reads": ["top.onnx"]})
    with pytest.raises(StepRefused, match="the step changes the signature: input image"):
        hold_signature(DIGITS, done.model, done.answer, _folder(bench), bench.told.append)
    hold_signature(DIGITS, done.model, {"signature": "changed"}, _folder(bench), bench.told.append)


def test_a_script_that_writes_nothing_fails_in_words(bench: Bench) -> None:
    (bench.folder / "mine.py").write_text(SCRIPT.format(copied="source", written="other.onnx"))
    with pytest.raises(StepFailed, match=r"wrote no model\.onnx, which its result names"):
        bench.do({"script": "mine.py"})


def _folder(bench: Bench) -> Path:
    folder = bench.folder / "held"
    folder.mkdir(exist_ok=True)
    return folder


def _safetensors(path: Path, **tensors: NDArray[Any]) -> Path:
    """A file as https://huggingface.co/docs/safetensors says: length, header, bytes."""
    header, body = {}, b""
    for name, array in tensors.items():
        data = array.tobytes()
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return path
