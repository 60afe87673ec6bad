"""`slipway local` as a person meets it where it cannot run, and how it ends."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from slipway.cli import cli
from slipway.local import commands
from slipway.local.host.errors import LocalError


@pytest.mark.parametrize("command", [["up"], ["down"], ["status"], ["env"], ["shell"], ["run", "--", "true"]])
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
