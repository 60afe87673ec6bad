"""What `slipway init` writes, and what it refuses; what a project then requires."""

import tomllib
from pathlib import Path
from typing import IO, Any

import pytest
from click.testing import CliRunner, Result

from slipway.cli import cli
from slipway.commands.project.own_requirement import requirement
from slipway.errors.base import SlipwayError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def refused(*arguments: str) -> str:
    error = run(*arguments).exception
    assert isinstance(error, SlipwayError)
    assert error.exit_code == 1
    return str(error)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def test_a_new_project_has_a_model_settings_and_a_program_and_is_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "My Fleet"
    assert run("init", str(folder)).exit_code == 0
    assert files(folder) >= {
        *(".gitignore", "Pulumi.yaml", "__main__.py", "pyproject.toml", "stacks/Pulumi.local.yaml"),
        *("models/digits.yaml", "models/digits/check.json", "models/digits/model.onnx", "models/digits/seven.png"),
    }
    assert tomllib.loads((folder / "pyproject.toml").read_text())["project"]["name"] == "my-fleet"
    monkeypatch.chdir(folder)
    assert "ok  local: model digits 1.0.0, pool default" in run("validate").stdout
    assert "digits" in run("plan", "local").stdout
    assert "kind: Deployment" in run("render", "local").stdout


def test_the_name_can_be_given(tmp_path: Path) -> None:
    run("init", str(tmp_path), "--name", "Vision_2")
    assert tomllib.loads((tmp_path / "pyproject.toml").read_text())["project"]["name"] == "Vision_2"


@pytest.mark.parametrize("name", ["", "-a", 'a"b', "a b", "a" * 64, "Slipway_ML"])
def test_a_name_that_no_project_can_have_is_refused(tmp_path: Path, name: str) -> None:
    assert "--name: " in refused("init", str(tmp_path), "--name", name)
    assert files(tmp_path) == set()


def test_every_file_that_is_there_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/digits.yaml").write_text("mine")
    (tmp_path / "Pulumi.yaml").symlink_to("nowhere")
    said = refused("init", str(tmp_path)).splitlines()
    assert [line.split(": is there already")[0] for line in said] == [
        str(tmp_path / "Pulumi.yaml"),
        str(tmp_path / "models/digits.yaml"),
    ]
    assert files(tmp_path) == {"models/digits.yaml", "Pulumi.yaml"}


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "stacks").write_text("")
    assert f"{tmp_path / 'stacks'}: is not a folder" in refused("init", str(tmp_path))
    assert f"{tmp_path / 'stacks'}: is not a folder" in refused("init", str(tmp_path / "stacks"))
    assert files(tmp_path) == {"stacks"}


def test_nothing_is_left_of_a_project_that_could_not_be_written_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def refusing(path: Path, mode: str = "r", **rest: Any) -> IO[Any]:
        if path.name == "Pulumi.local.yaml" and mode == "xb":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, mode, **rest)

    monkeypatch.setattr(Path, "open", refusing)
    assert "Pulumi.local.yaml: cannot be written: Permission denied" in refused("init", str(tmp_path))
    assert files(tmp_path) == set()


@pytest.mark.parametrize(
    ("direct_url", "text"),
    [
        (None, "slipway-ml==1.2.3"),
        ('{"url": "file:///a/s.whl", "archive_info": {}}', "slipway-ml @ file:///a/s.whl"),
        ('{"url": "file:///a/clone", "dir_info": {}}', "slipway-ml @ file:///a/clone"),
        (
            '{"url": "https://me:secret@host:8443/s.whl?x=1", "archive_info": {}}',
            "slipway-ml @ https://host:8443/s.whl?x=1",
        ),
        (
            f'{{"url": "https://token@host/s.git", "vcs_info": {{"vcs": "git", "commit_id": "{COMMIT}"}}}}',
            f"slipway-ml @ git+https://host/s.git@{COMMIT}",
        ),
        (
            f'{{"url": "ssh://git@host/s.git", "vcs_info": {{"vcs": "git", "commit_id": "{COMMIT}"}}}}',
            f"slipway-ml @ git+ssh://git@host/s.git@{COMMIT}",
        ),
    ],
)
def test_a_project_requires_what_is_installed_and_no_credentials(direct_url: str | None, text: str) -> None:
    assert requirement("1.2.3", direct_url).text == text
    assert requirement("1.2.3", direct_url).sources == ""


def test_an_editable_install_is_required_by_its_path() -> None:
    told = requirement("1.2.3", '{"url": "file:///a%20b", "dir_info": {"editable": true}}')
    sources = tomllib.loads(told.sources)["tool"]["uv"]["sources"]
    assert (told.text, sources) == ("slipway-ml", {"slipway-ml": {"path": "/a b", "editable": True}})
