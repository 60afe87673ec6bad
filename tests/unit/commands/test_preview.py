"""`slipway preview` as a person runs it, on a fake cluster and without an engine."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slipway.cli import cli
from slipway.commands.context import EnvironmentContext, Folders
from slipway.deploy.record import save
from slipway.errors.base import UserErrors
from tests.support.fake_cluster import FakeCluster
from tests.support.releases import deployed, release_of
from tests.unit.commands import test_changes as live
from tests.unit.commands.test_changes import edit

folders, cluster = live.folders, live.cluster


@pytest.fixture(autouse=True)
def _no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without the Pulumi CLI."""
    monkeypatch.setenv("PATH", str(tmp_path))


def run(folders: Folders, *arguments: str) -> Result:
    named = ("--models", str(folders.models), "--settings", str(folders.settings))
    return CliRunner().invoke(cli, ("preview", "local", *arguments, *named), catch_exceptions=False)


def test_without_an_engine_the_rest_is_known_and_that_is_said(
    folders: Folders,
    cluster: FakeCluster,
) -> None:
    before = json.dumps(list(cluster.objects.values()))
    done = run(folders, "--json")
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    (one,) = document["models"]
    assert (one["model"], one["does"], one["image"]) == ("least", "changed", "same")
    assert one["newerSlipwayAlone"] is True
    assert "pulumi" in one["engine"]["unknown"].lower()
    assert document["environmentStack"]["unknown"] == one["engine"]["unknown"]
    assert json.dumps(list(cluster.objects.values())) == before


def test_a_preview_in_a_terminal_has_a_table_reasons_and_the_diff(
    folders: Folders,
    cluster: FakeCluster,
) -> None:
    edit(folders, r"cpu: [0-9.m]+", "cpu: 300m")
    said = run(folders).stdout
    assert "least: why: changed by you (its spec), and perhaps by Slipway" in said
    assert "+            cpu: 300m\n" in said
    assert "local: 1 changed, 0 unchanged\n" in said


def test_a_comment_begins_with_the_mark_of_its_environment(
    folders: Folders,
    cluster: FakeCluster,
) -> None:
    assert run(folders, "--markdown").stdout.startswith("<!-- slipway-preview: local -->\n## Preview of `local`\n")


def test_what_is_refused_is_in_the_comment_and_ends_with_1(folders: Folders, cluster: FakeCluster) -> None:
    edit(folders, r"cpu: [0-9.m]+", "cpu: 300")
    named = ("--models", str(folders.models), "--settings", str(folders.settings))
    done = CliRunner().invoke(cli, ("preview", "local", "--markdown", *named))
    assert isinstance(done.exception, UserErrors)
    assert done.exception.exit_code == 1
    assert "**Refused: `slipway up` would change nothing.**" in done.stdout
    assert "least.yaml:" in done.stdout


def test_only_models_that_change_are_rendered(
    folders: Folders,
    cluster: FakeCluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What costs is what changed: of an unchanged model nothing is rendered, read or asked."""
    (model,) = EnvironmentContext("local", folders).plan.models

    same = deployed(model)
    save(same, release_of(model), same.objects["Deployment", "least"])
    monkeypatch.setattr(EnvironmentContext, "cluster", same)

    def rendered(*_: object) -> None:
        raise AssertionError("an unchanged model was rendered")

    monkeypatch.setattr("slipway.preview.manifests.render_model", rendered)
    document = json.loads(run(folders, "--json").stdout)
    assert (document["models"], document["counts"]) == ([], {"unchanged": 1})


def test_what_up_refuses_of_the_cluster_is_refused_and_the_engine_is_not_asked(
    folders: Folders, cluster: FakeCluster
) -> None:
    """The namespace is somebody else's."""
    cluster.objects["Namespace", "slipway"] = {
        "kind": "Namespace",
        "metadata": {"name": "slipway", "labels": {}, "annotations": {}, "uid": "1"},
    }
    cluster.objects["Service", "least"]["metadata"]["labels"] = {}
    named = ("--models", str(folders.models), "--settings", str(folders.settings))
    done = CliRunner().invoke(cli, ("preview", "local", "--json", *named))
    assert isinstance(done.exception, UserErrors)
    document = json.loads(done.stdout)
    assert document["refused"]
    assert [one["engine"] for one in document["models"]] == [None]
    assert document["environmentStack"] is None
