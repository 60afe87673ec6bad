"""Whose lock of a stack may be taken away."""

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.engine import notes
from slipway.engine.process import TABLE, Process
from slipway.engine.stack_lock import Holder

BACKEND, STACK = "file:///state", "local.digits"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "slipway" / "engines"


@pytest.fixture
def engine() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def named(engine: subprocess.Popen[bytes]) -> Process:
    return TABLE.child(engine.pid)


def holder(process: Process) -> Holder:
    return Holder("root", process.host, process.pid, "2026-11-21T19:41:02Z")


def killed(engine: subprocess.Popen[bytes]) -> None:
    engine.kill()
    engine.wait()


def test_the_lock_of_a_run_that_is_there_stays(named: Process) -> None:
    notes.write(BACKEND, STACK, named)
    assert not notes.abandoned(BACKEND, STACK, holder(named))


def test_the_lock_of_a_run_that_was_noted_and_killed_is_abandoned(
    engine: subprocess.Popen[bytes], named: Process, state: Path
) -> None:
    notes.write(BACKEND, STACK, named)
    killed(engine)
    assert notes.abandoned(BACKEND, STACK, holder(named))
    notes.forget(BACKEND, STACK)
    assert list(state.iterdir()) == []


def test_a_lock_that_no_run_of_this_machine_noted_stays_though_no_such_process_is_here(
    engine: subprocess.Popen[bytes], named: Process
) -> None:
    killed(engine)
    assert not notes.abandoned(BACKEND, STACK, holder(named))


@pytest.mark.parametrize(("backend", "stack"), [("file:///other", STACK), (BACKEND, "local.speech")])
def test_a_note_is_about_one_stack_of_one_backend(
    engine: subprocess.Popen[bytes], named: Process, backend: str, stack: str
) -> None:
    notes.write(BACKEND, STACK, named)
    killed(engine)
    assert not notes.abandoned(backend, stack, holder(named))


def test_a_note_of_another_pid_namespace_takes_no_lock_away(engine: subprocess.Popen[bytes], named: Process) -> None:
    notes.write(BACKEND, STACK, replace(named, namespace="4026532177"))
    killed(engine)
    assert not notes.abandoned(BACKEND, STACK, holder(named))


def test_of_two_holders_the_one_that_is_there_is_waited_for(engine: subprocess.Popen[bytes], named: Process) -> None:
    notes.write(BACKEND, STACK, named)
    killed(engine)
    locks = [f"created by root@{named.host} (pid {pid}) at 2026-11-21T19:41:02Z" for pid in (named.pid, os.getpid())]
    text = "the stack is currently locked by 2 lock(s).\n  file:///a.json: " + "\n  file:///b.json: ".join(locks)
    found = notes.holder(BACKEND, STACK, [text])
    assert found is not None
    assert found.pid == os.getpid()


def test_a_note_that_was_cut_off_says_nothing(engine: subprocess.Popen[bytes], named: Process) -> None:
    note = notes.write(BACKEND, STACK, named)
    killed(engine)
    assert note is not None
    note.write_text('{"process"')
    assert not notes.abandoned(BACKEND, STACK, holder(named))


def test_notes_are_forgotten_after_a_month(named: Process, state: Path) -> None:
    old = notes.write(BACKEND, "local", named)
    assert old is not None
    os.utime(old, (time.time() - 31 * 86400,) * 2)
    note = notes.write(BACKEND, STACK, named)
    assert list(state.iterdir()) == [note]


def test_where_nothing_can_be_noted_the_run_goes_on(
    named: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert notes.write(BACKEND, STACK, named) is None
