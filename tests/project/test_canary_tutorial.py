"""docs/tutorial/a-canary-that-fails.md: its commands exist, and Slipway takes its releases."""

import re
import runpy
import shlex
import shutil
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

from slipway.cli import cli
from tests.support.planned import ROOT

FOLDER = ROOT / "docs" / "tutorial" / "canary"
PAGE = (ROOT / "docs" / "tutorial" / "a-canary-that-fails.md").read_text()
RELEASE = runpy.run_path(str(FOLDER / "release.py"))
SHELL = [line.strip() for block in re.findall(r"(?:^ {4}\S.*\n)+", PAGE, re.MULTILINE) for line in block.splitlines()]


def slipway_commands() -> list[list[str]]:
    """Arguments of each `slipway ...` of the page, what follows it in the shell left out."""
    return [shlex.split(re.split(r"[;>|]", line)[0])[1:] for line in SHELL if line.startswith("slipway ")]


def test_the_page_deploys_each_release_in_the_order_of_the_script() -> None:
    named = re.findall(r"python docs/tutorial/canary/release\.py (\w+)", "\n".join(SHELL))
    assert named == list(RELEASE["RELEASES"])


@pytest.mark.parametrize("arguments", slipway_commands(), ids=" ".join)
def test_a_command_of_the_page_is_parsed(arguments: list[str]) -> None:
    command: click.Command = cli
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), arguments[0])
        assert found is not None, arguments
        command, arguments = found, arguments[1:]
    command.make_context("slipway", arguments)


def test_the_page_shows_the_rollout_of_the_spec() -> None:
    (shown,) = re.findall(r"```yaml\n(rollout:\n.*?)```", PAGE, re.DOTALL)
    assert yaml.safe_load(shown)["rollout"] == yaml.safe_load((FOLDER / "postcode.yaml").read_text())["rollout"]


@pytest.mark.parametrize("name", RELEASE["RELEASES"])
def test_a_release_has_a_place_on_the_local_environment(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a model that `make up` deploys, and with its candidate."""
    for path in ("stacks", "Pulumi.yaml", "models/digits", "models/digits.yaml", "models/digits.lock.yaml"):
        (shutil.copytree if (ROOT / path).is_dir() else shutil.copyfile)(ROOT / path, made(tmp_path / path))
    RELEASE["write"](name, tmp_path / "models")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["plan", "local"])
    assert done.exit_code == 0, done.output
    assert re.search(rf"^postcode +{re.escape(RELEASE['RELEASES'][name][0])} ", done.output, re.MULTILINE)


def made(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    return path


def test_every_release_is_another() -> None:
    versions = [version for version, _ in RELEASE["RELEASES"].values()]
    assert len(set(versions)) == len(versions)
    assert versions == sorted(versions)
