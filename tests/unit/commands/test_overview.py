"""What the dashboard and `status --html` gather: the same as `status`, and unknown where nobody answers."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from slipway.cli import cli
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.overview import overview
from slipway.errors.base import FileRefused, UserError
from slipway.errors.reaching import ClusterUnreachable
from slipway.history.notes import Notes
from tests.support.histories import entry
from tests.unit.commands.test_live import Live
from tests.unit.planner.test_others import Project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    (tmp_path / "state").mkdir()
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}/state")
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


def gathered(project: Project, cluster: object, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(EnvironmentContext, "cluster", cluster)
    (one,) = overview(["here"], lambda _: project.context())
    json.dumps(one)
    return one


def test_rows_are_those_of_status_with_price_promise_and_verdict(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = Notes("here", project.folder, pytest.fail)
    notes.trail.add_entry(entry(0, "1.0.0", model="ours", environment="here", time=datetime.now(UTC)))
    notes.event("key create", "ours")
    one = gathered(project, Live("ours"), monkeypatch)
    said = CliRunner().invoke(cli, ["status", "here", "--json"], catch_exceptions=False).stdout
    (row,) = one["models"]
    (known,) = json.loads(said)["models"]
    assert known.items() <= row.items()
    assert (row["usd"], row["slo"], one["unreached"], one["problem"]) == (None, None, None, None)
    # A key that is called like the model has no verdict.
    assert (row["lastVerdict"]["action"], row["lastVerdict"]["outcome"]) == ("deploy", "passed")
    assert [change["action"] for change in one["changes"]] == ["key create", "deploy", "begin"]


class Away:
    """A cluster whose API server does not answer."""

    def __getattr__(self, name: str) -> object:
        raise ClusterUnreachable("here", "https://127.0.0.1:1", 5.0, "refused")


def test_a_cluster_that_does_not_answer_leaves_the_plan_and_what_is_unknown(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = gathered(project, Away(), monkeypatch)
    (row,) = one["models"]
    assert (row["model"], row["state"], row["ready"], row["version"]) == ("ours", "unknown", None, None)
    assert "did not answer" in str(one["unreached"])
    assert (one["alerts"], one["changes"]) == (None, [])


def test_settings_that_are_wrong_are_said_and_the_others_shown(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EnvironmentContext, "cluster", Live("ours"))
    (project.folder / "stacks" / "Pulumi.broken.yaml").write_text("config: [")
    contexts = {"here": project.context()}
    broken = EnvironmentContext("broken", project.context().folders, ())
    first, second = overview(["broken", "here"], lambda name: contexts.get(name, broken))
    assert "Pulumi.broken.yaml" in first["problem"]
    assert second["models"][0]["model"] == "ours"


def test_a_page_is_written_of_all_models_and_refused_where_it_cannot_be(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EnvironmentContext, "cluster", Live("ours", "gone"))
    file = project.folder / "status.html"
    run = CliRunner()
    run.invoke(cli, ["status", "here", "--html", str(file)], catch_exceptions=False)
    text = file.read_text()
    assert "1 of 1 ready" in text and "serves; has no spec" in text and "<script" not in text
    with pytest.raises(FileRefused, match=r"cannot be written: .*; next: name another with --html"):
        run.invoke(cli, ["status", "here", "--html", str(file / "in")], catch_exceptions=False)
    refused = run.invoke(cli, ["status", "here", "ours", "--html", str(file)])
    assert refused.exit_code == 2 and "leave out MODEL and --json" in refused.output


def test_a_dashboard_of_an_unknown_environment_is_refused_before_it_is_served(project: Project) -> None:
    assert project.folder.is_dir()
    with pytest.raises(UserError, match="elsewhere"):
        CliRunner().invoke(cli, ["dashboard", "here", "elsewhere"], catch_exceptions=False)
    assert CliRunner().invoke(cli, ["dashboard"]).exit_code == 2
    assert CliRunner().invoke(cli, ["dashboard", "here", "--port", "80"]).exit_code == 2
