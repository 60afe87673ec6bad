"""The command `snapshot`: one document of all environments, whatever is wrong in some of them."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from slipway.cli import cli
from slipway.commands.inspecting.snapshot import LONGEST, Snapshot
from slipway.errors.base import UserErrors
from tests.support.planned import FIXTURES


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The fixtures on AWS as a repository of their own."""
    (tmp_path / "Pulumi.yaml").write_text("name: slipway\n")
    for name in ("weights", "checks"):
        shutil.copytree(FIXTURES / "repo" / name, tmp_path / name)
    shutil.copytree(FIXTURES / "aws/spec", tmp_path / "models")
    shutil.copytree(FIXTURES / "aws/settings", tmp_path / "stacks")
    return tmp_path


def taken(project: Path, expected_code: int = 0) -> tuple[dict[str, Any], BaseException | None]:
    folders = ["--models", str(project / "models"), "--settings", str(project / "stacks")]
    result = CliRunner().invoke(cli, ["snapshot", *folders])
    assert (result.exit_code != 0) == bool(expected_code), result.stderr
    document = json.loads(result.stdout)
    assert Snapshot.model_validate_json(result.stdout).model_dump(mode="json") == document
    return document, result.exception


def test_it_has_release_pool_replicas_and_price_of_each_model_as_plan_and_price_say(project: Path) -> None:
    document, _ = taken(project)
    (fleet,) = (found for found in document["environments"] if found["name"] == "fleet")
    folders = ["--models", str(project / "models"), "--settings", str(project / "stacks")]
    plan = json.loads(CliRunner().invoke(cli, ["plan", "fleet", "--json", *folders]).stdout)
    assert fleet["planned"] is True
    assert [found["name"] for found in fleet["models"]] == [found["name"] for found in plan["models"]]
    for found, planned in zip(fleet["models"], plan["models"], strict=True):
        assert planned["release"].startswith(found["release"])
        assert found["pool"] == planned["pool"]["name"]
        assert found["replicas_min"] == planned["spec"]["scale"]["min"]
        month = planned["estimates"]["usd"]["month"]
        assert found["usd"] == {"min": month["min"], "max": month["max"]}
    assert fleet["usd"] == {key: plan["usd"]["total"]["month"][key] for key in ("min", "max")}
    assert fleet["budget_usd"] == 150_000
    assert any("scale.min: 1 of the 3 minimum replicas need spot nodes" in warning for warning in fleet["warnings"])
    assert document["refused"] == []


def test_what_is_refused_is_in_the_document_once_and_is_the_error_of_the_command(project: Path) -> None:
    shutil.copyfile(project / "stacks/Pulumi.fleet.yaml", project / "stacks/Pulumi.other.yaml")
    spec = next((project / "models").glob("*.yaml"))
    spec.write_text(spec.read_text() + "nonsense: 1\n")
    document, error = taken(project, 1)
    (refused,) = [text for text in document["refused"] if "nonsense" in text]
    assert refused.startswith(f"{spec}:")
    assert all(not found["planned"] and found["models"] == [] for found in document["environments"])
    assert isinstance(error, UserErrors)
    assert str(error).splitlines().count(refused) == 1
    assert error.exit_code == 1


def test_one_environment_that_is_wrong_leaves_the_others_planned(project: Path) -> None:
    (project / "stacks/Pulumi.other.yaml").write_text("config: {slipway:environment: {kind: nonsense}}\n")
    document, _ = taken(project, 1)
    assert {found["name"]: found["planned"] for found in document["environments"]} == {"fleet": True, "other": False}


def test_without_a_folder_of_settings_the_document_says_so(project: Path) -> None:
    shutil.rmtree(project / "stacks")
    document, _ = taken(project, 1)
    assert document["environments"] == []
    assert "cannot be read" in document["refused"][0]


def test_a_message_that_lists_very_much_is_cut(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.commands.inspecting.snapshot.advice", lambda *_: ["one, " * 2000])
    document, _ = taken(project)
    (fleet,) = document["environments"]
    assert [len(warning) for warning in fleet["warnings"]][-1] == LONGEST
