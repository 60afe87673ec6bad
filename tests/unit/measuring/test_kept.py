"""What was measured, in a file beside the spec, and the matrix of all models."""

import json
from pathlib import Path

import pytest

from slipway.errors.base import FileRefused
from slipway.measuring import kept
from tests.unit.measuring.found import finding, step


def test_a_later_finding_about_the_same_takes_the_place_of_the_earlier(tmp_path: Path) -> None:
    path = kept.measured_path(tmp_path, "digits")
    kept.keep(path, "digits", [finding(step(250, 40)), finding(step(500, 90))])
    kept.keep(path, "digits", [finding(step(250, 50))])
    read = kept.read(path)
    assert read is not None
    assert [one.step.knee for one in read.findings] == [50, 90]
    assert [one.name for one in tmp_path.iterdir()] == ["digits.measured.json"]


def test_the_matrix_is_the_mean_over_models_by_hardware_and_runtime(tmp_path: Path) -> None:
    kept.keep(
        kept.measured_path(tmp_path, "a"), "a", [finding(step(250, 40)), finding(step(250, 44), runtime="litert")]
    )
    kept.keep(kept.measured_path(tmp_path, "b"), "b", [finding(step(250, 60)), finding(step(500, 90), cpu="Other")])
    columns, rows = kept.table(kept.read_all(tmp_path))
    assert columns == ["HARDWARE", "CPU", "LITERT", "ONNXRUNTIME"]
    assert rows == [
        ["AMD EPYC, family 26 model 2", "250m", "44.0 (1 model)", "50.0 (2 models)"],
        ["Other", "500m", "-", "90.0 (1 model)"],
    ]


def test_of_several_limits_of_memory_the_best_counts_once(tmp_path: Path) -> None:
    found = [finding(step(250, 40)), finding(step(250, 45, memory=2**29))]
    kept.keep(kept.measured_path(tmp_path, "a"), "a", found)
    assert kept.table(kept.read_all(tmp_path))[1][0][2] == "45.0 (1 model)"


@pytest.mark.parametrize("text", ["", "[]", '{"measured": 2, "model": "a", "findings": []}', "{"])
def test_a_file_of_something_else_is_refused_and_stays(tmp_path: Path, text: str) -> None:
    path = kept.measured_path(tmp_path, "a")
    path.write_text(text)
    with pytest.raises(FileRefused, match="next: take the file as it was committed"):
        kept.keep(path, "a", [finding(step(250, 40))])
    assert path.read_text() == text


def test_the_file_is_sorted_so_that_a_change_is_seen_in_review(tmp_path: Path) -> None:
    path = kept.measured_path(tmp_path, "a")
    kept.keep(path, "a", [finding(step(500, 90)), finding(step(250, 40))])
    value = json.loads(path.read_text())
    assert [one["step"]["cpu"] for one in value["findings"]] == [250, 500]
