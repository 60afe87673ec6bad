"""`slipway local` as a person meets it where it cannot run, and how it ends."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner
from filelock import FileLock

from slipway.cli import cli
from slipway.local import bring_up, commands
from slipway.local.host import paths
from slipway.local.host.errors import LocalError


@pytest.mark.parametrize(
    "command", [["up"], ["down"], ["status"], ["base-image"], ["env"], ["shell"], ["run", "--", "true"]]
)
def test_on_macos_every_command_says_what_it_needs_and_what_works_without(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    ended = CliRunner().invoke(cli, ["local", *command])
    assert ended.exit_code == 1
    for part in ("needs Linux", "this machine runs macOS", "use Debian 12 or Ubuntu in a VM", "`slipway plan`"):
        assert part in ended.output


def test_what_a_machine_lacks_is_a_message_and_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, commands.guarded():
        raise LocalError("no room [on] the disk")
    assert ended.value.code == 1
    assert capsys.readouterr().err == "error: no room [on] the disk\n"


def test_help_of_slipway_imports_nothing_of_the_local_environment() -> None:
    code = "import sys, slipway.cli; from click.testing import CliRunner as R; "
    code += "assert 'local ' in R().invoke(slipway.cli.cli, ['--help']).output; "
    code += "print([name for name in sys.modules if name.startswith('slipway.local')])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.strip() == "[]"


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "CACHE", tmp_path / "cache")
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr(bring_up, "up", lambda _console, *, prepare_only: None)
    return paths.CACHE / ".lock"


def test_another_up_is_waited_for_no_longer_than_the_limit(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "_LOCK_LIMIT_S", 0.1)
    lock.parent.mkdir()
    with FileLock(lock):
        ended = CliRunner().invoke(cli, ["local", "up"])
    assert ended.exit_code == 1
    said = ended.output.splitlines()
    assert said[0] == f"waiting for another `up` or `down`; `fuser {lock}` names it"
    assert said[1].startswith(
        "error: waited 0 min for another `slipway local up` or `down` on this machine; nothing was changed"
    )
    assert f"`fuser {lock}` names it: end it and run this again" in said[1]


def test_an_up_that_waits_goes_on_once_the_other_has_ended(lock: Path) -> None:
    lock.parent.mkdir()
    other = FileLock(lock, thread_local=False)
    other.acquire()
    freed = threading.Timer(0.3, other.release)
    freed.start()
    ended = CliRunner().invoke(cli, ["local", "up"])
    freed.join()
    assert (ended.exit_code, len(ended.output.splitlines())) == (0, 1)
    assert CliRunner().invoke(cli, ["local", "up"]).output == ""
