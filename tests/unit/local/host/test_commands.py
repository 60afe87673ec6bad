"""Long commands: their log, their limit, their failure."""

import subprocess
from pathlib import Path

import pytest

from slipway.local.host.commands import Command, explained, run
from slipway.local.host.errors import LocalError


def command(script: str, tmp_path: Path, limit_s: float = 30.0) -> Command:
    return Command(
        what="the work",
        argv=["/bin/sh", "-c", script],
        log=tmp_path / "logs" / "work.log",
        limit_s=limit_s,
        progress=lambda line: line.startswith("progress"),
        on_failure="Try the other way.",
    )


def test_a_failure_quotes_the_last_lines_but_not_progress_and_names_the_log(tmp_path: Path) -> None:
    script = "echo old; for i in $(seq 20); do echo line $i; done; echo progress 1; echo why >&2; exit 3"
    with pytest.raises(LocalError) as caught:
        run(command(script, tmp_path))
    text = str(caught.value)
    assert text.startswith("the work: exit code 3.")
    assert str(tmp_path / "logs" / "work.log") in text
    assert "\n    why\n" in text
    assert "progress 1" not in text
    assert "old" not in text
    assert text.endswith("Try the other way.")


def test_the_log_has_every_line_of_both_streams(tmp_path: Path) -> None:
    run(command("echo out; echo progress 1; echo err >&2", tmp_path))
    assert (tmp_path / "logs" / "work.log").read_text() == "out\nprogress 1\nerr\n"


def test_a_command_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"not done after 0 s.*(\n.*)*started"):
        run(command("echo started; sleep 600 & wait", tmp_path, limit_s=0.4))


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = Command(what="x", argv=[tmp_path / "nothing"], log=tmp_path / "log", limit_s=1)
    with pytest.raises(LocalError, match=r"x: cannot run .*/nothing: No such file or directory"):
        run(missing)


def test_a_short_program_without_an_answer_is_named_with_what_it_was_for_and_the_limit() -> None:
    with (
        pytest.raises(LocalError, match=r"^asking the oracle: sleep 60 gave no answer within 0\.1 s$"),
        explained("asking the oracle"),
    ):
        subprocess.run(["sleep", "60"], timeout=0.1, check=False)


def test_a_short_program_that_fails_is_quoted() -> None:
    argv = ["/bin/sh", "-c", "echo the stars are out >&2; exit 3"]
    with (
        pytest.raises(LocalError, match=r"^asking the oracle: .*: exit code 3: the stars are out$"),
        explained("asking the oracle"),
    ):
        subprocess.run(argv, capture_output=True, check=True)


def test_a_short_program_that_is_not_there_is_named() -> None:
    with (
        pytest.raises(LocalError, match=r"^asking the oracle: /nowhere/oracle: No such file or directory$"),
        explained("asking the oracle"),
    ):
        subprocess.run(["/nowhere/oracle"], check=False)
