"""A team's unfinished spec stops nobody who asks for another model, and everybody who asks for all."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from slipway.cli import cli
from slipway.commands.context import EnvironmentContext, Folders
from slipway.errors.base import UserError, each
from tests.support.planned import FIXTURES

SETTINGS = """\
config:
  slipway:environment:
    kind: kubernetes
    context: here
    namespace: slipway
    registry: 127.0.0.1:5000
    base_image: 127.0.0.1:5000/base:1@sha256:{digest}
    {models}
    node_pools: [{{name: default, max_nodes: 2, cpu: "2", memory: 4Gi}}]
"""
SPEC = """\
apiVersion: slipway/v1
name: {name}
version: {version}
owner: team
artifact: {{source: weights/linear.onnx}}
runtime: onnxruntime
resources: {{cpu: {cpu}, memory: 256Mi}}
scale: {{min: {least}, max: {least}}}
check: {{request: checks/linear.json, expect: {{label: 1}}}}
"""


class Project:
    """A repository with the finished model `ours`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "models").mkdir()
        (folder / "stacks").mkdir()
        (folder / "Pulumi.yaml").write_text("name: slipway\n")
        for name in ("weights", "checks"):
            shutil.copytree(FIXTURES / "repo" / name, folder / name)
        self.settings()
        self.spec("ours")

    def settings(self, models: str = "") -> None:
        text = SETTINGS.format(digest="a" * 64, models=models or "# all")
        (self.folder / "stacks" / "Pulumi.here.yaml").write_text(text)

    def spec(self, name: str, *, file: str = "", version: str = "1.0.0", cpu: str = "500m", least: int = 1) -> None:
        text = SPEC.format(name=name, version=version, cpu=cpu, least=least)
        (self.folder / "models" / (file or f"{name}.yaml")).write_text(text)

    def write(self, file: str, text: str) -> None:
        (self.folder / "models" / file).write_text(text)

    def context(self, *only: str) -> EnvironmentContext:
        folders = Folders(self.folder / "models", self.folder / "stacks")
        return EnvironmentContext("here", folders, only or None)

    def planned(self, *only: str) -> list[str]:
        return [model.name for model in self.context(*only).plan.models]

    def refused(self, *only: str) -> list[str]:
        with pytest.raises(UserError) as refused:
            self.context(*only).plan  # noqa: B018 - it plans
        return [f"{Path(finding.place.file).name}: {finding.field}" for finding in each(refused.value)]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


UNFINISHED = {
    "wrong value": ("theirs.yaml", SPEC.format(name="theirs", version="one", cpu="1", least=1)),
    "no YAML": ("theirs.yaml", "name: [theirs\n"),
    "empty": ("theirs.yaml", ""),
    "a list": ("theirs.yaml", "- theirs\n"),
    "other suffix": ("theirs.yml", SPEC.format(name="theirs", version="1.0.0", cpu="1", least=1)),
    "no pool holds it": ("theirs.yaml", SPEC.format(name="theirs", version="1.0.0", cpu="64", least=1)),
    "more replicas than there is room for": (
        "theirs.yaml",
        SPEC.format(name="theirs", version="1.0.0", cpu="2", least=9),
    ),
}


@pytest.mark.parametrize("case", UNFINISHED)
def test_what_is_wrong_with_another_spec_is_a_warning_to_who_asks_for_one_model(project: Project, case: str) -> None:
    project.write(*UNFINISHED[case])
    assert project.planned("ours") == ["ours"]
    (warning,) = project.context("ours").complied()
    assert warning.startswith("left out of the plan and of its capacity: theirs: ")
    assert f"{project.folder}/models/{UNFINISHED[case][0]}" in warning
    assert "\n" not in warning


@pytest.mark.parametrize("case", UNFINISHED)
def test_it_stops_who_asks_for_that_model_or_for_all(project: Project, case: str) -> None:
    project.write(*UNFINISHED[case])
    file = UNFINISHED[case][0]
    assert {line.split(":")[0] for line in project.refused("theirs")} == {file}
    assert file in {line.split(":")[0] for line in project.refused()}


def test_the_release_is_the_same_with_and_without_the_others(project: Project) -> None:
    before = project.context().plan.find("ours", Path()).release
    project.write(*UNFINISHED["no YAML"])
    assert project.context("ours").plan.find("ours", Path()).release == before


def test_two_others_of_one_name_are_both_left_out_and_refused_when_that_name_is_asked_for(project: Project) -> None:
    project.spec("theirs", file="a.yaml")
    project.spec("theirs", file="b.yaml")
    assert project.planned("ours") == ["ours"]
    assert project.refused("theirs") == ["b.yaml: name"]


def test_a_model_is_known_by_the_name_in_its_spec_too(project: Project) -> None:
    project.spec("theirs", file="another-file.yaml", version="one")
    assert project.refused("theirs") == ["another-file.yaml: version"]
    assert project.refused("another-file") == ["another-file.yaml: version"]


def test_models_that_are_right_but_do_not_fit_together_are_refused_to_who_asks_for_one(project: Project) -> None:
    """Room is what teams share: whoever comes second has to know, or pods would wait for it."""
    project.spec("ours", cpu="1500m")
    project.spec("theirs", cpu="1500m")
    assert project.refused("ours") == ["ours.yaml: scale.min"]
    assert project.refused("theirs") == ["theirs.yaml: scale.min"]


def test_others_that_do_not_fit_together_are_left_out(project: Project) -> None:
    project.settings("models: [ours, one, two]")
    text = (project.folder / "stacks" / "Pulumi.here.yaml").read_text()
    small = 'node_pools: [{name: small, max_nodes: 2, cpu: "1", memory: 1Gi}, {name: default,'
    (project.folder / "stacks" / "Pulumi.here.yaml").write_text(text.replace("node_pools: [{name: default,", small))
    project.spec("one", cpu="1500m")
    project.spec("two", cpu="1500m")
    assert project.planned("ours") == ["ours"]
    assert project.refused() == ["one.yaml: scale.min", "two.yaml: scale.min"]


def test_a_name_in_the_settings_that_no_spec_has_stops_only_who_asks_for_it(project: Project) -> None:
    project.settings("models: [ours, theirs]")
    assert project.planned("ours") == ["ours"]
    assert project.refused("theirs") == ["Pulumi.here.yaml: config.slipway:environment.models[1]"]
    assert project.refused() == ["Pulumi.here.yaml: config.slipway:environment.models[1]"]


def test_a_spec_that_is_not_deployed_here_is_not_mentioned(project: Project) -> None:
    project.settings("models: [ours]")
    project.write(*UNFINISHED["wrong value"])
    assert project.context("ours").complied() == ()


def test_settings_that_are_wrong_stop_everybody(project: Project) -> None:
    file = project.folder / "stacks" / "Pulumi.here.yaml"
    file.write_text(file.read_text().replace("max_nodes: 2", "max_nodes: two"))
    assert project.refused("ours") == ["Pulumi.here.yaml: config.slipway:environment.node_pools[0].max_nodes"]


def test_a_plan_of_one_model_shows_it_and_the_warning_and_validate_stays_strict(project: Project) -> None:
    project.write(*UNFINISHED["wrong value"])
    where = ["--models", str(project.folder / "models"), "--settings", str(project.folder / "stacks")]
    shown = CliRunner().invoke(cli, ["plan", "here", "ours", *where], catch_exceptions=False)
    assert shown.exit_code == 0
    assert "ours" in shown.stdout
    assert "warning: left out" in shown.stderr
    with pytest.raises(UserError, match=r"theirs\.yaml:3: version"):
        CliRunner().invoke(cli, ["plan", "here", *where], catch_exceptions=False)
    with pytest.raises(UserError, match=r"theirs\.yaml:3: version"):
        CliRunner().invoke(cli, ["validate", *where], catch_exceptions=False)
