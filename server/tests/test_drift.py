"""What the server counts of inputs and outputs: by bin, of a share of the calls, and no input in what it tells."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from processes import digits_config, running
from pydantic import ValidationError
from slipway_server.drift.features import MOST_ELEMENTS, placed, read
from slipway_server.drift.watch import MOST_ROWS, Watch
from slipway_server.values.drift import DriftSection

BOUNDS = {"psi": 30.0, "js": 4.0, "ks": 2.0}
MEAN = {
    "name": "image.mean", "side": "inputs", "of": "image", "measure": "mean", "rank": 3,
    "edges": [0.2, 0.3, 0.4], "rows": [0, 200, 250, 0, 0], "bounds": BOUNDS,
}  # fmt: skip
LABEL = {
    "name": "label", "side": "outputs", "of": "label", "measure": "value", "rank": 0,
    "values": ["7", "8"], "rows": [200, 250, 0], "bounds": {"psi": 30.0, "js": 4.0},
}  # fmt: skip


def section(*features: Any, share: float = 1.0) -> DriftSection:
    return DriftSection.model_validate({"share": share, "features": list(features or (MEAN, LABEL))})


def images(*means: float) -> np.ndarray:
    return np.stack([np.full((1, 8, 8), mean, dtype=np.float32) for mean in means])


def labels(*numbers: int) -> dict[str, np.ndarray]:
    return {"label": np.array(numbers, dtype=np.int64)}


def rows(watch: Watch) -> dict[str, list[int]]:
    return {feature.name: counts.tolist() for feature, counts in watch.counted()}


def test_rows_are_counted_in_the_bins_of_the_profile() -> None:
    watch = Watch(section())
    watch.saw({"image": images(0.1, 0.2, 0.3, 0.35)}, labels(7, 8, 8, 3))
    watch.saw({"image": images(0.41, float("nan"))}, labels(7, 9))
    assert rows(watch) == {"image.mean": [1, 1, 2, 1, 1], "label": [2, 2, 2]}


def test_edges_belong_to_the_bin_above_but_the_last_to_that_below() -> None:
    found = np.array([0.1, 0.2, 0.3, 0.4, 0.5, np.nan, np.inf, -np.inf])
    assert placed([0.2, 0.3, 0.4], found).tolist() == [0, 1, 2, 2, 3, 4, 3, 0]
    assert placed([1.0, 1.0], np.array([0.0, 1.0, 2.0])).tolist() == [0, 1, 2]


def test_a_single_request_without_rows_is_one_row_and_what_is_left_out_is_missing() -> None:
    watch = Watch(section())
    watch.saw({"image": images(0.25)[0]}, {"label": np.array(7)})
    watch.saw({}, labels(7, 7))
    assert rows(watch) == {"image.mean": [0, 1, 0, 0, 2], "label": [3, 0, 0]}


def test_of_a_call_the_first_rows_are_counted_and_of_calls_those_that_chance_chose() -> None:
    watch = Watch(section(share=0.3), iter([0.29, 0.3, 0.31, 0.0]).__next__)
    for _ in range(4):
        watch.saw({"image": images(*[0.25] * 100)}, labels(*[7] * 100))
    assert rows(watch)["label"] == [2 * MOST_ROWS, 0, 0]


def test_what_was_seen_is_held_for_64_calls_at_most_and_large_inputs_not_at_all() -> None:
    watch = Watch(section())
    for number in range(1, 200):
        watch.saw({"image": images(0.25)}, labels(7))
        assert len(watch._waiting) == number % 64
    watch.saw({"image": np.zeros((1, 3, 200, 200), dtype=np.float32)}, labels(7))
    assert not watch._waiting
    assert rows(watch) == {"image.mean": [1, 199, 0, 0, 0], "label": [200, 0, 0]}


def test_what_is_held_is_a_copy_of_what_may_change_or_belong_to_a_large_body() -> None:
    watch, body = Watch(section()), images(0.25, 0.25)
    watch.saw({"image": body[:1]}, labels(7))
    body[:] = 9
    assert rows(watch)["image.mean"] == [0, 1, 0, 0, 0]


def test_features_are_numpys_own_of_all_elements_of_small_rows() -> None:
    found = np.random.default_rng(1).normal(size=(5, 3, 4)).astype(np.float32)
    flat = found.reshape(5, 12).astype(np.float64)
    assert read("mean", 0, found) == pytest.approx(flat.mean(axis=1))
    assert read("spread", 0, found) == pytest.approx(flat.std(axis=1))
    assert read("roughness", 0, found) == pytest.approx(np.abs(np.diff(flat)).mean(axis=1))
    assert read("top", 0, found[:, 0]).tolist() == found[:, 0].max(axis=1).tolist()
    assert read("class", 0, np.array([[0.1, np.nan, 0.3]])).tolist() == [2]
    assert read("value", 2, found[:, 0]).tolist() == found[:, 0, 2].tolist()
    assert read("length", 0, np.array([["ab", "c"], ["", "ü"]], dtype=object)).tolist() == [3, 1]


@pytest.mark.parametrize("side", [224, 512])
def test_of_large_pictures_some_elements_of_every_column_are_looked_at(side: int) -> None:
    picture = np.zeros((1, 3, side, side), dtype=np.float32)
    picture[..., : side // 2] = 1.0
    assert read("mean", 0, picture)[0] == pytest.approx(0.5, abs=0.01)
    assert 3 * side * side > MOST_ELEMENTS


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rows": [1, 2]}, "rows has 2 numbers, and there are 5 bins"),
        ({"edges": [0.3, 0.2, 0.4]}, "edges rise"),
        ({"values": ["7"]}, "exactly one of edges and values"),
    ],
    ids=["rows", "edges", "both"],
)
def test_a_profile_that_does_not_fit_itself_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        section(MEAN | change)


def test_a_server_tells_what_it_counted_and_none_of_what_it_was_asked(tmp_path: Path) -> None:
    drift = section().model_dump(mode="json", exclude_none=True)
    with running(digits_config(drift=drift), tmp_path) as server:
        assert server.metric("slipway_drift_rows_total") == 0, "the golden request is nobody's"
        dark = np.full((1, 1, 8, 8), 0.987654, dtype=np.float32)
        for _ in range(3):
            assert server.post("/predict", {"inputs": {"image": dark.tolist()}}).status == 200
        told = server.ask("GET", "/metrics").body.decode()
        lines = {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in told.splitlines() if line[0] != "#"}
        by_name = {name: value for name, value in lines.items() if name.startswith("slipway_drift")}
        high = [value for name, value in by_name.items() if "_rows_total" in name and 'bin="high"' in name]
        assert high == [3.0]
        assert server.metric("slipway_drift_profile_rows") == 900
        assert 'slipway_drift_bound{feature="image.mean",statistic="ks",version="1.2.3"}' in by_name
        assert "0.98" not in json.dumps(sorted(by_name)) + server.log.read_text()
