"""The gate measures models whose answers are known, in its own environment, and refuses datasets that do not fit."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slipway.gate.measure import Candidate, measure
from slipway.gate.report import Report
from slipway.spec.artifact.accept import Accept
from slipway.toolbox.errors import StepRefused
from tests.support import rounds
from tests.unit.gate import tiny

Arrays = dict[str, np.ndarray]


def measured(folder: Path, arrays: Arrays, *models: Candidate, **rules: Any) -> Report:
    """Without a golden request; a metric of classes where none is named."""
    np.savez(folder / "test.npz", **arrays)  # type: ignore[arg-type]
    accept = Accept.model_validate({"dataset": "test.npz", "max_drop": 0.5, "metric": "accuracy", **rules})
    return measure("tiny", models[0], models[1:], accept, None, 0.5, folder, lambda line: None)


def test_two_models_side_by_side(tmp_path: Path) -> None:
    source = tiny.candidate(tmp_path / "a.onnx")
    other = tiny.candidate(tmp_path / "b.onnx", "1 step", swapped=(0, 1))
    report = measured(
        tmp_path, tiny.rows(60), source, other, output="label", robustness={"noise": 0.01, "max_drop": 0.5}
    )
    first, second = report.variants
    assert first.metric == 1.0 and second.metric == pytest.approx(1 / 3)
    assert first.agreement == 1.0 and second.agreement == pytest.approx(1 / 3)
    assert second.confusion is not None
    assert second.confusion.counts == ((0, 20, 0), (20, 0, 0), (0, 0, 20))
    assert dict(first.robustness) == {"noise": 1.0}
    for each, made in zip(report.variants, (source, other), strict=True):
        assert each.size_bytes == made.size_bytes
        assert each.memory_bytes > 10_000_000
        assert each.one_row is not None and each.one_row.p99_ms is not None
        assert each.one_row.p50_ms <= each.one_row.p99_ms
    assert report.reference("source")["outputs"]["label"] == {"shares": {"0": 0.3333, "1": 0.3333, "2": 0.3333}}
    assert report.threads == 1 and report.rows == 60


@pytest.mark.parametrize(
    ("metric", "expected"),
    [("accuracy", 1.0), ("precision", 1.0), ("recall", 1.0), ("f1", 1.0), ("roc_auc", 1.0), ("log_loss", 0.557)],
)
def test_scores_are_held_against_classes(tmp_path: Path, metric: str, expected: float) -> None:
    report = measured(tmp_path, tiny.rows(), tiny.candidate(tmp_path / "a.onnx"), output="scores", metric=metric)
    assert report.original.metric == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(("metric", "expected"), [("mse", 0.25), ("rmse", 0.5), ("cosine", 1.0)])
def test_numbers_are_held_against_numbers(tmp_path: Path, metric: str, expected: float) -> None:
    """The model has no batch: each row of the dataset is a whole request."""
    pictures = np.ones((8, 1, 4, 4), dtype=np.float32)
    arrays = {"picture": pictures, "mean": np.full((8, 1), 1.5)}
    model = tiny.still(tmp_path / "a.onnx")
    report = measured(tmp_path, arrays, model, metric=metric, robustness={"blur": 1, "shift": 1, "max_drop": 1})
    assert report.original.metric == pytest.approx(expected)
    assert set(report.original.robustness) == {"blur", "shift"}


def test_a_golden_request_alone_gives_times_and_no_agreement(tmp_path: Path) -> None:
    golden = {"x": np.eye(3, dtype=np.float32)}
    report = measure("tiny", tiny.candidate(tmp_path / "a.onnx"), [], None, golden, 1, tmp_path, lambda line: None)
    assert report.original.golden is not None and report.original.one_row is None
    assert report.original.agreement is None and report.rows is None


def test_answers_that_are_not_numbers_are_counted_and_have_no_metric(tmp_path: Path) -> None:
    models = [
        tiny.candidate(tmp_path / "a.onnx"),
        tiny.candidate(tmp_path / "b.onnx", "1 fp16", scale=float("inf")),
    ]
    report = measured(tmp_path, tiny.rows(), *models, output="scores")
    assert report.served.broken_rows == 60
    assert report.served.metric is None and report.served.agreement == 0


def test_only_agreement_needs_no_right_answers(tmp_path: Path) -> None:
    models = [tiny.candidate(tmp_path / "a.onnx"), tiny.candidate(tmp_path / "b.onnx", "1 step", scale=1.0001)]
    arrays = {"x": tiny.rows()["x"]}
    report = measured(tmp_path, arrays, *models, metric=None, max_drop=None, agreement=0.9)
    assert report.served.agreement == 1.0 and report.served.metric is None


def test_a_step_that_changes_the_signature_is_refused(tmp_path: Path) -> None:
    models = [tiny.candidate(tmp_path / "a.onnx"), tiny.still(tmp_path / "b.onnx", "1 script")]
    with pytest.raises(StepRefused, match=r"1 script has inputs picture float32 of 3 dimensions.*those of source"):
        measured(tmp_path, tiny.rows(), *models, output="label")


def test_a_file_that_is_no_model_is_refused_with_the_step_that_wrote_it(tmp_path: Path) -> None:
    broken = tiny.candidate(tmp_path / "b.onnx", "1 script")
    broken.path.write_bytes(b"no model")
    with pytest.raises(StepRefused, match=r"1 script: load: .*ONNX Runtime loads"):
        measured(tmp_path, tiny.rows(), tiny.candidate(tmp_path / "a.onnx"), broken, output="label")


def nan(arrays: Arrays) -> None:
    arrays["x"][3, 0] = np.nan


def unknown_class(arrays: Arrays) -> None:
    arrays["scores"] = arrays["scores"] + 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda arrays: arrays.pop("x"), r"test.npz has no array x; it has label, scores"),
        (lambda arrays: arrays.update(x=arrays["x"][:7]), r"other numbers of rows in its arrays: x 7, scores 60"),
        (lambda arrays: arrays.update(x=arrays["x"][:, :2]), r"has x of shape \[60, 2\]; allowed: \[any, 3\]"),
        (lambda arrays: arrays.update(x=arrays["x"].astype(np.float64)), r"x as float64; allowed: float32.*astype"),
        (lambda arrays: arrays.update(scores=np.full(60, "cat", dtype=object)), r"array scores that cannot be read"),
        (lambda arrays: arrays.update(scores=np.eye(3)[arrays["scores"]]), r"one class for each row.*argmax"),
        (nan, r"NaN or infinity in x: 1 rows, the first is row 3"),
        (unknown_class, r"classes in scores that the model does not have: 3; allowed: whole numbers from 0 to 2"),
    ],
)
def test_a_dataset_that_does_not_fit_is_refused(tmp_path: Path, change: Callable[[Arrays], None], words: str) -> None:
    arrays = tiny.rows()
    change(arrays)
    with pytest.raises(StepRefused, match=words):
        measured(tmp_path, arrays, tiny.candidate(tmp_path / "a.onnx"), output="scores")


def test_a_dataset_with_answers_to_several_outputs_needs_the_name_of_one(tmp_path: Path) -> None:
    with pytest.raises(StepRefused, match=r"has several outputs of the model: label, scores.*set accept.output"):
        measured(tmp_path, tiny.rows(), tiny.candidate(tmp_path / "a.onnx"))


def test_what_is_no_npz_or_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    model = tiny.candidate(tmp_path / "a.onnx")
    accept = Accept.model_validate({"dataset": "test.npz", "metric": "accuracy", "min": 0.5, "output": "label"})
    npz = tmp_path / "test.npz"
    npz.write_text("x,label\n1,2\n")
    with pytest.raises(StepRefused, match=r"test.npz is no .npz file"):
        measure("tiny", model, [], accept, None, 1, tmp_path, lambda line: None)
    with zipfile.ZipFile(npz, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("x", "label"):
            archive.writestr(f"{name}.npy", b"")
        # What a file says of itself is believed before a byte of it is unpacked.
        archive.infolist()[0].file_size = 2**45
    with pytest.raises(StepRefused, match=r"unpacks to \d+ MiB; allowed: at most \d+ MiB, a quarter of what is free"):
        measure("tiny", model, [], accept, None, 1, tmp_path, lambda line: None)


def test_scores_that_are_no_probabilities_have_no_log_loss(tmp_path: Path) -> None:
    pictures: Arrays = {"picture": np.full((8, 1, 4, 4), 7, dtype=np.float32), "mean": np.arange(8) % 2}
    with pytest.raises(StepRefused, match=r"log_loss cannot be computed: .*end the model in a softmax"):
        measured(tmp_path, pictures, tiny.still(tmp_path / "a.onnx"), metric="log_loss")


def test_what_is_no_picture_cannot_be_blurred(tmp_path: Path) -> None:
    model = tiny.candidate(tmp_path / "a.onnx")
    with pytest.raises(StepRefused, match=r"accept.robustness.blur finds nothing to disturb in x float32 \[60, 3\]"):
        measured(tmp_path, tiny.rows(), model, output="label", robustness={"blur": 1, "max_drop": 0.5})


def test_litert_answers_as_onnx_runtime_does(tmp_path: Path) -> None:
    """tests/fixtures/gate/make_tflite.py wrote the file."""
    path = Path(__file__).parents[2] / "fixtures" / "gate" / "tiny.tflite"
    model = Candidate("1 convert tflite", path, "tflite", path.stat().st_size, "0" * 64)
    lite = measured(tmp_path, tiny.rows(), model, output="scores", metric="log_loss").original
    onnx = measured(tmp_path, tiny.rows(), tiny.candidate(tmp_path / "a.onnx"), output="scores", metric="log_loss")
    assert lite.metric == pytest.approx(onnx.original.metric, abs=1e-6)


@pytest.mark.skipif(not rounds.FULL, reason="needs PyTorch, 5 GB: make soak")
def test_the_fast_gradient_sign_method_finds_what_noise_of_its_size_does_not(tmp_path: Path) -> None:
    models = [tiny.candidate(tmp_path / "a.onnx"), tiny.candidate(tmp_path / "b.onnx", "1 step", scale=1.01)]
    amounts = {"fgsm": 0.6, "noise": 0.6, "max_drop": 1}
    report = measured(tmp_path, tiny.rows(300), *models, output="scores", robustness=amounts)
    for variant in report.variants:
        noise, fgsm = (variant.robustness[name] for name in ("noise", "fgsm"))
        assert noise is not None and fgsm is not None
        assert fgsm < noise - 0.2


def test_gradients_of_a_source_that_is_no_onnx_are_refused_before_anything_runs(tmp_path: Path) -> None:
    model = Candidate("source", tmp_path / "a.tflite", "tflite", 1, "0" * 64)
    with pytest.raises(StepRefused, match=r"accept.robustness.fgsm needs gradients, and source is tflite"):
        measured(tmp_path, tiny.rows(), model, output="scores", robustness={"fgsm": 0.1, "max_drop": 0.5})


def test_a_profile_for_drift_is_made_where_it_is_asked_for(tmp_path: Path) -> None:
    np.savez(tmp_path / "test.npz", **tiny.rows(120))  # type: ignore[arg-type]
    accept = Accept.model_validate({"dataset": "test.npz", "agreement": 0.5})
    model = tiny.candidate(tmp_path / "a.onnx")
    report = measure("tiny", model, [], accept, None, 0.5, tmp_path, lambda line: None, profiled=True)
    features = report.reference("source")["drift"]["features"]
    assert {"label", "scores.class", "scores.top"} <= {one["name"] for one in features}
    assert all(sum(one["rows"]) == 120 for one in features)
    assert "drift" not in measured(tmp_path, tiny.rows(120), model, output="label").reference("source")
