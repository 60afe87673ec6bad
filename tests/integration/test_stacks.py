"""Stacks are made, updated and destroyed by the real CLI, also after a full disk cut one of its files off."""

import json
import os
import subprocess
import threading
import time
from pathlib import Path

import pulumi
import pytest

from slipway.engine import notes
from slipway.engine.engine import Engine
from slipway.engine.process import TABLE
from slipway.errors.failures import StackFailed
from slipway.loading.settings import read_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    (tmp_path / "backend").mkdir()
    (tmp_path / "workspace").mkdir()
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path / 'backend'}")
    return Engine(tmp_path / "workspace", read_settings(ROOT / "stacks", "local").secrets, threading.Event())


def test_a_stack_is_made_where_there_is_none_and_taken_where_there_is_one(engine: Engine) -> None:
    engine.up("local", lambda: None, lambda _: None, new=True)
    made = engine.up("local.digits", lambda: None, lambda _: None, new=False)
    assert made.changes == {"create": 1}, "the stack itself is all that an empty program makes"
    assert engine.stacks() == ("local", "local.digits")
    assert engine.up("local.digits", lambda: None, lambda _: None, new=True).changes == {"same": 1}
    assert engine.destroy("local.digits", lambda _: None) is not None
    assert engine.destroy("local.digits", lambda _: None) is None
    assert engine.stacks() == ("local",)


class Thing(pulumi.ComponentResource):
    """A resource without a provider."""

    def __init__(self, name: str) -> None:
        super().__init__("slipway:tests:Thing", name)


def test_a_preview_writes_nothing_takes_no_lock_and_waits_for_none(engine: Engine, lock: Path, tmp_path: Path) -> None:
    left = lock.read_text()
    lock.unlink()
    engine.up("local", lambda: None, lambda _: None, new=True)
    lock.write_text(left)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "backend").rglob("*")}
    same = engine.preview("local", lambda: None)
    assert same is not None
    assert (same.counts, same.same) == ({}, 1)

    def more() -> None:
        Thing("new")

    assert engine.preview("local", more) is not None
    assert engine.preview("local", None) == same, "nothing is otherwise than it was made"
    assert engine.preview("local.digits", lambda: None) is None, "there is no such stack"
    assert engine.preview("local.digits", None) is None
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "backend").rglob("*")} == before


def test_a_preview_of_a_program_that_fails_says_why(engine: Engine) -> None:
    def program() -> None:
        raise pulumi.RunError("the registry does not answer")

    engine.up("local", lambda: None, lambda _: None, new=True)
    with pytest.raises(StackFailed, match=r"stack local: preview failed:\n  the registry does not answer$"):
        engine.preview("local", program)


@pytest.mark.parametrize("new", [False, True])
@pytest.mark.parametrize(
    "cut",
    [
        "stacks/slipway/local.json",
        "stacks/slipway/local.json.attrs",
        "locks/organization/slipway/local/a.json",
        "locks/organization/slipway/local/a.json.18ea31f0.tmp",
    ],
)
def test_what_a_full_disk_cut_off_does_not_keep_a_stack_from_being_updated_and_destroyed(
    engine: Engine, tmp_path: Path, cut: str, *, new: bool
) -> None:
    for _ in range(2):
        engine.up("local", lambda: None, lambda _: None, new=True)
    file = tmp_path / "backend" / ".pulumi" / cut
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("")
    os.utime(file, (time.time() - 60,) * 2)
    said: list[str] = []
    assert engine.up("local", lambda: None, said.append, new=new).changes == {"same": 1}
    assert [str(file) in text for text in said] == [True]
    assert engine.stacks() == ("local",)
    assert engine.destroy("local", lambda _: None) is not None


def test_stacks_are_listed_while_another_run_writes_the_files_of_one(engine: Engine, tmp_path: Path) -> None:
    engine.up("local", lambda: None, lambda _: None, new=True)
    notes_on_it = tmp_path / "backend/.pulumi/stacks/slipway/local.json.attrs"
    whole = notes_on_it.read_text()
    notes_on_it.write_text("")
    writing = threading.Timer(1.0, notes_on_it.write_text, [whole])
    writing.start()
    assert engine.stacks() == ("local",)
    writing.join()
    assert notes_on_it.read_text() == whole


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The lock of a run on stack `local` that was killed, and the note which says that it was on this machine."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    run = subprocess.Popen(["sleep", "60"])
    process = TABLE.child(run.pid)
    assert notes.write(os.environ["PULUMI_BACKEND_URL"], "local", process)
    run.kill()
    run.wait()
    lock = tmp_path / "backend/.pulumi/locks/organization/slipway/local/a.json"
    lock.parent.mkdir(parents=True)
    since = "2026-11-26T08:22:39Z"
    lock.write_text(json.dumps({"pid": run.pid, "username": "root", "hostname": process.host, "timestamp": since}))
    return lock


@pytest.mark.parametrize("made", [True, False], ids=["between two steps", "while it made the stack"])
def test_the_lock_of_a_killed_run_keeps_nobody_from_a_stack_where_nothing_is_live(
    engine: Engine, lock: Path, *, made: bool
) -> None:
    if made:
        left = lock.read_text()
        lock.unlink()
        engine.up("local", lambda: None, lambda _: None, new=True)
        lock.write_text(left)
    said: list[str] = []
    assert engine.up("local", lambda: None, said.append, new=True).changes == {"same" if made else "create": 1}
    assert [text.endswith("is gone: its lock has been removed") for text in said] == [True]
    assert not lock.exists()


def test_the_lock_of_a_killed_run_keeps_nobody_from_lifting_protection(engine: Engine, lock: Path) -> None:
    left = lock.read_text()
    lock.unlink()
    engine.up("local", lambda: None, lambda _: None, new=True)
    lock.write_text(left)
    said: list[str] = []
    engine.unprotect("local", ["urn:pulumi:local::slipway::pulumi:pulumi:Stack::slipway-local"], said.append)
    assert "is gone: its lock has been removed" in said[0]
