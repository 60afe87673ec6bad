"""Who ran a command, and of which commit the specs are."""

import subprocess
from pathlib import Path

import pytest

from slipway.history import surroundings
from slipway.history.surroundings import commit, who

WORKFLOW = {
    "GITHUB_SERVER_URL": "https://github.example",
    "GITHUB_REPOSITORY": "mia/models",
    "GITHUB_RUN_ID": "17",
    "GITHUB_ACTOR": "mia",
}


def git(folder: Path, *arguments: str) -> str:
    name = ["-c", "user.name=m", "-c", "user.email=m@example.com"]
    done = subprocess.run(["git", *name, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "digits.yaml").write_text("name: digits\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def test_a_workflow_is_whoever_set_it_off_and_has_its_url() -> None:
    found = who(WORKFLOW)
    assert (found.user, found.run) == ("mia", "https://github.example/mia/models/actions/runs/17")
    assert str(found) == "mia"


def test_a_person_is_user_and_host() -> None:
    found = who({})
    assert found.run is None
    assert str(found) == f"{found.user}@{found.host}"


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert who({}).user.isdecimal()


def test_the_commit_of_a_clean_repository(repository: Path) -> None:
    found = commit(repository / "models")
    assert found is not None
    assert (found.sha, found.dirty) == (git(repository, "rev-parse", "HEAD"), False)
    assert str(found) == found.sha[:12]


@pytest.mark.parametrize("name", ["digits.yaml", "new.yaml"])
def test_a_change_that_is_not_committed_is_said(repository: Path, name: str) -> None:
    (repository / "models" / name).write_text("name: other\n")
    found = commit(repository / "models")
    assert found is not None
    assert found.dirty
    assert str(found).endswith("+")


def test_outside_of_a_repository_there_is_no_commit(tmp_path: Path) -> None:
    assert commit(tmp_path) is None
    assert commit(tmp_path / "missing") is None
    git(tmp_path, "init", "-q")
    assert commit(tmp_path) is None  # nothing is committed yet


def test_a_git_that_does_not_answer_is_not_waited_for(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(surroundings, "_GIT_LIMIT_S", 0.2)
    assert commit(repository) is None
