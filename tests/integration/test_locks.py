"""A run in another container never takes the locks of a living one, though host name and process numbers agree."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.workbench import Workbench, fresh

ROOTLESS = os.getuid() != 0 or not shutil.which("unshare")


def elsewhere(bench: Workbench, *arguments: str) -> subprocess.Popen[str]:
    """Start `slipway ...` in a PID namespace of its own, as a container does that shares the host's name."""
    slipway = str(Path(sys.executable).parent / "slipway")
    return subprocess.Popen(
        ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", slipway, *arguments],
        cwd=bench.folder,
        env={**os.environ, **bench.environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(ROOTLESS, reason="needs root to make a PID namespace")
def test_a_run_in_another_pid_namespace_waits_for_the_one_at_work(bench: Workbench) -> None:
    # Large enough to be built still when the second run, which begins with the environment, comes to the model.
    bench.write("scaled", nodes=fresh(2.0, 14_000_000))
    with bench.up_until(f"{bench.environment}: updating its stack") as first:
        second = elsewhere(bench, "up", bench.environment, "--yes", "--refresh")
        said = second.communicate(timeout=200)[1]
    assert first.returncode == 0, first.stderr
    assert second.returncode == 0, said
    for text in (first.stderr, said):
        assert "its lock has been removed" not in text
        assert "taken over" not in text
    assert "waiting for" in said


@pytest.mark.skipif(ROOTLESS, reason="needs root to make a PID namespace")
def test_the_lock_that_a_killed_run_left_is_removed_in_its_own_pid_namespace_only(bench: Workbench) -> None:
    bench.write("scaled", 2.0)
    bench.well("up", bench.environment, "--yes")
    locks = Path(os.environ["PULUMI_BACKEND_URL"].removeprefix("file://"), ".pulumi/locks/organization/slipway")
    folder = locks / f"{bench.environment}.scaled"
    bench.write("scaled", 3.0)
    killed = bench.start("up", bench.environment, "--yes")
    until = time.monotonic() + 60
    while not (held := sorted(folder.glob("*.json"))):
        assert time.monotonic() < until
        time.sleep(0.01)
    # The engine itself, and its lock with it, as when a machine has no memory left: it cannot clean up.
    os.kill(json.loads(held[0].read_text())["pid"], signal.SIGKILL)
    killed.kill()
    killed.communicate()
    other = elsewhere(bench, "up", bench.environment, "--yes")
    time.sleep(30)
    other.kill()
    said = other.communicate()[1]
    assert "which holds the stack" in said
    assert "its lock has been removed" not in said
    assert sorted(folder.glob("*.json")) == held
    up = bench.up()
    assert up.returncode == 0, up.stdout + up.stderr
    assert "is gone: its lock has been removed" in up.stderr
