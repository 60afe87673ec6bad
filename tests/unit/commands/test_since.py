"""The command `changed`: what files make otherwise than those of a commit did, model by model, and why."""

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from slipway.cli import cli
from slipway.errors.base import FileRefused, UserError, UserErrors, WrongValue
from tests.support.commits import commit
from tests.support.workbench import scaled, write_model

SPEC = """apiVersion: slipway/v1
name: {name}
version: 1.0.0
owner: tests
artifact: {{source: models/{name}.onnx}}
runtime: onnxruntime
resources: {{cpu: 200m, memory: 256Mi}}
scale: {{min: 1, max: 1}}
check:
  request: models/{name}.json
  expect: {{y: [[4.0, 6.0, 8.0]]}}
  timeout: 5s
"""
SETTINGS = """config:
  slipway:environment:
    kind: kubernetes
    context: {context}
    namespace: models
    registry: 127.0.0.1:5000
    base_image: 127.0.0.1:5000/slipway/base@sha256:0a310eeecf4e1f5a0743f9a6520c90c88d089c903ca5fd283f501e3a805f5f89
    models: {models}
    node_pools: [{{name: cpu, max_nodes: 1, cpu: "4", memory: 8Gi}}]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with two models in one environment, committed; weights of one are ignored by git."""
    root = tmp_path / "project"
    (root / "models").mkdir(parents=True)
    (root / "stacks").mkdir()
    (root / "Pulumi.yaml").write_text("name: slipway\n")
    (root / ".gitignore").write_text("models/other.onnx\n")
    (root / "stacks/Pulumi.one.yaml").write_text(SETTINGS.format(context="somewhere", models="[sums, other]"))
    for name in ("sums", "other"):
        add(root, name)
    commit(root)
    return root


def add(root: Path, name: str) -> None:
    write_model(root / f"models/{name}.onnx", scaled(2.0))
    (root / f"models/{name}.json").write_text('{"inputs": {"a": [[1, 2, 3]], "b": [[1, 1, 1]]}}')
    (root / f"models/{name}.yaml").write_text(SPEC.format(name=name))


def run(root: Path, *arguments: str, since: str = "HEAD") -> Result:
    folders = ["--models", str(root / "models"), "--settings", str(root / "stacks")]
    return CliRunner().invoke(cli, ["changed", "--since", since, *folders, *arguments])


def changed(root: Path, since: str = "HEAD") -> dict[str, Any]:
    result = run(root, "--json", since=since)
    assert result.exit_code == 0, result.exception
    (found,) = json.loads(result.stdout)["environments"]
    return dict(found)


def replaced(file: Path, old: str, new: str) -> None:
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def test_nothing_differs_from_what_is_committed_also_where_files_were_written_again(project: Path) -> None:
    for file in (project / "models").iterdir():
        os.utime(file, (time.time() + 5,) * 2)
    assert run(project).stdout == "nothing differs from HEAD: no environment, and no model of one\n"
    found = changed(project)
    assert (found["does"], [model["does"] for model in found["models"]]) == ("unchanged", ["unchanged"] * 2)


def test_an_edited_spec_changes_its_model_alone_with_whose_change_it_is_and_where(project: Path) -> None:
    replaced(project / "models/sums.yaml", "min: 1, max: 1", "min: 2, max: 2")
    other, sums = changed(project)["models"]
    assert (other["model"], other["does"]) == ("other", "unchanged")
    assert (sums["does"], sums["why"]) == ("changed", "changed by you (its spec)")
    assert "Deployment spec.replicas: 1 -> 2" in sums["differences"]
    printed = run(project).stdout
    assert printed.startswith("one: changed (1 model changed)\n  sums: changed, release ")
    assert "    Deployment spec.replicas: 1 -> 2\n" in printed
    assert "other" not in printed
    first = commit(project)
    assert changed(project)["does"] == "unchanged"
    assert [one["does"] for one in changed(project, f"{first}~1")["models"]] == ["unchanged", "changed"]


def test_other_weights_make_another_image(project: Path) -> None:
    write_model(project / "models/sums.onnx", scaled(3.0))
    replaced(project / "models/sums.yaml", "4.0, 6.0, 8.0", "6.0, 9.0, 12.0")
    _, sums = changed(project)["models"]
    assert sums["why"] == "changed by you (its spec, its weights or golden request)"
    assert sums["differences"][0] == "image: made of other files, packages or base"


def test_weights_that_git_had_and_now_ignores_are_read_and_stay_as_they_are(project: Path) -> None:
    weights, ignored = project / "models/other.onnx", project / ".gitignore"
    rule, before = ignored.read_text(), weights.read_bytes()
    ignored.write_text("")
    first = commit(project)
    ignored.write_text(rule)
    weights.unlink()
    commit(project)
    write_model(weights, scaled(2.0000002))
    now = weights.read_bytes()
    assert now != before
    other, _ = changed(project, first)["models"]
    assert (other["model"], other["does"]) == ("other", "changed")
    assert weights.read_bytes() == now


def test_models_come_and_go_with_their_specs(project: Path) -> None:
    add(project, "third")
    (project / "models/other.yaml").unlink()
    replaced(project / "stacks/Pulumi.one.yaml", "[sums, other]", "[sums, third]")
    found = changed(project)
    assert {model["model"]: model["does"] for model in found["models"]} == {
        "other": "removed",
        "sums": "unchanged",
        "third": "new",
    }
    assert run(project).stdout.startswith("one: changed (1 model new, 1 model removed)\n")


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (("namespace: models", "namespace: others"), 'settings namespace: "models" -> "others"'),
        (("memory: 8Gi", "memory: 16Gi"), 'settings node_pools[cpu].memory: "8Gi" -> "16Gi"'),
    ],
)
def test_settings_that_differ_are_told_by_field(project: Path, change: tuple[str, str], difference: str) -> None:
    replaced(project / "stacks/Pulumi.one.yaml", *change)
    found = changed(project)
    assert found["does"] == "changed"
    assert difference in found["differences"]


def test_environments_come_and_go_with_their_settings(project: Path) -> None:
    (project / "stacks/Pulumi.one.yaml").rename(project / "stacks/Pulumi.two.yaml")
    documents = json.loads(run(project, "--json").stdout)["environments"]
    assert [(one["environment"], one["does"]) for one in documents] == [("one", "removed"), ("two", "new")]


def test_what_was_refused_then_is_not_known(project: Path) -> None:
    right = (project / "models/sums.yaml").read_text()
    (project / "models/sums.yaml").write_text(right + "nonsense: 1\n")
    commit(project)
    (project / "models/sums.yaml").write_text(right)
    found = changed(project)
    assert found["does"] == "refused"
    assert found["why"].startswith("its files then: HEAD:models/sums.yaml:")
    assert "nonsense" in found["why"]


def test_what_is_refused_now_is_told_and_is_the_error_of_the_command(project: Path) -> None:
    replaced(project / "models/sums.yaml", "cpu: 200m", "cpu: many")
    result = run(project)
    assert result.stdout.startswith("one: refused\n  its files now: ")
    assert isinstance(result.exception, UserErrors | UserError)
    assert "resources.cpu" in str(result.exception)


@pytest.mark.parametrize("since", ["nope", "--output=x", "HEAD:models", "", "HEAD~9", "a b\x00c"])
def test_what_names_no_commit_is_refused(project: Path, since: str) -> None:
    error = run(project, since=since).exception
    assert isinstance(error, WrongValue)
    assert "a branch, a tag or a commit" in str(error)


def test_a_folder_without_history_is_refused(project: Path) -> None:
    shutil.rmtree(project / ".git")
    error = run(project).exception
    assert isinstance(error, WrongValue)
    assert "not a git repository" in str(error)


def test_settings_beside_the_project_are_refused(project: Path, tmp_path: Path) -> None:
    shutil.move(project / "stacks", tmp_path / "stacks")
    arguments = ["--models", str(project / "models"), "--settings", str(tmp_path / "stacks")]
    error = CliRunner().invoke(cli, ["changed", "--since", "HEAD", *arguments]).exception
    assert isinstance(error, FileRefused)
    assert "is not below" in str(error)


def test_only_environments_that_change_and_have_a_runner_become_jobs(project: Path) -> None:
    settings = project / "stacks/Pulumi.one.yaml"
    for name in ("two", "three"):
        text = settings.read_text().replace("namespace: models", f"namespace: {name}")
        (project / f"stacks/Pulumi.{name}.yaml").write_text(text)
    commit(project)
    assert run(project, "--runners", '{"one": "here"}').stdout == "[]\n"
    for name in ("one", "two"):
        path = project / f"stacks/Pulumi.{name}.yaml"
        path.write_text(path.read_text().replace("max_nodes: 1", "max_nodes: 2"))
    runners = '{"one": "here", "three": "there", "gone": "nowhere"}'
    assert run(project, "--runners", runners).stdout == '[{"environment": "one", "runner": "here"}]\n'


@pytest.mark.parametrize("runners", ["", "[]", '{"one": null}', '{"one": ""}', "dev"])
def test_what_names_no_runners_is_refused(project: Path, runners: str) -> None:
    error = run(project, "--runners", runners).exception
    assert isinstance(error, WrongValue)
    assert '{"dev": "ubuntu-24.04"}' in str(error)
