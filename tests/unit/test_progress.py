"""What people see while something goes on: the same on a terminal and in a log, with brackets shown as they are."""

import io

import pytest
from rich.console import Console

from slipway import console
from slipway.local import display
from slipway.local.host.steps import StepResult


def shown(*, terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=100, color_system=None, legacy_windows=False)


def text(console_: Console) -> str:
    written = console_.file
    assert isinstance(written, io.StringIO)
    return written.getvalue()


def test_a_log_has_a_line_for_each_change_and_none_for_a_repetition(monkeypatch: pytest.MonkeyPatch) -> None:
    log = shown(terminal=False)
    monkeypatch.setattr(console, "err", log)
    with console.Progress() as progress:
        for said in ("waiting for [a]", "waiting for [a]", "serving"):
            progress.report("digits", said)
    assert [line.split("s  ")[1] for line in text(log).splitlines()] == ["digits: waiting for [a]", "digits: serving"]


def test_a_terminal_has_a_row_for_each_thing_that_is_rewritten_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = shown(terminal=True)
    monkeypatch.setattr(console, "err", screen)
    with console.Progress() as progress:
        progress.report("digits", "waiting for [a]")
        progress.report("sums", "serving")
    assert "digits waiting for [a]" in text(screen)
    assert "sums   serving" in text(screen)


def test_steps_stay_as_lines_when_they_are_done_or_have_failed() -> None:
    log = shown(terminal=False)
    with display.StepDisplay(log) as steps:
        steps.started("cluster")
        steps.at("cluster", "kubelet")
        steps.started("docker")
        steps.finished(StepResult("cluster", 3.25, "up [v1.36]"))
        steps.failed("docker", 1.0)
    assert text(log).splitlines() == ["    3.2 s  cluster: up [v1.36]", "    1.0 s  docker: failed"]


def test_a_log_hears_now_and_then_of_a_step_that_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    log = shown(terminal=False)
    monkeypatch.setattr(display, "_PLAIN_EVERY_S", 0.02)
    with display.StepDisplay(log) as steps:
        steps.started("cluster")
        steps.at("cluster", "waiting for [etcd]")
        for _ in range(500):
            if "cluster ... waiting for [etcd]" in text(log):
                break
            steps._over.wait(0.02)
    assert "cluster ... waiting for [etcd]" in text(log)


def test_a_terminal_shows_what_a_running_step_is_at() -> None:
    screen = shown(terminal=True)
    with display.StepDisplay(screen) as steps:
        steps.started("cluster")
        steps.at("cluster", "waiting for [etcd]")
    assert "cluster waiting for [etcd]" in text(screen)


def test_no_output_turns_a_name_between_colons_into_a_picture(capsys: pytest.CaptureFixture[str]) -> None:
    console.result("result :bug:")
    console.message("message :bug:")
    console.table(("MODEL :bug:",), [["cell :bug:"]], "title :bug:")
    with console.Progress() as progress:
        progress.report("model :bug:", "waits :bug:")
    written = capsys.readouterr()
    for said in ("result :bug:", "MODEL :bug:", "cell :bug:", "title :bug:"):
        assert said in written.out
    for said in ("message :bug:", "model :bug:: waits :bug:"):
        assert said in written.err


def test_a_terminal_shows_a_name_between_colons_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = shown(terminal=True)
    monkeypatch.setattr(console, "err", screen)
    with console.Progress() as progress:
        progress.report("model :bug:", "waits :bug:")
    assert "model :bug: waits :bug:" in text(screen)
