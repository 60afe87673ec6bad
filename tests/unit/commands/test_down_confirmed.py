"""`slipway down ENV --confirm NAME`: what a person typed in a workflow's form has to be the environment's name."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from slipway.cli import cli
from slipway.commands.changing import down
from slipway.errors.base import WrongValue
from tests.support.project import made


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each environment that was taken down, whether it is known that a person wants it."""
    found: list[bool] = []

    def take_down(_: Any, __: Any, options: Any) -> None:
        found.append(options.yes)

    monkeypatch.setattr(down, "take_down", take_down)
    return found


def run(tmp_path: Path, *arguments: str) -> Result:
    folders = made(tmp_path / "project")
    named = ("--models", str(folders.models), "--settings", str(folders.settings))
    return CliRunner().invoke(cli, ("down", "local", *arguments, *named))


def test_its_name_counts_as_yes(tmp_path: Path, taken: list[bool]) -> None:
    assert run(tmp_path, "--confirm", "local").exit_code == 0
    assert taken == [True]


@pytest.mark.parametrize("typed", ["lcoal", "", "LOCAL", "prod"])
def test_another_name_is_refused_whatever_else_is_said(tmp_path: Path, taken: list[bool], typed: str) -> None:
    error = run(tmp_path, "--confirm", typed, "--yes").exception
    assert isinstance(error, WrongValue)
    assert "--confirm" in str(error)
    assert "local" in error.allowed
    assert taken == []


def test_without_it_a_person_is_asked(tmp_path: Path, taken: list[bool]) -> None:
    run(tmp_path)
    assert taken == [False]
