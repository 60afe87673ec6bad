"""Which process a lock names, and whether it is still there (on a made-up /proc, and in a real PID namespace)."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.engine.process import TABLE, Process, ProcessTable, parsed, spoken

NOT_THERE = 2**22 - 1
"""No process: above every number that the kernel gives unless told otherwise."""


def stat(pid: int, start: int, state: str = "S", name: str = "slip (way) 1") -> str:
    return f"{pid} ({name}) {state} " + " ".join(["0"] * 18) + f" {start} 0 0\n"


@pytest.fixture
def table(tmp_path: Path) -> ProcessTable:
    """This process, with pid 1 beside it, started at tick 7."""
    (tmp_path / "sys/kernel/random").mkdir(parents=True)
    (tmp_path / "sys/kernel/random/boot_id").write_text("5d0e-11\n")
    for pid, start in ((os.getpid(), 4000), (1, 7)):
        (tmp_path / str(pid) / "ns").mkdir(parents=True)
        (tmp_path / str(pid) / "ns/pid").symlink_to("pid:[4026531836]")
        (tmp_path / str(pid) / "stat").write_text(stat(pid, start))
    (tmp_path / "self").symlink_to(str(os.getpid()))
    return ProcessTable(tmp_path)


@pytest.fixture
def first(table: ProcessTable) -> Process:
    return replace(table.own, pid=1, start="7")


def test_a_process_is_named_by_host_boot_namespace_number_and_start(table: ProcessTable) -> None:
    own = table.own
    assert (own.boot, own.namespace, own.pid, own.start) == ("5d0e-11", "4026531836", os.getpid(), "4000")
    assert parsed(str(own)) == own


@pytest.mark.parametrize("text", ["laptop/77", "", "a/b/c/d/e", "a/b/c/1/e/f", "a b/c/d/1/2", "laptop/77\n"])
def test_any_other_text_names_no_process(text: str) -> None:
    assert parsed(text) is None


def test_people_are_told_host_and_number() -> None:
    assert spoken("vm/5d0e/4026531836/77/400") == "vm (process 77)"
    assert spoken("laptop/77") == "laptop/77"


def test_a_process_that_is_there_is_not_gone(table: ProcessTable, first: Process) -> None:
    assert not table.gone(table.own)
    assert not table.gone(first)


def test_a_process_that_is_no_more_is_gone(table: ProcessTable, first: Process) -> None:
    assert table.gone(replace(first, pid=NOT_THERE))


def test_a_number_that_another_process_has_now_is_a_process_that_is_gone(table: ProcessTable, first: Process) -> None:
    assert table.gone(replace(first, start="6"))


def test_a_process_that_ended_and_was_not_asked_after_is_gone(table: ProcessTable, first: Process) -> None:
    (table.folder / "1/stat").write_text(stat(1, 7, state="Z"))
    assert table.gone(first)


def test_of_another_host_boot_or_namespace_nothing_can_be_said(table: ProcessTable, first: Process) -> None:
    gone = replace(first, pid=NOT_THERE)
    assert table.gone(gone)
    assert not table.gone(replace(gone, host="laptop"))
    assert not table.gone(replace(gone, boot="other"))
    assert not table.gone(replace(gone, namespace="4026532177"))


def test_a_process_table_of_another_namespace_is_not_believed(table: ProcessTable, first: Process) -> None:
    (table.folder / "self").unlink()
    (table.folder / "self").symlink_to("1")
    assert not ProcessTable(table.folder).gone(replace(first, start="6"))


def test_without_a_process_table_nothing_can_be_said(tmp_path: Path) -> None:
    own = ProcessTable(tmp_path).own
    assert not own.known
    assert not ProcessTable(tmp_path).gone(replace(own, pid=NOT_THERE))


def test_a_child_that_was_killed_is_gone() -> None:
    child = subprocess.Popen(["sleep", "60"])
    named = TABLE.child(child.pid)
    assert named.known
    assert not TABLE.gone(named)
    child.kill()
    child.wait()
    assert TABLE.gone(named)


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("unshare"), reason="needs root to make a PID namespace")
@pytest.mark.parametrize("mounted", [[], ["--mount-proc"]])
def test_in_another_pid_namespace_of_this_host_no_process_of_this_one_is_gone(mounted: list[str]) -> None:
    child = subprocess.Popen(["sleep", "60"])
    ended = TABLE.child(child.pid)
    child.kill()
    child.wait()
    program = (
        "import sys; from slipway.engine.process import TABLE, parsed; "
        "print(*[TABLE.gone(parsed(text)) for text in sys.argv[1:]], TABLE.gone(TABLE.own), TABLE.own.namespace)"
    )
    command = ["unshare", "--pid", "--fork", *mounted, sys.executable, "-c", program, str(ended), str(TABLE.own)]
    answered = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path.cwd()).stdout.split()
    assert answered[:3] == ["False", "False", "False"]
    assert answered[3] != TABLE.own.namespace
