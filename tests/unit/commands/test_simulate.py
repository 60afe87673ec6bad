"""What `slipway simulate` shows, and what it refuses."""

import json
import re
import runpy
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slipway.cli import cli
from slipway.commands.inspecting.simulated import span
from slipway.errors.base import UserError
from tests.support.planned import FIXTURES, ROOT

PAGE = ROOT / "docs/how-to/choose-a-target.md"
BLOCK = re.compile(r"^```console\n\$ (slipway simulate [^\n]+)\n(.*?)```$", re.MULTILINE | re.DOTALL)
WIDE = 120


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(cli, ["simulate", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0
    return result


def refused(*arguments: str | Path) -> str:
    with pytest.raises(UserError) as refusal:
        CliRunner().invoke(cli, ["simulate", *map(str, arguments)], catch_exceptions=False)
    return str(refusal.value)


@pytest.fixture
def project(tmp_path: Path) -> list[str]:
    """The fixtures that scale, as a project: `--models` and `--settings`."""
    (tmp_path / "Pulumi.yaml").write_text("name: slipway\n")
    for name in ("weights", "checks"):
        shutil.copytree(FIXTURES / "repo" / name, tmp_path / name)
    shutil.copytree(FIXTURES / "scaling/spec", tmp_path / "models")
    return ["--models", str(tmp_path / "models"), "--settings", str(FIXTURES / "scaling/settings")]


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Ten minutes with ten requests a second that take 50 ms."""
    file = tmp_path / "trace.csv"
    file.write_text("time,duration_ms\n" + "".join(f"{1_777_880_000 + i / 10:.1f},50\n" for i in range(6000)))
    return file


def test_the_page_shows_what_the_command_says(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.chdir(ROOT)
    text = PAGE.read_text()

    def said(found: re.Match[str]) -> str:
        output = run(*shlex.split(found[1])[2:]).stdout
        lines = [line.rstrip() for line in output.splitlines()]
        assert max(map(len, lines)) <= WIDE
        return "\n".join(["```console", f"$ {found[1]}", *lines, "```"])

    shown, number = BLOCK.subn(said, text)
    assert number == 2
    if request.config.getoption("--update-golden"):
        PAGE.write_text(shown)
    assert shown == PAGE.read_text(), "docs/how-to/choose-a-target.md is stale; if it is meant: pytest --update-golden"


def test_the_page_s_trace_is_what_its_script_writes(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "docs/how-to/traces/office_day.py"), run_name="__main__")
    assert capsys.readouterr().out == (ROOT / "docs/how-to/traces/office-day.csv").read_text()


def test_as_json_it_has_every_interval_and_what_was_assumed(project: list[str], trace: Path) -> None:
    said = run("measured", "by-p95", "--trace", trace, "--interval", "15s", "--json", *project).stdout
    document = json.loads(said)
    assert (document["environment"], document["model"]) == ("measured", "by-p95")
    assert document["trace"]["requests"] == 6000
    assert document["conditions"]["serviceSeconds"] == 0.05
    (one,) = document["runs"]
    assert one["target"].startswith("p95_ms=")
    rows = one["intervals"]
    assert len(rows) == 40
    assert rows[1]["time"] == "2026-05-04T07:33:35+00:00"
    assert sum(row["arrivals"] for row in rows) == one["summary"]["arrivals"] == 6000
    assert all(row["replicas"] >= row["ready"] >= 1 for row in rows)
    # Of 100m there are 10 ms in each tenth of a second: what took 50 ms needs a little more, and goes on in the next.
    assert all(row["p50_ms"] > 10 for row in rows)
    assert said == run("measured", "by-p95", "--trace", trace, "--interval", "15s", "--json", *project).stdout


def test_a_floor_and_a_model_that_sleeps_are_replayed(project: list[str], trace: Path) -> None:
    document = json.loads(run("measured", "asleep", "--trace", trace, "--json", *project).stdout)
    assert document["runs"][0]["intervals"][0]["ready"] < 1
    assert document["runs"][0]["summary"]["starts"] >= 1


def test_a_table_is_no_longer_than_a_screen(project: list[str], trace: Path) -> None:
    lines = run("measured", "by-p95", "--trace", trace, "--interval", "10s", *project).stdout.splitlines()
    assert len(lines) <= 60
    assert any("... 20 rows are left out; --json has all" in line for line in lines)


def test_a_picture_and_a_page_are_written(project: list[str], trace: Path, tmp_path: Path) -> None:
    png, html = tmp_path / "a.png", tmp_path / "a.html"
    targets = ("--target", "p95_ms=100", "--target", "concurrency=2")
    arguments: tuple[str | Path, ...] = (
        "measured",
        "by-p95",
        "--trace",
        trace,
        *targets,
        "--png",
        png,
        "--html",
        html,
        *project,
    )
    assert run(*arguments).stderr == f"wrote {png}\nwrote {html}\n"
    assert png.read_bytes().startswith(b"\x89PNG")
    text = html.read_text()
    assert text.count("<svg") == 1
    assert "Target concurrency=2" in text
    # Nothing is fetched from elsewhere.
    assert not re.search(r"<script|<link|@import|(?:src|href)=\"(?!#)", text)
    run(*arguments)
    assert html.read_text() == text


def test_without_matplotlib_it_says_what_to_install(
    project: list[str], trace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    said = refused("measured", "by-p95", "--trace", trace, "--png", tmp_path / "a.png", *project)
    assert said.startswith("--png: needs matplotlib, which is not installed; allowed: Slipway with its extra `plot`")
    assert "pip install 'slipway-ml[plot]'" in said
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--target", "latency=5"],
            '--target: "latency=5" is no target; allowed: SIGNAL=VALUE with one of cpu_percent',
        ),
        (["--target", "p95_ms"], '--target: "p95_ms" is no target'),
        (["--target", "p95_ms=fast"], "--target: p95_ms: "),
        (["--target", "p95_ms=-1"], "--target: p95_ms: "),
        (["--min", "9", "--max", "3"], "--min: 9 is above scale.max; allowed: at most scale.max, which is 3"),
        (["--interval", "1ms"], "--interval: 599,900 intervals are too many; allowed: at most 100,000"),
        (["--html", "/nowhere/a.html"], "/nowhere/a.html: cannot be written: No such file or directory"),
        (["--trace", "/nowhere/a.csv"], "/nowhere/a.csv: "),
    ],
)
def test_what_cannot_be_is_refused(project: list[str], trace: Path, options: list[str], said: str) -> None:
    assert said in refused("measured", "by-p95", "--trace", trace, *options, *project)


@pytest.mark.parametrize("option", ["--service-time", "--cold-start", "--slo", "--interval"])
def test_an_option_that_is_no_time_is_a_usage_error(project: list[str], trace: Path, option: str) -> None:
    arguments = ["simulate", "measured", "by-p95", "--trace", str(trace), option, "20", *project]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2
    assert f"Invalid value for '{option}': '20' has no unit; allowed: a positive time with a unit" in result.stderr


def test_a_trace_without_durations_needs_a_service_time(project: list[str], tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text('h - - [04/May/2026:12:00:00 +0000] "POST / HTTP/1.1" 200 5\n' * 50)
    said = refused("measured", "by-p95", "--trace", file, *project)
    assert "says nothing about how long requests take; allowed: a trace with durations" in said
    shown = run("measured", "by-p95", "--trace", file, "--service-time", "20ms,0.5", *project).stdout
    assert "the trace's times are whole seconds: its requests are spread over each of them" in shown
    assert "20.0 ms, 0.50 of it standard deviation, as given" in shown


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (40, "40 s"), (5400, "1 h 30 min"), (86_400, "1 d"), (90_001, "1 d 1 h")]
)
def test_a_span_is_told_in_two_units(seconds: float, text: str) -> None:
    assert span(seconds) == text
