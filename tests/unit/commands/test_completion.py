"""What the tab key gives: in a shell that is really there, and in folders that are wrong."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from slipway.cli import cli
from slipway.commands.project.completion import SHELLS, script


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in ("models", "stacks", "deep/er"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "Pulumi.yaml").write_text("name: slipway\n")
    for name in ("local", "prod"):
        (tmp_path / f"stacks/Pulumi.{name}.yaml").write_text("config: {}\n")
    (tmp_path / "models/one.yaml").write_text("apiVersion: slipway/v1\nname: digits\n")
    (tmp_path / "models/speech.yaml").write_text("name: [broken\n")
    (tmp_path / "models/one.lock.yaml").write_text("lock: 1\nmodel: digits\n")
    (tmp_path / "models/notes.txt").write_text("name: notes\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def completed(*words: str) -> list[str]:
    """What is offered for the last word."""
    completer = ShellComplete(cli, {}, "slipway", "_SLIPWAY_COMPLETE")
    return [item.value for item in completer.get_completions(list(words[:-1]), words[-1])]


def test_environments_are_those_that_have_settings(project: Path) -> None:
    assert completed("up", "") == ["local", "prod"]
    assert completed("plan", "pr") == ["prod"]


def test_models_are_those_that_have_specs_by_the_name_in_them_each_once(project: Path) -> None:
    assert completed("up", "local", "") == ["digits", "speech"]
    assert completed("up", "local", "digits", "") == ["speech"]
    assert completed("predict", "local", "d") == ["digits"]


def test_it_works_in_every_folder_of_a_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project / "deep/er")
    assert completed("status", "") == ["local", "prod"]
    assert completed("status", "local", "s") == ["speech"]


def test_folders_that_are_named_are_looked_into(project: Path) -> None:
    (project / "elsewhere").mkdir()
    (project / "elsewhere/Pulumi.other.yaml").touch()
    assert completed("up", "--settings", "elsewhere", "") == ["other"]


def test_without_a_project_nothing_is_offered_and_nothing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert completed("up", "") == []
    assert completed("up", "local", "") == []


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_can_read_its_script(shell: str) -> None:
    text = script(cli, shell)
    assert "_SLIPWAY_COMPLETE" in text
    if shutil.which(shell) is None:
        return  # what it says was looked at; nobody is here to read it
    checked = subprocess.run([shell, "-n"], input=text, text=True, capture_output=True, timeout=20, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_another_shell_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(click.BadParameter, match="'bash', 'zsh', 'fish'"):
        cli(["completion", "csh"], standalone_mode=False)


def test_bash_itself_completes_an_environment(project: Path) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    lines = [
        script(cli, "bash"),
        'COMP_WORDS=(slipway up lo); COMP_CWORD=2; _slipway_completion slipway; echo "${COMPREPLY[@]}"',
    ]
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    run = subprocess.run(
        [bash, "-c", "\n".join(lines)], capture_output=True, text=True, env=environ, timeout=30, check=False
    )
    assert run.stdout.split() == ["local"], run.stderr
