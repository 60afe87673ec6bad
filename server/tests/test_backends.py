"""Each backend answers as its own library does, is known by its lock, and refuses what it cannot serve in words."""

import pickle
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
import skops.io
import xgboost
from onnx_models import endless
from processes import DIGITS, ROOT
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from slipway_server.backends.base import Cancellation, ModelError, Session
from slipway_server.backends.loading import load
from slipway_server.execution.decision import decide_batching
from slipway_server.page.graph import graph_of_whole
from slipway_server.values.config import BatchSection, ModelSection
from slipway_server.values.errors import BadRequest, ModelFault

LITE = ROOT / "models" / "digits-lite" / "model.tflite"
IMAGE = {"name": "image", "datatype": "FP32", "shape": [None, 1, 8, 8]}
LABEL = {"name": "label", "datatype": "INT64", "shape": [None]}
CHANCES = {"name": "probabilities", "datatype": "FP32", "shape": [None, 10]}
ROWS = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
CLASSES = (ROWS[:, 0] > 0).astype(np.int64) + (ROWS[:, 1] > 1)


def loaded(path: Path, backend: str, inputs: list[dict[str, Any]], outputs: list[dict[str, Any]]) -> Session:
    signature = {"inputs": inputs, "outputs": outputs}
    section = {"name": "m", "version": "1.0.0", "path": str(path), "backend": backend, "signature": signature}
    return load(ModelSection.model_validate(section), 1, None)


def of_rows(path: Path, *outputs: tuple[str, str, Sequence[int | None]], columns: int = 3) -> Session:
    described = [{"name": name, "datatype": datatype, "shape": list(shape)} for name, datatype, shape in outputs]
    return loaded(path, "sklearn", [{"name": "input", "datatype": "FP32", "shape": [None, columns]}], described)


def test_litert_answers_a_held_out_set_whatever_the_number_of_rows() -> None:
    session = loaded(LITE, "litert", [IMAGE], [LABEL, CHANCES])
    held_out = np.load(DIGITS / "test.npz")
    together = session.run({"image": held_out["image"]})
    assert float(np.mean(together["label"] == held_out["label"])) > 0.97
    for rows in (1, 7, 1):
        part = session.run({"image": held_out["image"][:rows]})
        np.testing.assert_allclose(part["probabilities"], together["probabilities"][:rows], rtol=1e-4, atol=1e-6)


def test_rows_of_a_tflite_file_run_together_as_trials_find() -> None:
    session = loaded(LITE, "litert", [IMAGE], [LABEL, CHANCES])
    golden = {"image": np.load(DIGITS / "test.npz")["image"][:1]}
    assert decide_batching(session, golden, BatchSection(), 10).enabled


def test_litert_says_which_shape_it_cannot_compute() -> None:
    session = loaded(LITE, "litert", [IMAGE], [LABEL, CHANCES])
    with pytest.raises(BadRequest, match="cannot be computed by the model"):
        session.run({"image": np.zeros((1, 1, 8, 9), np.float32)})
    assert session.run({"image": np.zeros((1, 1, 8, 8), np.float32)})["label"].shape == (1,)


def test_another_model_than_the_lock_is_of_is_not_served() -> None:
    with pytest.raises(ModelError, match=r"has the outputs .*, and its lock says `label` INT64 \[any\]; next: serve"):
        loaded(LITE, "litert", [IMAGE], [LABEL])


@pytest.mark.parametrize("backend", ["litert", "sklearn"])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, backend: str) -> None:
    (tmp_path / "model").write_bytes(b"no model of anything")
    with pytest.raises(ModelError, match="cannot load it: "):
        loaded(tmp_path / "model", backend, [IMAGE], [LABEL])


def test_a_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        loaded(tmp_path / "model", "litert", [IMAGE], [LABEL])


def test_a_classifier_of_scikit_learn_answers_labels_and_probabilities(tmp_path: Path) -> None:
    model = LogisticRegression().fit(ROWS, CLASSES)
    skops.io.dump(model, tmp_path / "model.skops")
    outputs = ("label", "INT64", [None]), ("probabilities", "FP64", [None, 3])
    answered = of_rows(tmp_path / "model.skops", *outputs).run({"input": ROWS})
    assert answered["label"].tolist() == model.predict(ROWS).tolist()
    np.testing.assert_array_equal(answered["probabilities"], model.predict_proba(ROWS).astype(np.float64))


def test_a_pipeline_of_scikit_learn_takes_texts(tmp_path: Path) -> None:
    texts, words = np.array([["good"], ["bad"]], dtype=object), ["pos", "neg"]
    skops.io.dump(make_pipeline(CountVectorizer(), LogisticRegression()).fit(texts.ravel(), words), tmp_path / "m")
    text = {"name": "text", "datatype": "BYTES", "shape": [None, 1]}
    session = loaded(tmp_path / "m", "sklearn", [text], [{"name": "label", "datatype": "BYTES", "shape": [None]}])
    assert session.run({"text": texts})["label"].tolist() == words


def test_a_regressor_answers_a_number(tmp_path: Path) -> None:
    skops.io.dump(LinearRegression().fit(ROWS, ROWS[:, 0] * 2), tmp_path / "model.skops")
    answered = of_rows(tmp_path / "model.skops", ("prediction", "FP32", [None])).run({"input": ROWS})
    np.testing.assert_allclose(answered["prediction"], ROWS[:, 0] * 2, rtol=1e-4, atol=1e-5)


def test_xgboost_answers_as_its_own_predict(tmp_path: Path) -> None:
    model = xgboost.XGBClassifier(n_estimators=3, max_depth=2).fit(ROWS, CLASSES)
    model.save_model(tmp_path / "model.ubj")
    outputs = ("label", "INT64", [None]), ("probabilities", "FP32", [None, 3])
    answered = of_rows(tmp_path / "model.ubj", *outputs).run({"input": ROWS})
    assert answered["label"].tolist() == model.predict(ROWS).tolist()
    np.testing.assert_allclose(answered["probabilities"], model.predict_proba(ROWS), rtol=1e-5)


def test_lightgbm_answers_as_its_own_predict(tmp_path: Path) -> None:
    settings = {"objective": "binary", "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 2}
    model = lightgbm.train(settings, lightgbm.Dataset(ROWS, CLASSES > 0), 3)
    model.save_model(tmp_path / "model.txt")
    outputs = ("label", "INT64", [None]), ("probabilities", "FP64", [None, 2])
    answered = of_rows(tmp_path / "model.txt", *outputs).run({"input": ROWS})
    np.testing.assert_allclose(answered["probabilities"][:, 1], model.predict(ROWS), rtol=1e-6)
    assert answered["label"].tolist() == (np.asarray(model.predict(ROWS)) > 0.5).astype(int).tolist()


def test_rows_that_the_estimator_refuses_are_a_bad_request(tmp_path: Path) -> None:
    skops.io.dump(LinearRegression().fit(ROWS, ROWS[:, 0]), tmp_path / "model.skops")
    session = of_rows(tmp_path / "model.skops", ("prediction", "FP64", [None]))
    with pytest.raises(BadRequest, match="NaN"):
        session.run({"input": np.full((1, 3), np.nan, np.float32)})


def test_an_answer_that_the_lock_does_not_know_is_of_concern_to_nobody_but_its_sender(tmp_path: Path) -> None:
    skops.io.dump(LinearRegression().fit(ROWS, ROWS[:, 0]), tmp_path / "model.skops")
    with pytest.raises(ModelFault, match="is not what the model answers"):
        of_rows(tmp_path / "model.skops", ("label", "INT64", [None])).run({"input": ROWS})


class Own(LinearRegression):  # type: ignore[misc]
    """An estimator of a user's own."""


def test_a_class_of_one_s_own_in_a_skops_archive_is_not_loaded(tmp_path: Path) -> None:
    skops.io.dump(Own().fit(ROWS, ROWS[:, 0]), tmp_path / "model.skops")
    with pytest.raises(ModelError, match=r"asks for .*Own; allowed: classes of scikit-learn, XGBoost, LightGBM"):
        of_rows(tmp_path / "model.skops", ("prediction", "FP64", [None]))


def test_a_pickle_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(LinearRegression()))
    with pytest.raises(ModelError, match="cannot load it"):
        of_rows(tmp_path / "model.pkl", ("prediction", "FP64", [None]))


def test_a_model_whose_file_says_nothing_needs_a_signature(tmp_path: Path) -> None:
    skops.io.dump(LinearRegression().fit(ROWS, ROWS[:, 0]), tmp_path / "model.skops")
    section = {"name": "m", "version": "1.0.0", "path": str(tmp_path / "model.skops"), "backend": "sklearn"}
    with pytest.raises(ModelError, match="signature in the configuration"):
        load(ModelSection.model_validate(section), 1, None)


def test_a_run_of_onnx_runtime_ends_when_it_is_cancelled_during_it_and_before(tmp_path: Path) -> None:
    section = {"name": "m", "version": "1.0.0", "path": str(endless(tmp_path))}
    session = load(ModelSection.model_validate(section), 1, None)
    inputs = {
        tensor.name: np.ones([size or 1 for size in tensor.shape], tensor.numpy_dtype)
        for tensor in session.signature.inputs
    }
    cancellation = Cancellation()
    threading.Timer(0.2, cancellation.cancel).start()
    for _ in range(2):
        with pytest.raises(BadRequest, match="terminate"):
            session.run(inputs, cancellation)
    assert cancellation.cancelled


def test_who_cannot_be_told_is_told_nothing_after_the_run() -> None:
    told: list[str] = []
    cancellation = Cancellation()
    with cancellation.ending(lambda: told.append("first")):
        pass
    cancellation.cancel()
    assert told == []
    with cancellation.ending(lambda: told.append("second")):
        assert told == ["second"]


def test_the_page_shows_a_model_whose_layers_nobody_reads_as_one_node() -> None:
    session = loaded(LITE, "litert", [IMAGE], [LABEL, CHANCES])
    graph = graph_of_whole(session.signature, "litert")
    assert [(node["operator"], node["inputs"]) for node in graph["nodes"]] == [("litert", ["image"])]
    assert graph["total"] == 1
