"""Who holds a stack, and whether that run is still there."""

from pathlib import Path

import pytest

from infra.deploy.stack_lock import Holder, abandoned, holder_of

TEXT = (
    "the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock "
    "file with `pulumi cancel`.\n  file:///state/.pulumi/locks/organization/slipway/local.digits/ab.json: created by "
    "root@builder (pid 4711) at 2026-11-21T19:41:02Z"
)
HOLDER = Holder("root", "builder", 4711, "2026-11-21T19:41:02Z")


@pytest.fixture
def processes(tmp_path: Path) -> Path:
    (tmp_path / "4711").mkdir()
    (tmp_path / "4711" / "comm").write_text("pulumi\n")
    return tmp_path


def test_the_holder_is_found_in_the_engines_words() -> None:
    assert holder_of(["something", TEXT]) == HOLDER


def test_another_error_has_no_holder() -> None:
    assert holder_of(["created by nobody", "no stack named 'x'"]) is None


def test_a_holder_that_runs_here_is_not_abandoned(processes: Path) -> None:
    assert not abandoned(HOLDER, "builder", processes)


def test_a_holder_whose_process_is_gone_is_abandoned(processes: Path) -> None:
    (processes / "4711" / "comm").unlink()
    assert abandoned(HOLDER, "builder", processes)


def test_a_process_number_that_now_is_another_program_counts_as_gone(processes: Path) -> None:
    (processes / "4711" / "comm").write_text("bash\n")
    assert abandoned(HOLDER, "builder", processes)


def test_of_another_host_nothing_can_be_said(tmp_path: Path) -> None:
    assert not abandoned(HOLDER, "laptop", tmp_path)


def test_without_a_process_table_nothing_can_be_said(tmp_path: Path) -> None:
    assert not abandoned(HOLDER, "builder", tmp_path / "none")
