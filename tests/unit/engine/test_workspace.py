"""The folder of a run goes with it, and that of a killed run with the next."""

import os
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.engine.process import TABLE, Process
from slipway.engine.workspace import workspace


@pytest.fixture(autouse=True)
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def killed() -> Process:
    child = subprocess.Popen(["sleep", "60"])
    named = TABLE.child(child.pid)
    child.kill()
    child.wait()
    return named


def left(base: Path, owner: str | None, name: str = "slipway-left") -> Path:
    folder = base / name
    folder.mkdir(mode=0o700)
    (folder / "Pulumi.local.yaml").write_text("{}")
    if owner is not None:
        (folder / "owner").write_text(owner)
    return folder


def test_a_folder_is_there_for_its_user_alone_while_a_run_lasts(base: Path) -> None:
    with workspace() as folder:
        assert folder.parent == base
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "owner").read_text() == str(TABLE.own)
    assert list(base.iterdir()) == []


def test_what_a_killed_run_left_goes_with_the_next(base: Path, killed: Process) -> None:
    folder = left(base, str(killed))
    with workspace():
        assert not folder.exists()


def test_folders_that_cannot_be_judged_stay(base: Path, killed: Process) -> None:
    folders = [
        left(base, str(TABLE.own), "slipway-1"),
        left(base, str(replace(killed, namespace="4026532177")), "slipway-2"),
        left(base, str(replace(killed, boot="another")), "slipway-3"),
        left(base, f"{killed.host}/{killed.pid}", "slipway-4"),
        left(base, None, "slipway-5"),
        left(base, str(killed), "somebodys"),
    ]
    with workspace():
        assert all(folder.exists() for folder in folders)


def test_a_link_to_a_folder_is_not_followed(base: Path, killed: Process) -> None:
    folder = left(base, str(killed), "elsewhere")
    (base / "slipway-link").symlink_to(folder)
    with workspace():
        assert folder.exists()


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to give a folder away")
def test_the_folder_of_another_user_is_left(base: Path, killed: Process) -> None:
    folder = left(base, str(killed))
    os.chown(folder, 65534, 65534)
    with workspace():
        assert folder.exists()
