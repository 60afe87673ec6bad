"""What `slipway advise` shows, and what it refuses; the page's examples are what it says of the shipped models."""

import json
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from slipway.cli import cli
from slipway.cli.advise import _MB, _Amount, _Processing
from slipway.cli.entry import main
from slipway.errors.base import UserError
from slipway.measuring.kept import keep, measured_path
from tests.support.planned import ROOT
from tests.unit.advice.made import finding
from tests.unit.planner.test_others import Project

PAGE = ROOT / "docs/how-to/choose-where-a-model-runs.md"
BLOCK = re.compile(r"^```console\n\$ (slipway (?:advise|compare) [^\n]+)\n(.*?)```$", re.MULTILINE | re.DOTALL)


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(cli, ["advise", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def refused(*arguments: str | Path) -> str:
    with pytest.raises(UserError) as refusal:
        CliRunner().invoke(cli, ["advise", *map(str, arguments)], catch_exceptions=False)
    return str(refusal.value)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def folders(project: Project) -> list[str]:
    return ["--models", str(project.folder / "models"), "--settings", str(project.folder / "stacks")]


def test_the_page_shows_what_the_commands_say(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.chdir(ROOT)
    text = PAGE.read_text()

    def said(found: re.Match[str]) -> str:
        result = CliRunner().invoke(cli, shlex.split(found[1])[1:], catch_exceptions=False)
        assert result.exit_code == 0
        lines = [line.rstrip() for line in result.stdout.splitlines()]
        return "\n".join(["```console", f"$ {found[1]}", *lines, "```"])

    shown, number = BLOCK.subn(said, text)
    assert number == 2
    if request.config.getoption("--update-golden"):
        PAGE.write_text(shown)
    assert shown == PAGE.read_text(), f"{PAGE} is stale; if it is meant: pytest --update-golden"


@pytest.mark.parametrize(
    ("folder", "model"),
    [("models", "speech"), ("models", "capitals"), ("examples", "recommender"), ("examples", "tickets")],
)
def test_the_example_models_are_advised_as_read_in_review(
    folder: str, model: str, golden: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    needs = ["--rps", "5", "--processing-ms", "cpu=20", "--latency-ms", "40", "--residency", "eu-central-1"]
    text = run(model, "--models", folder, "--settings", "stacks", *needs).stdout
    lines = [line.rstrip() for line in text.splitlines()]
    golden(ROOT / "tests/golden/advice" / f"{model}.txt", "\n".join(lines) + "\n")


def test_each_environment_with_right_settings_is_advised_and_the_others_are_named(project: Project) -> None:
    (project.folder / "stacks/Pulumi.broken.yaml").write_text("config: {}\n")
    result = run("ours", "--json", *folders(project))
    found = json.loads(result.stdout)["advice"]
    assert {one["environment"] for one in found} == {"here"}
    assert "broken is left out: " in result.stderr and "Pulumi.broken.yaml" in result.stderr


def test_what_was_measured_is_taken_and_marked(project: Project) -> None:
    keep(measured_path(project.folder / "models", "ours"), "ours", [finding(cpu=500, memory=2**28)])
    (found,) = json.loads(run("ours", "--json", *folders(project)).stdout)["advice"]
    assert (found["processingMs"]["value"], found["processingMs"]["basis"]) == (30, "measured")
    assert "2026-11-01" in found["processingMs"]["source"]
    assert found["latencyMs"]["basis"] == "assumed"


def test_without_a_measurement_nothing_is_made_up(project: Project) -> None:
    result = run("ours", *folders(project))
    assert "how long a request takes is not known anywhere: `slipway measure ours`" in result.stdout
    (found,) = json.loads(run("ours", "--json", *folders(project)).stdout)["advice"]
    assert (found["processingMs"], found["latencyMs"], found["effectiveness"]) == (None, None, None)


def test_the_spec_of_another_model_is_a_warning_and_its_own_is_refused_with_file_and_line(project: Project) -> None:
    project.spec("theirs", version="one")
    assert "takes no capacity here: theirs" in run("ours", *folders(project)).stderr
    assert "theirs.yaml:3: version" in refused("theirs", *folders(project))


def test_a_name_that_nothing_has_is_refused(project: Project) -> None:
    assert '"our" is not known; allowed: ours; next: did you mean ours?' in refused("our", *folders(project))


def test_without_right_settings_all_findings_are_refused(project: Project) -> None:
    (project.folder / "stacks/Pulumi.here.yaml").write_text("config: {}\n")
    assert "Pulumi.here.yaml" in refused("ours", *folders(project))
    (project.folder / "stacks/Pulumi.here.yaml").unlink()
    assert "has no settings of an environment" in refused("ours", *folders(project))


def test_a_broken_file_of_measurements_is_refused(project: Project) -> None:
    measured_path(project.folder / "models", "ours").write_text("{")
    assert "what slipway measure writes" in refused("ours", *folders(project))


def test_the_page_needs_nothing_else_and_says_in_words_what_it_draws(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "advice.html"
    run("ours", "--processing-ms", "20", "--node-usd", "0.1", "--html", file, *folders(project))
    page = file.read_text()
    assert not re.search(r"(?:src|href)=\"(?!#)", re.sub(r'xlink:href="#[^"]*"', "", page))
    assert "url(http" not in page and "<script" not in page
    svg = page[page.index("<svg") : page.index("</svg>") + 6]
    label = ElementTree.fromstring(svg).get("aria-label")
    assert label is not None and "tree" in label and "scatter" in label
    for text in ("best: here/", "Ranking", "Not feasible", "What the numbers stand on", "it is within the budget?"):
        assert text in page
    assert set(re.findall(r'xlink:href="#(ranking|not-feasible)"', page)) == {"ranking"}
    assert 'id="ranking"' in page and 'id="not-feasible"' in page
    again = tmp_path / "again.html"
    run("ours", "--processing-ms", "20", "--node-usd", "0.1", "--html", again, *folders(project))
    assert again.read_bytes() == file.read_bytes()


def test_a_page_that_cannot_be_written_is_refused(project: Project, tmp_path: Path) -> None:
    assert "name another with --html" in refused("ours", "--html", tmp_path / "no/page.html", *folders(project))


@pytest.mark.parametrize(
    "option",
    [
        ("--rps", "0"),
        ("--rps", "many"),
        ("--latency-ms", "nan"),
        ("--latency-ms", "inf"),
        ("--budget", "-1"),
        ("--request-mb", "1e9"),
        ("--bandwidth-mbps", "0"),
        ("--processing-ms", "T5=1"),
        ("--processing-ms", "T4="),
        ("--node-usd", "free"),
        ("--residency", "Frankfurt"),
    ],
    ids="=".join,
)
def test_a_wrong_number_ends_with_1_and_says_what_is_allowed(
    option: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["slipway", "advise", "digits", *option])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert option[0] in said and "allowed: " in said and "next: " in said


@given(st.text(max_size=30) | st.floats().map(str))
def test_an_amount_is_a_number_in_its_range_or_is_refused(text: str) -> None:
    try:
        number = _Amount(0.5, 100).convert(text, None, None)
    except click.BadParameter as refusal:
        assert "allowed: " in refusal.message and "next: " in refusal.message
    else:
        assert 0.5 <= number <= 100


@given(
    st.text(max_size=20)
    | st.tuples(st.sampled_from(["cpu", "t4", "L40s", "x"]), st.floats()).map(lambda two: f"{two[0]}={two[1]}")
)
def test_times_are_of_an_accelerator_that_is_known_or_are_refused(text: str) -> None:
    try:
        name, ms = _Processing().convert(text, None, None)
    except click.BadParameter as refusal:
        assert "allowed: " in refusal.message and "next: " in refusal.message
    else:
        assert text.strip().upper().startswith(name.upper())
        assert ms > 0


def test_megabytes_are_at_most_a_gigabyte() -> None:
    with pytest.raises(click.BadParameter, match="from 1e-06 to 1024"):
        _MB.convert("2000", None, None)
