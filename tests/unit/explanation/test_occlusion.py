"""What is explained of models whose parts' weights are known, and of the example, asked as it is served."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from slipway.explanation import shown
from slipway.explanation.occlusion import Explanation, ReleaseChanged, explain
from slipway.explanation.sample import FEATURES, GRID, Sample, Unexplainable, picture, tensors
from slipway.runtimes.base import Answer

ROOT = Path(__file__).resolve().parents[3]
NUMBERS = st.floats(-100, 100, width=32).map(lambda value: round(value, 3))
Compute = Callable[[dict[str, Any]], dict[str, Any]]


def request(**inputs: Any) -> bytes:
    return json.dumps({"inputs": {name: np.asarray(value).tolist() for name, value in inputs.items()}}).encode()


def explained(sample: Sample, compute: Compute, output: str | None = None) -> Explanation:
    return explain(sample, lambda body: Answer("r1", compute(json.loads(body))), output, lambda _number, _of: None)


@given(arrays.arrays(float, st.integers(1, 40), elements=NUMBERS), st.data())
def test_of_a_linear_model_each_feature_has_its_own_term(weights: np.ndarray[Any, Any], data: st.DataObject) -> None:
    values = np.array([data.draw(st.lists(NUMBERS, min_size=len(weights), max_size=len(weights)))])
    sample = tensors(request(x=values), None)
    found = explained(sample, lambda asked: {"y": [float(np.dot(asked["inputs"]["x"][0], weights))]})
    assert [one.fall for one in found.effects] == pytest.approx(list(weights * values[0]), abs=1e-6)
    assert {one.part.row for one in found.effects} == {0}


@given(st.sampled_from([(1, 1), (1, 3), (3, 1)]), st.integers(2, 70), st.integers(2, 70))
def test_patches_of_a_picture_cover_each_pixel_once(channels: tuple[int, int], height: int, width: int) -> None:
    first, last = channels
    shape = (1, first, height, width) if last == 1 else (1, height, width, last)
    sample = tensors(request(image=np.ones(shape)), None)
    seen = np.zeros(shape)
    for part in sample.parts:
        seen[part.where] += 1
    assert (seen == 1).all()
    assert len(sample.parts) <= GRID * GRID


def test_more_features_than_parts_are_hidden_with_their_neighbours() -> None:
    sample = tensors(request(x=np.ones((1, 1000))), None)
    assert len(sample.parts) <= FEATURES
    assert sample.parts[0].name == "x[0:4]"
    assert sum(part.where[-1].stop - part.where[-1].start for part in sample.parts) == 1000


def test_whole_numbers_stay_whole_and_other_fields_are_sent_on() -> None:
    body = json.dumps({"inputs": {"n": [[3, 4]]}, "parameters": {"k": 1}}).encode()
    sample = tensors(body, 7.6)
    assert json.loads(sample.body(sample.parts[1])) == {"parameters": {"k": 1}, "inputs": {"n": [[3, 8]]}}


def test_a_label_is_needed_or_not() -> None:
    sample = tensors(request(x=[[1.0, 5.0]]), None)
    found = explained(sample, lambda asked: {"label": ["big" if sum(asked["inputs"]["x"][0]) > 3 else "small"]})
    assert [one.fall for one in found.effects] == [0.0, 1.0]
    assert found.measured.answer == "label = big"


def test_of_a_pictures_file_the_patch_that_is_looked_at_is_found() -> None:
    pixels = np.zeros((32, 48, 3), dtype=np.uint8)
    pixels[10:12, 30:33] = 255
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "PNG")

    def brightness(asked: dict[str, Any]) -> dict[str, Any]:
        with Image.open(io.BytesIO(base64.b64decode(asked["image"]))) as image:
            bright = float(np.asarray(image)[10:12, 30:33].mean()) / 255
        return {"scores": [[bright, 1 - bright]]}

    found = explained(picture(written.getvalue(), None), brightness)
    (best,) = found.strongest(1)
    assert (best.part.name, round(best.fall, 2)) == ("image: row 6, column 11", 1.0)
    assert len([one for one in found.effects if abs(one.fall) > 0.01]) == 1


def test_the_example_looks_at_the_ink_of_its_seven() -> None:
    session = onnxruntime.InferenceSession(ROOT / "models/digits/model.onnx")
    sample = tensors((ROOT / "models/digits/check.json").read_bytes(), None)

    def answer(asked: dict[str, Any]) -> dict[str, Any]:
        label, scores = session.run(None, {"image": np.asarray(asked["inputs"]["image"], dtype=np.float32)})
        return {"label": label.tolist(), "probabilities": scores.tolist()}

    found = explained(sample, answer)
    assert (found.measured.output, found.measured.index) == ("probabilities", 7)
    ink = np.asarray(json.loads((ROOT / "models/digits/check.json").read_text())["inputs"]["image"])[0, 0]
    assert all(ink[one.part.row, one.part.column] > 0.2 for one in found.strongest(3))
    picture_ = shown.draw(found, sample)
    assert picture_ == shown.draw(found, sample), "the same sample gives the same bytes"
    lines = list(shown.lines(found))
    assert lines[0].startswith("probabilities[7] = ")
    assert len(lines) == 2 + 8
    assert any("@@" in line for line in lines[2:])


def test_nothing_that_matters_is_said_so() -> None:
    found = explained(tensors(request(x=[[1.0, 2.0]]), None), lambda _: {"y": [3.0]})
    assert list(shown.lines(found))[-1] == (
        "hiding any single part changes nothing: it decided by parts together, or by none"
    )


def test_another_release_in_between_ends_it() -> None:
    releases = iter(["r1", "r1", "r2"])
    with pytest.raises(ReleaseChanged):
        explain(
            tensors(request(x=[[1.0, 2.0]]), None),
            lambda _: Answer(next(releases), {"y": [1.0]}),
            None,
            lambda _n, _o: None,
        )


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"no", "is not JSON"),
        (b"[]", "has no `inputs` by name"),
        (b'{"inputs": {}}', "has no `inputs` by name"),
        (b'{"inputs": {"x": [[1], [2]]}}', "`inputs.x` has 2 rows"),
        (b'{"inputs": {"x": 1}}', "`inputs.x` has no rows"),
        (b'{"inputs": {"x": [["a"]]}}', "`inputs.x` is not made of numbers"),
        (b'{"inputs": {"x": [[]]}}', "`inputs.x` is not made of numbers"),
        (b'{"inputs": {"x": [[1], [2, 3]]}}', "`inputs.x` has rows of different lengths"),
    ],
)
def test_what_cannot_be_taken_apart_is_refused_in_words(body: bytes, problem: str) -> None:
    with pytest.raises(Unexplainable, match=problem):
        tensors(body, None)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_sample_or_refused(data: bytes) -> None:
    for read in (tensors, picture):
        try:
            assert read(data, None).parts
        except Unexplainable as problem:
            assert problem.allowed


@pytest.mark.parametrize(
    ("outputs", "asked", "problem"),
    [
        ({"y": [1.0]}, "z", "the answer has no output 'z'"),
        ({"boxes": [[[1.0, 2.0], [3.0, 4.0]]]}, None, "the answer cannot be measured"),
        ({"boxes": [[[1.0, 2.0]]], "y": [1.0]}, "boxes", "the answer cannot be measured"),
    ],
)
def test_an_answer_that_cannot_be_measured_is_refused(outputs: dict[str, Any], asked: str | None, problem: str) -> None:
    with pytest.raises(Unexplainable, match=problem):
        explained(tensors(request(x=[[1.0]]), None), lambda _: outputs, asked)
