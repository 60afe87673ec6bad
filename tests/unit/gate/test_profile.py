"""Which features a profile has, in which bins, and what it refuses."""

import numpy as np
import pytest

from slipway.gate.profile import profile
from slipway.toolbox.errors import StepRefused

CHANCE = np.random.default_rng(5)
ROWS = 200


def features(**outputs: np.ndarray) -> dict[str, dict[str, object]]:
    return {one["name"]: one for one in profile({}, outputs)["features"]}


def test_of_a_picture_three_numbers_are_counted_and_of_scores_the_class_and_the_highest() -> None:
    inputs = {"image": CHANCE.random((ROWS, 3, 20, 20), dtype=np.float32)}
    found = profile(inputs, {"scores": CHANCE.random((ROWS, 5), dtype=np.float32)})["features"]
    assert [one["name"] for one in found] == [
        "scores.class", "scores.top", "image.mean", "image.spread", "image.roughness",
    ]  # fmt: skip
    assert all(sum(one["rows"]) == ROWS for one in found)


def test_numbers_are_in_tenths_and_the_outermost_edges_hold_all_of_them() -> None:
    found = features(price=CHANCE.lognormal(size=(ROWS, 1)))["price"]
    assert len(found["edges"]) == 11  # type: ignore[arg-type]
    rows = np.array(found["rows"])
    assert rows[[0, -2, -1]].tolist() == [0, 0, 0]
    assert rows[1:-2].min() >= 15


def test_columns_are_counted_each_by_itself_and_missing_numbers_are() -> None:
    table = CHANCE.normal(size=(ROWS, 2))
    table[:20, 1] = np.nan
    found = profile({"row": table}, {})["features"]
    assert [one["name"] for one in found] == ["row[0]", "row[1]"]
    assert found[1]["rows"][-1] == 20


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        (np.array(["a", "b"] * 100), ["a", "b"]),
        (np.array([3, 1] * 100), ["1", "3"]),
        (np.array([True, False] * 100), ["false", "true"]),
    ],
    ids=["texts", "numbers", "truth"],
)
def test_few_classes_are_counted_by_name(values: np.ndarray, kept: list[str]) -> None:
    found = features(answer=values)["answer"]
    assert (found["values"], found["rows"]) == (kept, [100, 100, 0])


def test_many_texts_are_counted_by_their_length() -> None:
    found = features(said=np.array(["x" * (index % 50) for index in range(ROWS)]))
    assert list(found) == ["said.length"]


def test_what_never_differs_has_one_bin() -> None:
    found = features(always=np.full(ROWS, 0.5))["always"]
    assert (found["edges"], found["rows"]) == ([0.5, 0.5], [0, ROWS, 0, 0])


def test_more_than_24_features_are_cut_from_the_last_input() -> None:
    found = profile({f"x{index}": CHANCE.random((ROWS, 8)) for index in range(4)}, {"y": CHANCE.random(ROWS)})
    assert len(found["features"]) == 24
    assert found["features"][0]["name"] == "y"


def test_too_few_rows_and_nothing_to_count_are_refused_with_what_to_do() -> None:
    with pytest.raises(StepRefused, match="has 99 rows") as few:
        profile({"x": np.zeros((99, 1))}, {})
    assert "accept.dataset" in few.value.todo
    with pytest.raises(StepRefused, match="nothing that can be counted"):
        profile({"x": np.zeros((ROWS, 0))}, {})
