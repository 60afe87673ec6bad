"""Where `slipway schema` prints, where it writes, and what it refuses."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slipway.cli import cli
from slipway.commands.project.reference import settings_schema, spec_schema
from slipway.errors.base import UserError
from tests.support.planned import ROOT


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["schema", *arguments])


def test_a_project_gets_schemas_on_standard_output_and_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Pulumi.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert json.loads(run("spec").stdout) == spec_schema()
    assert json.loads(run("settings").stdout) == settings_schema()
    assert json.loads(run().stdout) == {"spec": spec_schema(), "settings": settings_schema()}
    assert [path.name for path in tmp_path.iterdir()] == ["Pulumi.yaml"]


def test_a_check_is_for_slipway_s_own_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert isinstance(run("--check").exception, UserError)
    monkeypatch.chdir(ROOT)
    assert isinstance(run("spec", "--check").exception, UserError)
    assert run("--check").stdout == "generated files are up to date\n"
