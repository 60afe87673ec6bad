"""`quantize` in its real environment: every way, what it keeps, and what it refuses."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from slipway.toolbox.errors import StepRefused
from tests.unit.optimize.conftest import Bench, ask
from tests.unit.optimize.models import DIGITS, arrays, convolutions, digits, graph

STATIC = {"calibration": "rows.npz"}


@pytest.mark.parametrize(
    ("step", "most_of_the_bytes", "agreement"),
    [
        ({"quantize": "int8-dynamic"}, 0.35, 0.97),
        ({"quantize": "int8-static", **STATIC}, 0.40, 0.9),
        ({"quantize": "uint8-static", "range": "entropy", "per_channel": True, **STATIC}, 0.40, 0.9),
        ({"quantize": "int8-static", "range": "percentile", **STATIC}, 0.40, 0.9),
        ({"quantize": "fp16"}, 0.55, 0.99),
        ({"quantize": "bf16"}, 0.55, 0.97),
        ({"quantize": "int4-weights"}, 0.25, 0.8),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_a_quantized_model_is_smaller_keeps_its_signature_and_answers_alike(
    bench: Bench, step: dict[str, Any], most_of_the_bytes: float, agreement: float
) -> None:
    images = digits(400)
    arrays(bench.folder / "rows.npz", image=images[:50])
    done, again = bench.do(step), bench.do(step)
    assert done.model.stat().st_size < most_of_the_bytes * DIGITS.stat().st_size
    before, after = onnx.load(DIGITS), onnx.load(done.model)
    assert list(after.graph.input) == list(before.graph.input)
    assert list(after.graph.output) == list(before.graph.output)
    assert list(after.metadata_props) == list(before.metadata_props)
    assert np.mean(done.answers("label", image=images) == ask(DIGITS, "label", image=images)) >= agreement
    assert done.answer["deterministic"]
    assert _digest(done.model) == _digest(again.model)  # two processes


def test_defaults_are_among_the_settings(bench: Bench) -> None:
    arrays(bench.folder / "rows.npz", image=digits(20))
    settings = bench.do({"quantize": "int8-static", **STATIC}).answer["settings"]
    assert (settings["range"], settings["per_channel"], settings["runs"]) == ("minmax", False, 20)


def test_an_excluded_convolution_keeps_its_weights(bench: Bench) -> None:
    model = convolutions(bench.folder / "net.onnx")
    arrays(bench.folder / "rows.npz", image=digits(20))
    done = bench.do({"quantize": "uint8-static", "exclude": ["second"], **STATIC}, model)
    kinds = {tensor.name: tensor.data_type for tensor in onnx.load(done.model).graph.initializer}
    assert kinds["w1"] == onnx.TensorProto.FLOAT
    assert kinds["w0_quantized"] == onnx.TensorProto.INT8


def test_weights_beside_the_graph_stay_beside_it_in_one_file(bench: Bench) -> None:
    apart = bench.folder / "apart"
    apart.mkdir()
    onnx.save_model(
        onnx.load(DIGITS), apart / "net.onnx", save_as_external_data=True, location="w.bin", size_threshold=0
    )
    done = bench.do({"quantize": "int8-dynamic"}, apart / "net.onnx", beside=("w.bin",))
    assert sorted(path.name for path in done.model.parent.iterdir()) == ["model.onnx", "model.onnx.data"]
    images = digits()
    assert np.mean(done.answers("label", image=images) == ask(DIGITS, "label", image=images)) >= 0.97


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        (
            {"image": digits(4)[:, :, :7]},
            "calibration of another shape: rows.npz has image of shape [4, 1, 7, 8], but the model takes [N, 1, 8, 8]",
        ),
        ({"image": digits(4).astype(np.float64)}, "array image is float64, but the model takes float32"),
        ({"picture": digits(4)}, "rows.npz has no array image; it has picture"),
        ({"image": digits(0)}, "calibration of another shape: rows.npz has image of shape [0, 1, 8, 8]"),
        ({"image": np.array([{}], object)}, "rows.npz is no calibration file: Object arrays cannot be loaded"),
    ],
    ids=["shape", "type", "name", "no-rows", "pickle"],
)
def test_calibration_that_does_not_fit_is_refused(bench: Bench, written: dict[str, Any], problem: str) -> None:
    arrays(bench.folder / "rows.npz", **written)
    with pytest.raises(StepRefused) as refused:
        bench.do({"quantize": "int8-static", **STATIC})
    assert problem in refused.value.problem


def test_an_unknown_node_is_refused_with_near_ones(bench: Bench) -> None:
    with pytest.raises(StepRefused) as refused:
        bench.do({"quantize": "int8-dynamic", "exclude": ["secnd"]}, convolutions(bench.folder / "net.onnx"))
    assert "'secnd'" in refused.value.problem
    assert "near: second" in refused.value.allowed


@pytest.mark.parametrize("way", ["int8-dynamic", "int4-weights", "bf16"])
def test_a_graph_without_weights_to_round_is_refused(bench: Bench, way: str) -> None:
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    model = graph(bench.folder / "net.onnx", [node], [("x", 1, ["N", 3])], [("y", 1, ["N", 3])])
    with pytest.raises(StepRefused, match="nothing was"):
        bench.do({"quantize": way}, model)


def test_trees_have_nothing_to_quantize(bench: Bench) -> None:
    model = onnx.load(convolutions(bench.folder / "net.onnx"))
    model.opset_import[0].domain = "ai.onnx.ml"
    (bench.folder / "net.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(StepRefused, match="nothing was quantized"):
        bench.do({"quantize": "int8-dynamic"}, bench.folder / "net.onnx")


def test_channels_mean_nothing_to_numbers_of_16_bits(bench: Bench) -> None:
    with pytest.raises(StepRefused, match="per_channel means nothing for fp16"):
        bench.do({"quantize": "fp16", "per_channel": True})


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
