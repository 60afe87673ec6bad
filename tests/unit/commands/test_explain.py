"""`slipway explain`, over a model that answers by the sum of its inputs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from slipway.cli import cli
from slipway.commands.context import EnvironmentContext
from slipway.errors.base import FileRefused, SlipwayError
from tests.support.fake_cluster import FakeCluster
from tests.unit.planner.test_others import Project

Command = Callable[..., Result]


class Summing(FakeCluster):
    """Answers with the sum of `x`; from the answer `changes_at` on, as another release."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.changes_at = 0, 1000
        self.answers = [self._answer]

    def _answer(self, body: bytes) -> dict[str, Any]:
        self.asked += 1
        release = "new" if self.asked >= self.changes_at else "old"
        (row,) = json.loads(body)["inputs"]["x"]
        return {"release": release, "outputs": {"y": [float(sum(row))]}}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Summing:
    found = Summing()
    monkeypatch.setattr(EnvironmentContext, "cluster", found)
    return found


@pytest.fixture
def explain(tmp_path: Path, cluster: Summing) -> Command:
    project = Project(tmp_path)

    def run(sample: Any, *options: str) -> Result:
        file = tmp_path / "sample.json"
        file.write_text(json.dumps(sample))
        folders = ["--models", str(project.folder / "models"), "--settings", str(project.folder / "stacks")]
        return CliRunner().invoke(cli, ["explain", "here", "ours", str(file), *options, *folders])

    return run


def test_the_parts_are_told_the_strongest_first(explain: Command) -> None:
    done = explain({"inputs": {"x": [[1.0, -20.0, 3.5]]}})
    assert done.exit_code == 0, done.output
    assert "y = -15.5, release old" in done.output
    rows = [line.split() for line in done.output.splitlines() if line.startswith("x[")]
    assert rows == [["x[1]", "-20"], ["x[2]", "+3.5"], ["x[0]", "+1"]]


def test_as_json_each_part_has_its_place_and_a_baseline_is_taken(explain: Command) -> None:
    done = explain({"inputs": {"x": [[1.0, 5.0]]}}, "--baseline", "2", "--json")
    found = json.loads(done.stdout)
    assert (found["model"], found["output"], found["value"]) == ("ours", "y", 6.0)
    assert found["parts"] == [
        {"input": "x", "row": 0, "column": 0, "falls_by": -1.0},
        {"input": "x", "row": 0, "column": 1, "falls_by": 3.0},
    ]


def test_the_page_has_all_parts_and_needs_nothing_else(explain: Command, tmp_path: Path) -> None:
    done = explain({"inputs": {"x": [[1.0, 5.0]]}}, "--html", str(tmp_path / "page.html"))
    assert done.exit_code == 0, done.output
    written = (tmp_path / "page.html").read_text()
    assert "<td>x[1]</td><td>+5</td>" in written
    assert "src=" not in written


def test_a_sample_that_cannot_be_taken_apart_is_refused_and_nobody_is_asked(explain: Command, cluster: Summing) -> None:
    done = explain({"inputs": {"x": [[1.0], [2.0]]}})
    assert isinstance(done.exception, FileRefused)
    assert "`inputs.x` has 2 rows; allowed: JSON as" in str(done.exception)
    assert cluster.asked == 0
    done = explain({"inputs": {"x": [[1.0]]}}, "--output", "z")
    assert isinstance(done.exception, FileRefused)
    assert "the answer has no output 'z'; allowed: y" in str(done.exception)


def test_another_release_in_between_explains_nothing(explain: Command, cluster: Summing) -> None:
    cluster.changes_at = 2
    done = explain({"inputs": {"x": [[1.0, 2.0]]}})
    assert isinstance(done.exception, SlipwayError)
    assert "another release answered in between" in str(done.exception)
    assert done.output == ""
