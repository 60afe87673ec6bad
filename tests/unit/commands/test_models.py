"""Every version of every model, from histories and specs alone; what cannot be read hides nothing else."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slipway.cli import cli
from slipway.compatibility.contents import Contents
from slipway.history.errors import HistoryUnread
from tests.support.histories import entry, in_folder

Run = Callable[..., Result]
CONTENTS = Contents(weights="ab" * 32, metrics={"accuracy": 0.99})


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`slipway models ...` in a project with two environments, whose specs cannot be read."""
    (tmp_path / "models").mkdir()
    (tmp_path / "stacks").mkdir()
    for name in ("local", "prod"):
        (tmp_path / "stacks" / f"Pulumi.{name}.yaml").write_text("config: {}\n")
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    monkeypatch.chdir(tmp_path)
    store = in_folder(tmp_path)
    for one in (
        entry(1, "1.0.0", contents=CONTENTS, owner="vision"),
        entry(2, "1.1.0"),
        entry(3, "1.0.0", action="rollback"),
        entry(4, "2.0.0", verdict="failed"),
        entry(5, "1.0.0", action="restart"),
        entry(1, "1.0.0", environment="prod"),
        entry(2, "1.0.0", environment="prod", action="remove"),
        entry(1, "6.2.3", model="speech", owner="sound"),
    ):
        store.write(one)

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["models", *arguments])

    return call


def states(result: Result) -> list[tuple[str, str, str, str]]:
    rows = json.loads(result.stdout)["versions"]
    return [(row["model"], row["version"], row["environment"], row["state"]) for row in rows]


def test_every_version_is_shown_with_where_it_is_live(run: Run) -> None:
    result = run("--json")
    assert result.exit_code == 0, result.output
    assert states(result) == [
        ("digits", "2.0.0", "local", "failed"),
        ("digits", "1.1.0", "local", "was live"),
        ("digits", "1.0.0", "local", "live"),
        ("digits", "1.0.0", "prod", "was live"),
        ("speech", "6.2.3", "local", "live"),
    ]
    live = json.loads(result.stdout)["versions"][2]
    assert (live["since"], live["by"]) == ("2026-03-01T12:03:00+00:00", "mia@laptop")
    assert (live["weights"], live["metrics"], live["owner"]) == ("ab" * 32, {"accuracy": 0.99}, "vision")
    assert "versions that stand in specs only are left out" in result.stderr


def test_a_model_an_environment_and_an_owner_choose(run: Run) -> None:
    assert [row[0] for row in states(run("speech", "--json"))] == ["speech"]
    assert {row[2] for row in states(run("--environment", "prod", "--json"))} == {"prod"}
    assert {row[0] for row in states(run("--owner", "sound", "--json"))} == {"speech"}


def test_the_table_has_short_digests(run: Run) -> None:
    lines = [line for line in run().stdout.splitlines() if "digits" in line]
    (line,) = [line for line in lines if " live " in line and "was" not in line]
    assert "abababababab " in line and "accuracy 0.99" in line


def test_what_cannot_be_read_is_named_after_all_else_is_shown(run: Run, tmp_path: Path) -> None:
    one = entry(9, "3.0.0", environment="prod")
    in_folder(tmp_path).write(one)
    (tmp_path / f"slipway-history/prod/digits/{one.id}.json").write_text("{")
    result = run("--json")
    assert len(states(result)) == 5
    assert isinstance(result.exception, HistoryUnread) and one.id in str(result.exception)


def test_without_a_history_the_reason_is_said_for_each_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "https://api.pulumi.com")
    result = run("--json")
    assert (result.exit_code, states(result)) == (0, [])
    assert "local: what was deployed is not known" in result.stderr and "prod: " in result.stderr
