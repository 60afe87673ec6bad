"""`plan --live`, and what `up` says before it changes anything, as a person sees them (on a fake cluster)."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slipway.cli import cli
from slipway.commands.changing.session import Options
from slipway.commands.changing.up import _announce
from slipway.commands.context import EnvironmentContext, Folders
from slipway.deploy.record import live_models, save
from slipway.errors.failures import EnvironmentMissing
from slipway.values.version import version
from tests.support.fake_cluster import FakeCluster
from tests.support.planned import FIXTURES
from tests.support.releases import deployed, release_of


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """The fixtures as a repository of their own, with one model."""
    (tmp_path / "Pulumi.yaml").write_text("name: slipway\n")
    for name in ("weights", "checks"):
        shutil.copytree(FIXTURES / "repo" / name, tmp_path / name)
    (tmp_path / "models").mkdir()
    shutil.copy(FIXTURES / "spec/ok/least.yaml", tmp_path / "models")
    shutil.copytree(FIXTURES / "settings/ok", tmp_path / "stacks")
    return Folders(tmp_path / "models", tmp_path / "stacks")


@pytest.fixture
def cluster(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    """Where the model of the folders was deployed by an older Slipway, whose pods had less time to stop."""
    (model,) = EnvironmentContext("local", folders).plan.models
    older = replace(model, release_digest="0" * 64, labels=model.labels | {"slipway.dev/release": "0" * 16})
    older = replace(
        older, timing=replace(model.timing, grace_s=7), server_config=model.server_config | {"release": "0" * 64}
    )
    fake = deployed(older)
    origin = replace(model.origin, slipway="0.0.9")
    save(fake, replace(release_of(older), origin=origin), fake.objects["Deployment", "least"])
    monkeypatch.setattr(EnvironmentContext, "cluster", fake)
    return fake


def run(folders: Folders, *arguments: str) -> Result:
    named = ("--models", str(folders.models), "--settings", str(folders.settings))
    result = CliRunner().invoke(cli, (*arguments, *named), catch_exceptions=False)
    assert result.exit_code == 0
    return result


def edit(folders: Folders, pattern: str, text: str) -> None:
    path = folders.models / "least.yaml"
    edited = re.sub(pattern, text, path.read_text())
    assert edited != path.read_text()
    path.write_text(edited)


def test_a_plan_asks_no_cluster_unless_it_is_told_to(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(_: EnvironmentContext) -> FakeCluster:
        raise AssertionError("the cluster was asked")

    monkeypatch.setattr(EnvironmentContext, "cluster", property(asked))
    run(folders, "plan", "local")
    with pytest.raises(AssertionError, match="was asked"):
        run(folders, "plan", "local", "--live")


def test_a_plan_says_what_a_newer_slipway_alone_redeploys(folders: Folders, cluster: FakeCluster) -> None:
    before = json.dumps(list(cluster.objects.values()))
    said = run(folders, "plan", "local", "--live").stdout
    assert f"  by Slipway {version()} alone (it was made by 0.0.9)\n" in said
    assert "  Deployment spec.template.spec.terminationGracePeriodSeconds: 7 -> 105\n" in said
    assert json.dumps(list(cluster.objects.values())) == before


def test_a_plan_says_what_you_changed(folders: Folders, cluster: FakeCluster) -> None:
    edit(folders, r"cpu: [0-9.m]+", "cpu: 300m")
    said = run(folders, "plan", "local", "least", "--live").stdout
    assert "  changed by you (its spec), and perhaps by Slipway" in said
    assert 'resources.limits.cpu: "250m" -> "300m"\n' in said or "resources.limits.cpu" in said


def test_a_description_is_shown_as_it_is_written(folders: Folders, cluster: FakeCluster) -> None:
    edit(folders, r"(?m)^owner:", "description: 'finds a :bug: in [code]'\nowner:")
    said = run(folders, "plan", "local", "--live").stdout
    assert "finds a :bug: in [code]" in said


def test_the_changes_of_a_plan_are_json(folders: Folders, cluster: FakeCluster) -> None:
    document = json.loads(run(folders, "plan", "local", "--live", "--json").stdout)
    (change,) = document["changes"]
    assert (change["model"], change["does"], change["release"][0]) == ("least", "changed", "0" * 16)
    assert "changes" not in json.loads(run(folders, "plan", "local", "--json").stdout)


def test_where_there_is_no_cluster_yet_all_is_new(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: EnvironmentContext) -> FakeCluster:
        raise EnvironmentMissing("local")

    monkeypatch.setattr(EnvironmentContext, "cluster", property(missing))
    assert "\nleast: new, release " in run(folders, "plan", "local", "--live").stdout


def test_what_is_live_without_a_spec_is_told(folders: Folders, cluster: FakeCluster) -> None:
    edit(folders, "name: least", "name: other")
    settings = folders.settings / "Pulumi.local.yaml"
    settings.write_text(settings.read_text().replace("least", "other"))
    said = run(folders, "plan", "local", "--live").stdout
    assert "\nother: new, release " in said
    assert (
        f"\nleast: removed, release {'0' * 16}\n  it has no spec: `up` leaves it alone, `up --prune` destroys it\n"
        in said
    )


def test_up_says_whose_change_it_is_before_it_asks(
    folders: Folders, cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    context = EnvironmentContext("local", folders)
    _announce(context, context.plan.models, context.plan.models, live_models(cluster), (), Options(yes=False, jobs=1))
    said = capsys.readouterr().err
    assert f"    by Slipway {version()} alone (it was made by 0.0.9)\n" in said
    assert "    Deployment spec.template.spec.terminationGracePeriodSeconds: 7 -> 105\n" in said
