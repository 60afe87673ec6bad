"""`make test` stands for all of its parts: what fails is told and fails the whole, Ctrl-C leaves nothing running."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.run import __main__
from tests.run.parts import Part, all_parts
from tests.run.reports import failed, passed_at_second, slowest
from tests.run.running import play
from tests.support import rounds

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 300.0


class Heard:
    """What parts say."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __call__(self, part: str, line: str) -> None:
        self.lines.append((part, line))

    def has(self, part: str, text: str) -> bool:
        return any(name == part and text in line for name, line in self.lines)


def python(code: str) -> tuple[str, ...]:
    return sys.executable, "-u", "-c", code


def results(parts: list[Part], heard: Heard, limit_s: float = LIMIT_S) -> dict[str, tuple[bool, str]]:
    return {how.name: (how.passed, how.result) for how in play(parts, heard, limit_s)}


def test_parts_that_wait_for_nobody_run_side_by_side(tmp_path: Path) -> None:
    """Each ends only when the other has begun."""
    code = (
        "import pathlib, sys, time\npathlib.Path(sys.argv[1]).touch()\n"
        "while not pathlib.Path(sys.argv[2]).exists(): time.sleep(0.01)"
    )
    one, other = str(tmp_path / "one"), str(tmp_path / "other")
    parts = [Part("one", (*python(code), one, other)), Part("other", (*python(code), other, one))]
    assert results(parts, Heard()) == {"one": (True, "passed"), "other": (True, "passed")}


def test_a_part_starts_when_those_before_it_have_ended_however() -> None:
    heard = Heard()
    parts = [Part("last", python("print('last')"), after=("first",)), Part("first", python("print('no'); exit(3)"))]
    assert results(parts, heard) == {"first": (False, "failed with 3"), "last": (True, "passed")}
    assert heard.lines.index(("first", "no")) < heard.lines.index(("last", "last"))


def test_what_needs_a_part_that_failed_is_not_started_and_not_passed() -> None:
    heard = Heard()
    parts = [
        Part("cluster", python("exit(1)")),
        Part("on it", python("print('ran')"), needs=("cluster",)),
        Part("after that", python("print('ran too')"), after=("on it",)),
    ]
    assert results(parts, heard) == {
        "cluster": (False, "failed with 1"),
        "on it": (False, "not started: cluster has not passed"),
        "after that": (True, "passed"),
    }
    assert not heard.has("on it", "ran")


def test_a_failing_lint_stops_what_runs_and_starts_nothing_else(tmp_path: Path) -> None:
    started = tmp_path / "started"
    slow = f"import pathlib, time\npathlib.Path({str(started)!r}).touch()\ntime.sleep(600)"
    lint = f"import pathlib, time\nwhile not pathlib.Path({str(started)!r}).exists(): time.sleep(0.01)\nexit(1)"
    parts = [
        Part("lint", python(lint), stops_all=True),
        Part("local up", python(slow)),
        Part("unit", python("print('ran')"), after=("lint",)),
    ]
    heard = Heard()
    assert results(parts, heard) == {
        "lint": (False, "failed with 1"),
        "local up": (False, "stopped: lint has failed"),
        "unit": (False, "not started: lint has failed"),
    }
    assert not heard.has("unit", "ran")


def test_a_part_that_does_not_end_is_ended_and_its_limit_named() -> None:
    assert results([Part("endless", python("import time; time.sleep(600)"))], Heard(), 0.6) == {
        "endless": (False, "not done within 0.01 min")
    }


def test_what_a_part_says_is_passed_on_whole_also_when_it_is_no_text() -> None:
    heard = Heard()
    results(
        [Part("one", python("import sys; sys.stdout.buffer.write(b'\\xff\\n'); print('end', file=sys.stderr)"))], heard
    )
    assert heard.has("one", "\ufffd")
    assert heard.has("one", "end")


def test_ctrl_c_ends_every_part_with_its_children(tmp_path: Path) -> None:
    """The parts here are shells that wait for a child, as pytest is that waits for `slipway`."""
    pids = tmp_path / "pids"
    pids.mkdir()
    child = f"import os, pathlib, time; pathlib.Path({str(pids)!r}, str(os.getpid())).touch(); time.sleep(600)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    # A shell without job control starts what it leaves in the background with Ctrl-C ignored, for all its children.
    code = (
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from tests.run.parts import Part\nfrom tests.run.running import play\n"
        f"play([Part(name, ({sys.executable!r}, '-c', {parent!r})) for name in 'ab'], lambda *_: None, 60.0)"
    )
    run = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + LIMIT_S
    while len(started := [int(path.name) for path in pids.iterdir()]) < 2:
        assert run.poll() is None, "it ended"
        assert time.monotonic() < until, "the parts did not start"
        time.sleep(0.01)
    run.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in run.communicate(timeout=LIMIT_S)[1]
    for pid in started:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_the_slowest_tests_of_all_reports_are_told_with_setup_and_teardown(tmp_path: Path) -> None:
    tests = tmp_path / "test_it.py"
    tests.write_text(
        "import time\nimport pytest\n\n@pytest.fixture\ndef slow():\n    yield\n    time.sleep(0.5)\n\n"
        "def test_with_slow_teardown(slow): pass\n\n@pytest.mark.parametrize('n', range(3))\ndef test_quick(n): pass\n"
    )
    for name in ("one", "other"):
        report = f"--junitxml={tmp_path / name}.xml"
        done = subprocess.run([sys.executable, "-m", "pytest", "-q", report, tests], cwd=tmp_path, check=False)
        assert done.returncode == 0
    found = slowest(tmp_path, 3)
    assert [name for _, name in found[:2]] == ["test_it::test_with_slow_teardown"] * 2
    assert len(found) == 3
    assert found[1][0] > found[2][0]


@pytest.mark.parametrize(("code", "end"), [(0, "all         passed"), (1, "all         failed")])
def test_the_end_tells_each_part_and_one_that_failed_fails_the_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: int, end: str
) -> None:
    parts = [Part("one", python("print('said')")), Part("other", python(f"print('why'); exit({code})"))]
    monkeypatch.setattr(__main__, "all_parts", lambda _: parts)
    assert __main__.main() == code
    told = capsys.readouterr().out
    assert "one         said\n" in told
    assert re.search(r"min  one +passed\n", told)
    assert re.search(rf"min  other +{'failed with 1' if code else 'passed'}\n", told)
    assert f"{end}\n" in told
    assert ("the last lines of other:\n" in told, "\n    why\n" in told) == (bool(code), bool(code))


def test_what_failed_is_told_at_the_end_with_what_it_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    tests = tmp_path / "test_it.py"
    tests.write_text(
        "import pytest\n\n@pytest.fixture\ndef broken():\n    yield\n    raise OSError('no disk')\n\n"
        "def test_wrong(): assert [1] == [2]\n\ndef test_left_over(broken): pass\n\ndef test_right(): pass\n"
    )

    def parts(reports: Path) -> list[Part]:
        report = f"--junitxml={reports / 'unit'}.xml"
        argv = (sys.executable, "-m", "pytest", "-q", report, f"--rootdir={tmp_path}", str(tests))
        return [Part("unit", argv)]

    monkeypatch.setattr(__main__, "all_parts", parts)
    assert __main__.main() == 1
    end = capsys.readouterr().out.rpartition("all         failed\n")[2]
    assert [line for line in end.splitlines() if line.startswith("failed: ")] == [
        "failed: test_it::test_wrong",
        "failed: test_it::test_left_over",
    ]
    assert "    assert [1] == [2]\n" in end
    assert "no disk" in end
    assert failed(tmp_path) == []


@pytest.mark.parametrize(
    ("tests", "status", "tried", "told"),
    [
        (
            "def test_once():\n    path = pathlib.Path(__file__).with_name('tried')\n    seen = path.exists()\n"
            "    path.touch()\n    assert seen\n\ndef test_right(): pass",
            0,
            True,
            (["test_it::test_once"], []),
        ),
        ("def test_wrong(): assert [1] == [2]", 1, True, ([], ["test_it::test_wrong"])),
        (
            "@pytest.mark.parametrize('n', range(4))\ndef test_wrong(n): assert False",
            1,
            False,
            ([], [f"test_it::test_wrong[{n}]" for n in range(4)]),
        ),
        (
            "@pytest.fixture(scope='module')\ndef broken(): raise OSError\n\n"
            "@pytest.mark.parametrize('n', range(4))\ndef test_wrong(n, broken): pass",
            1,
            True,
            ([], [f"test_it::test_wrong[{n}]" for n in range(4)]),
        ),
    ],
    ids=["bad luck", "a fault", "many faults", "a shared fixture"],
)
def test_what_failed_is_tried_once_more_and_said_to_have_failed(
    tmp_path: Path, tests: str, status: int, tried: bool, told: tuple[list[str], list[str]]
) -> None:
    (tmp_path / "test_it.py").write_text(f"import pathlib\nimport pytest\n\n{tests}\n")
    arguments = ("-q", f"--rootdir={tmp_path}", str(tmp_path / "test_it.py"))
    done = subprocess.run(
        [sys.executable, "-m", "tests.run.twice", tmp_path, "unit", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert (tmp_path / "unit-second.xml").exists() == tried
    assert ("second try of what failed: test_it::" in done.stdout) == tried
    assert ([one.name for one in passed_at_second(tmp_path)], [one.name for one in failed(tmp_path)]) == told


def test_each_integration_test_is_in_just_one_part(tmp_path: Path) -> None:
    """The parts differ by one marker and some files; what has the marker must not be in the files."""
    integration, serial, rehearsal = (
        part.argv for part in all_parts(tmp_path) if part.name in ("integration", "serial", "rehearsal")
    )
    ignored = [word.removeprefix("--ignore=") for word in integration if word.startswith("--ignore=")]
    assert ignored
    assert set(ignored) == {word for word in rehearsal if word.startswith("tests/")}
    assert (integration[integration.index("tests/integration") + 2], "serial") == (
        "not serial",
        serial[serial.index("tests/integration") + 2],
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/integration", "-m", "serial", "--collect-only", "-q"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "test_cluster_recovery.py::" in done.stdout
    assert not any(one in done.stdout for one in ignored)


def test_another_word_for_how_many_rounds_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", __file__],
        cwd=ROOT,
        env={**os.environ, rounds.VARIABLE: "many"},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode != 0
    assert 'SLIPWAY_ROUNDS: "many"; allowed: full; next: ' in done.stdout + done.stderr
