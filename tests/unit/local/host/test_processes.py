"""Daemons: started once, told apart from recycled pids, stopped, waited for with a limit."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.local.host import paths, processes
from slipway.local.host.errors import LocalError

_SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
_STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(paths, "STATE_RUN", tmp_path / "run")
    monkeypatch.setattr(paths, "STATE_LOG", tmp_path / "log")
    yield tmp_path
    processes.stop([file.stem for file in (tmp_path / "run").glob("*.pid")], grace_s=0)


def _started(name: str, argv: list[str]) -> int:
    processes.spawn(name, argv)
    processes.wait_until("it is up", 20, lambda: "up" in processes.log_file(name).read_text(), watch=[name])
    pid = processes.pid(name)
    assert pid is not None
    return pid


def test_a_daemon_runs_in_its_own_session_until_it_is_stopped() -> None:
    pid = _started("d", _SLEEPER)
    assert os.getsid(pid) == pid
    assert processes.stop(["d"], grace_s=5) == []
    assert not processes.alive("d")
    assert not Path(f"/proc/{pid}").exists() or _is_zombie(pid)


def test_a_daemon_does_not_keep_what_its_callers_caller_has_open(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        os.set_inheritable(lock.fileno(), True)
        pid = _started("d", _SLEEPER)
    held = {file.readlink() for file in Path(f"/proc/{pid}/fd").iterdir()}
    assert tmp_path / "lock" not in held
    assert processes.log_file("d") in held


def _is_zombie(pid: int) -> bool:
    return ") Z " in Path(f"/proc/{pid}/stat").read_text()


def test_spawning_the_same_again_keeps_the_process_and_other_arguments_replace_it() -> None:
    first = _started("d", _SLEEPER)
    assert not processes.spawn("d", _SLEEPER)
    assert processes.pid("d") == first
    assert processes.spawn("d", [*_SLEEPER, "changed"])
    assert processes.pid("d") not in (None, first)


def test_a_change_of_a_configuration_file_alone_replaces_the_process(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("one")
    assert processes.spawn("d", _SLEEPER, files=[config])
    first = processes.pid("d")
    config.write_text("one")
    assert not processes.spawn("d", _SLEEPER, files=[config])
    assert processes.pid("d") == first
    config.write_text("two")
    assert not processes.runs("d", _SLEEPER, files=[config])
    assert processes.spawn("d", _SLEEPER, files=[config])
    assert processes.pid("d") not in (None, first)


def test_a_recycled_pid_is_neither_alive_nor_killed(state: Path) -> None:
    _started("d", _SLEEPER)
    with subprocess.Popen(_SLEEPER, stdout=subprocess.DEVNULL) as stranger:
        file = state / "run" / "d.pid"
        record = json.loads(file.read_text())
        processes.stop(["d"], grace_s=0)
        file.write_text(json.dumps(record | {"pid": stranger.pid}))
        try:
            assert not processes.alive("d")
            assert processes.stop(["d"], grace_s=0) == []
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_pid_file_of_the_boot_before_is_nobody(state: Path) -> None:
    _started("d", _SLEEPER)
    file = state / "run" / "d.pid"
    record = json.loads(file.read_text())
    file.write_text(json.dumps(record | {"boot": "another"}))
    assert not processes.alive("d")
    file.write_text(json.dumps(record))
    assert processes.alive("d")


@pytest.mark.parametrize("text", ["", "12", "{", '{"pid": 1}'])
def test_a_damaged_pid_file_counts_as_not_running(state: Path, text: str) -> None:
    (state / "run").mkdir()
    (state / "run" / "d.pid").write_text(text)
    assert not processes.alive("d")
    assert processes.stop(["d"], grace_s=0) == []


def test_stop_goes_on_to_sigkill_when_sigterm_is_ignored() -> None:
    pid = _started("d", _STUBBORN)
    assert processes.stop(["d"], grace_s=0.3) == []
    _, status = os.waitpid(pid, os.WNOHANG) if Path(f"/proc/{pid}").exists() else (0, signal.SIGKILL)
    assert status == signal.SIGKILL


def test_a_daemon_killed_from_outside_is_seen_as_dead() -> None:
    os.kill(_started("d", _SLEEPER), signal.SIGKILL)
    processes.wait_until("it is dead", 5, lambda: not processes.alive("d"))


def test_waiting_ends_at_once_with_the_log_when_a_watched_daemon_has_died() -> None:
    processes.spawn("d", [sys.executable, "-c", "raise SystemExit('no such flag: --fast')"])
    with pytest.raises(
        LocalError, match=r"(?s)for the moon, but d has ended\..*d\.log ends with:.*no such flag: --fast"
    ):
        processes.wait_until("the moon", 60, lambda: False, watch=["d"])


def test_waiting_too_long_names_what_how_long_and_the_last_error() -> None:
    def refused() -> bool:
        raise ConnectionRefusedError("nobody on port 7")

    with pytest.raises(LocalError, match=r"the moon: not after 0 s\. Last answer: nobody on port 7"):
        processes.wait_until("the moon", 0.1, refused)


def test_an_error_that_is_not_of_the_system_is_not_swallowed_while_waiting() -> None:
    def broken() -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        processes.wait_until("the moon", 5, broken)


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(LocalError, match=r"cannot start d: /nowhere/d: No such file"):
        processes.spawn("d", ["/nowhere/d"])


def test_the_log_of_the_run_before_is_kept() -> None:
    _started("d", _SLEEPER)
    processes.stop(["d"], grace_s=5)
    _started("d", _SLEEPER)
    assert processes.log_file("d").with_suffix(".log.1").read_text() == "up\n"
