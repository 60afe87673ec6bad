"""Scores become labels with their confidence, and specs that do not fit the model are refused."""

import math
from pathlib import Path

import numpy as np
import pytest
import step_models
from hypothesis import given
from hypothesis import strategies as st
from processes import START_LIMIT_S, config_for, running, start
from slipway_server.steps.labels import Predictions, check_labels, parse_labels, softmax
from slipway_server.values.errors import BadRequest
from slipway_server.values.signature import Signature, Tensor
from slipway_server.values.steps import OutputSection

PETS = ["cat", "dog", "owl"]
SCORES = Tensor("scores", "FP32", (None, 3))
BEST = Tensor("best", "INT64", (None,))


def made(
    labels: list[str] | None = None, outputs: tuple[Tensor, ...] = (BEST, SCORES), **fields: object
) -> Predictions:
    return Predictions(OutputSection.model_validate(fields), labels, Signature((), outputs, {}))


def refused(labels: list[str] | None = None, outputs: tuple[Tensor, ...] = (BEST, SCORES), **fields: object) -> str:
    with pytest.raises(BadRequest) as caught:
        made(labels, outputs, **fields)
    return str(caught.value)


def array(*rows: list[float]) -> dict[str, np.ndarray]:
    return {"scores": np.array(rows, np.float32)}


def test_the_best_come_first_and_of_equal_ones_the_first_in_the_model() -> None:
    rows = made(PETS, top_k=2).of(array([0.25, 0.5, 0.25], [1, 0, 0]), single=False)
    assert [[one["label"] for one in row] for row in rows] == [["dog", "cat"], ["cat", "dog"]]
    assert rows[0][0]["confidence"] == 0.5


def test_a_single_picture_or_text_has_one_list_and_not_a_list_of_lists() -> None:
    assert made(PETS, top_k=1).of(array([0, 0, 1]), single=True) == [{"label": "owl", "confidence": 1.0}]
    assert len(made(PETS, top_k=1).of(array([0, 0, 1], [1, 0, 0]), single=True)) == 2


def test_without_labels_classes_are_numbers() -> None:
    assert made(top_k=1).of(array([0, 0, 1]), single=True) == [{"label": 2, "confidence": 1.0}]


def test_softmax_makes_shares_of_one_of_any_scores() -> None:
    shares = softmax(np.array([[1000.0, 1000.0], [-1e30, 0]], np.float32))
    assert shares.tolist() == [[0.5, 0.5], [0.0, 1.0]]
    best = made(PETS, softmax=True).of(array([0, math.log(2), 0]), single=True)[0]
    assert best["label"] == "dog"
    assert best["confidence"] == pytest.approx(0.5)


@given(st.lists(st.lists(st.floats(width=32), min_size=3, max_size=3), min_size=1, max_size=5), st.booleans())
def test_any_scores_give_every_label_once_and_no_confidence_that_json_lacks(
    rows: list[list[float]], shares: bool
) -> None:
    for row in made(PETS, softmax=shares).of(array(*rows), single=False):
        assert sorted(one["label"] for one in row) == PETS
        for one in row:
            value = one["confidence"]
            assert value is None or value in ("Infinity", "-Infinity") or math.isfinite(value)


@pytest.mark.parametrize(
    ("said", "part"),
    [
        (refused(PETS[:2]), "`output.labels` has 2 labels, and the output `scores` has 3 classes"),
        (refused(PETS, top_k=4), "`output.top_k` is 4, of 3 classes; allowed: 1 to 3"),
        (refused(of="best"), "`output.of` is `best`, INT64 of the shape [any]; allowed: scores"),
        (refused(of="nothing"), "which is no output of the model; allowed: scores"),
        (refused(outputs=(BEST,)), "output.hook for others"),
        (
            refused(outputs=(SCORES, Tensor("more", "FP16", (None, 3)))),
            "2 outputs may have scores; allowed: scores, more",
        ),
        (refused(PETS, (Tensor("m", "seq(map(string,tensor(float)))", ()),)), "has labels with their shares already"),
    ],
)
def test_a_spec_that_does_not_fit_the_model_is_refused_with_what_is_allowed(said: str, part: str) -> None:
    assert part in said


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"cat\n\ndog\n", "has 0 characters for label 2"),
        (b"cat\ndog\ncat\n", "has 'cat' as label 1 and as label 3"),
        (b"caf\xe9\n", "is a file that is not UTF-8 (byte 3)"),
        (b"", "has 0 characters for label 1"),
    ],
)
def test_a_file_of_labels_that_leaves_open_which_is_which_is_refused(data: bytes, part: str) -> None:
    with pytest.raises(BadRequest, match=r"output\.labels") as caught:
        parse_labels(data)
    assert part in str(caught.value)


def test_a_file_of_labels_may_have_been_written_on_any_system() -> None:
    assert parse_labels("größe\r\ncat\r\n".encode()) == ["größe", "cat"]
    assert check_labels(["a"]) == ["a"]


def test_predictions_stand_beside_the_outputs_and_v2_has_the_model_as_it_is(folder: Path) -> None:
    labels = folder / "labels.txt"
    labels.write_text("\n".join(PETS))
    check = {"request": {"input": [[0, 1, 0]]}, "expect": {"best": 1}}
    output = {"labels": str(labels), "top_k": 2, "softmax": True}
    with running(config_for(step_models.scores(folder), check, output=output), folder) as server:
        answer = server.post("/predict", [[0, 5, 1], [3, 0, 0]]).json
        assert [[one["label"] for one in row] for row in answer["predictions"]] == [["dog", "owl"], ["cat", "dog"]]
        assert answer["outputs"]["scores"][0] == [0.0, 5.0, 1.0]
        assert list(answer) == ["model", "version", "release", "predictions", "outputs"]
        entry = {"name": "x", "datatype": "FP32", "shape": [1, 3], "data": [0, 5, 1]}
        plain = server.post("/v2/models/scores/infer", {"inputs": [entry]}).json
        assert [one["name"] for one in plain["outputs"]] == ["best", "scores"]
        many = server.post("/predict", np.random.default_rng(1).random((3000, 3)).tolist()).json
        assert len(many["predictions"]) == 3000


def test_a_server_whose_labels_do_not_fit_does_not_start(folder: Path) -> None:
    check = {"request": {"input": [[0, 1, 0]]}, "expect": {"best": 1}}
    server = start(config_for(step_models.scores(folder), check, output={"labels": ["a", "b"]}), folder)
    assert server.process.wait(START_LIMIT_S) != 0
    assert "`output.labels` has 2 labels, and the output `scores` has 3 classes" in server.log.read_text()
