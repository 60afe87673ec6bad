"""Processes held to limits by control groups: where these are, what is written, and that nothing is left."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from slipway.measuring.limits import ControlGroup, Hierarchy, NoControlGroups, find_hierarchy, remove

V1 = """cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
"""
V2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n"


def test_controllers_of_v1_are_used_where_both_are_mounted() -> None:
    found = find_hierarchy(V1)
    assert found == Hierarchy(Path("/sys/fs/cgroup/cpu,cpuacct"), Path("/sys/fs/cgroup/memory"), unified=False)


def test_v2_is_used_elsewhere() -> None:
    assert find_hierarchy(V2) == Hierarchy(Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup"), unified=True)


def test_a_machine_without_them_is_refused_with_what_to_do() -> None:
    with pytest.raises(NoControlGroups, match=r"none is mounted.*next: run the command as root, or where a Docker"):
        find_hierarchy("proc /proc proc rw 0 0\n")


def test_a_folder_that_cannot_be_written_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    missing = tmp_path / "away"
    with (
        pytest.raises(NoControlGroups, match="No such file or directory"),
        ControlGroup(500, 2**28, Hierarchy(missing, missing, unified=False)),
    ):
        raise AssertionError("it began")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("unified", [True, False])
def test_limits_are_written_as_the_kubelet_writes_them(tmp_path: Path, unified: bool) -> None:
    cpu, memory = tmp_path / "cpu", tmp_path / ("cpu" if unified else "memory")
    cpu.mkdir()
    memory.mkdir(exist_ok=True)
    group = ControlGroup(250, 2**28, Hierarchy(cpu, memory, unified=unified))
    with pytest.MonkeyPatch.context() as patch:
        # A folder of the kernel's goes with its files; this one does not.
        patch.setattr("slipway.measuring.limits.remove", lambda folders: None)
        with group:
            pass
    name = f"slipway-measure-{os.getpid()}"
    if unified:
        assert (cpu / "cgroup.subtree_control").read_text() == "+cpu +memory"
        assert (cpu / name / "cpu.max").read_text() == "25000 100000"
        assert (cpu / name / "memory.max").read_text() == str(2**28)
    else:
        assert (cpu / name / "cpu.cfs_quota_us").read_text() == "25000"
        assert (memory / name / "memory.limit_in_bytes").read_text() == str(2**28)


def test_a_command_enters_the_group_before_anything_of_it_runs(tmp_path: Path) -> None:
    group = ControlGroup(250, 2**28, Hierarchy(tmp_path, tmp_path, unified=True))
    folder = tmp_path / f"slipway-measure-{os.getpid()}"
    folder.mkdir()
    code = "import pathlib, sys, os; print(os.getpid() == int(pathlib.Path(sys.argv[1]).read_text()), sys.argv[2])"
    command = group.entering([sys.executable, "-c", code, str(folder / "cgroup.procs"), "a b"])
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "True a b\n"


def test_what_runs_in_a_group_is_killed_with_it(tmp_path: Path) -> None:
    process = subprocess.Popen(["sleep", "600"])
    folder = tmp_path / "slipway-measure-1"

    folder.mkdir()
    (folder / "cgroup.procs").write_text(str(process.pid))

    def ended() -> None:
        # The kernel's own list of processes is empty once they have ended.
        process.wait(10)
        (folder / "cgroup.procs").unlink()

    waiting = threading.Thread(target=ended)
    waiting.start()
    remove((folder,))
    waiting.join(10)
    assert process.returncode == -9
    assert not folder.exists()
