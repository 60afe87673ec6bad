"""What an operator's machine that is no Linux lacks is not asked for by what works without a local environment.

There is no macOS here: of Linux, what is Linux's alone is taken away from Python's standard library before anything of
Slipway is imported, and /proc cannot be opened. What a plugin or Docker does on another system is not shown by that.
"""

import subprocess
import sys
from pathlib import Path

from tests.support.planned import ROOT

WITHOUT_LINUX = """
import os, select, signal, socket, sys

LINUX_ONLY = {
    os: "sched_getaffinity sched_setaffinity pidfd_open memfd_create eventfd unshare setns splice copy_file_range "
        "posix_fadvise posix_fallocate getrandom O_PATH O_TMPFILE getxattr setxattr listxattr",
    select: "epoll EPOLLIN",
    signal: "pidfd_send_signal sigtimedwait sigwaitinfo SIGRTMIN SIGPWR",
    socket: "AF_NETLINK AF_PACKET AF_VSOCK AF_ALG SO_PEERCRED SO_BINDTODEVICE",
}
taken = [(module, name) for module, names in LINUX_ONLY.items() for name in names.split() if hasattr(module, name)]
for module, name in taken:
    delattr(module, name)
assert len(taken) > 20, taken

def no_proc(event, arguments):
    if event == "open" and str(arguments[0]).startswith("/proc"):
        raise FileNotFoundError(2, "there is no /proc", str(arguments[0]))

sys.addaudithook(no_proc)
"""
COMMANDS = """
from click.testing import CliRunner
from slipway.cli import cli
for words in (["validate"], ["plan", "prod"], ["price", "prod"], ["render", "prod"], ["schema", "spec"]):
    run = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert run.exit_code == 0, (words, run.output)
print("done")
"""
ENGINE = """
import slipway.commands.changing.up, slipway.commands.changing.down, slipway.commands.changing.rotate
import slipway.commands.inspecting.live
import slipway.by_hand
import slipway.components.aws.environment, slipway.components.image.build
from pathlib import Path
from slipway.engine.process import TABLE
from slipway.engine.workspace import workspace
with workspace() as folder:
    assert folder.is_dir()
assert not TABLE.gone(TABLE.own)
print("done")
"""

LOCAL = """
import platform
from click.testing import CliRunner
from slipway.cli import cli
platform.system = lambda: "Darwin"
run = CliRunner().invoke(cli, ["local", "up"])
assert run.exit_code == 1 and "needs Linux" in run.output, (run.exit_code, run.output, run.exception)
assert CliRunner().invoke(cli, ["local", "--help"]).exit_code == 0
print("done")
"""


def run_without_linux(code: str, folder: Path = ROOT) -> None:
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_LINUX + code],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (run.returncode, run.stdout) == (0, "done\n"), run.stderr[-2000:]


def test_what_needs_no_cluster_needs_no_linux() -> None:
    run_without_linux(COMMANDS)


def test_what_deploys_to_a_cluster_elsewhere_needs_no_linux() -> None:
    run_without_linux(ENGINE)


def test_the_local_environment_says_what_it_needs_where_nothing_of_linux_is() -> None:
    run_without_linux(LOCAL)
