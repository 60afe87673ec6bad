"""What `slipway measure` shows, keeps, writes and refuses. The server is a stand-in; nothing is said about times."""

import json
import platform
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slipway.cli import cli
from slipway.commands.measuring import measure as command
from slipway.errors.base import SlipwayError, UserError
from slipway.measuring import steps
from slipway.measuring.findings import Step
from tests.support.planned import ROOT
from tests.unit.measuring.found import MI, step
from tests.unit.measuring.stand_in import StandIn

PIPELINE = """\
apiVersion: slipway/v1
name: both
version: 1.0.0
owner: vision
runtime: pipeline
pipeline: {stages: [{model: digits}]}
resources: {cpu: 250m, memory: 256Mi}
check: {request: models/digits/check.json, expect: {label: 7}}
"""

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the fixtures are for amd64")


@pytest.fixture
def project(tmp_path: Path) -> list[str]:
    """The model of the repository as a project of its own: `--models` and `--settings`."""
    (tmp_path / "Pulumi.yaml").write_text("name: slipway\n")
    shutil.copytree(ROOT / "models/digits", tmp_path / "models/digits")
    for name in ("digits.yaml", "digits.lock.yaml"):
        shutil.copy(ROOT / "models" / name, tmp_path / "models" / name)
    return ["--models", str(tmp_path / "models"), "--settings", str(ROOT / "stacks")]


@pytest.fixture
def launcher(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """What runs instead of the server."""
    stand_in = StandIn()
    monkeypatch.setattr(command, "_launcher", lambda *_: stand_in)
    return stand_in


def found(monkeypatch: pytest.MonkeyPatch, *said: Step) -> None:
    """Have a measurement find this."""
    one = iter(said)
    monkeypatch.setattr(steps, "measure", lambda *_: next(one))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["measure", *arguments], catch_exceptions=False)


def refused(*arguments: str) -> str:
    with pytest.raises(UserError) as refusal:
        run(*arguments)
    return str(refusal.value)


def test_a_model_is_measured_and_what_was_found_is_kept(project: list[str], launcher: StandIn) -> None:
    result = run("digits", "--cpu", "500m", "--memory", "1Gi", "--seconds", "0.5", "--json", *project)
    (finding,) = json.loads(result.stdout)["findings"]
    assert (finding["step"]["cpu"], finding["step"]["memory"]) == (500, 2**30)
    assert (finding["runtime"], finding["version"], finding["how"]) == ("onnxruntime", "1.1.0", "process")
    kept = json.loads((Path(project[1]) / "digits.measured.json").read_text())
    assert kept["findings"] == [finding]
    assert launcher.running() == []


@pytest.mark.usefixtures("launcher")
def test_what_is_proposed_is_shown_and_not_written(project: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch, step(250, 100), step(500, 300), step(1000, 400))
    spec = Path(project[1]) / "digits.yaml"
    before = spec.read_text()
    result = run("digits", *project)
    assert "resources.cpu: 250m -> 500m" in result.stdout
    assert "+resources: {cpu: 500m, memory: 192Mi}" in result.stdout
    assert "nothing was written; --write does" in result.stdout
    assert spec.read_text() == before


@pytest.mark.usefixtures("launcher")
def test_it_is_written_where_that_is_asked_for(project: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch, step(500, 300))
    result = run("digits", "--cpu", "500m", "--write", *project)
    spec = (Path(project[1]) / "digits.yaml").read_text()
    assert "resources: {cpu: 500m, memory: 192Mi}" in spec
    assert "written; next: slipway plan local digits" in result.stdout
    assert CliRunner().invoke(cli, ["plan", "local", "digits", *project]).exit_code == 0


@pytest.mark.usefixtures("launcher")
def test_the_matrix_and_the_findings_are_shown(project: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch, step(500, 300))
    run("digits", "--cpu", "500m", *project)
    assert "300.0 (1 model)" in run("--show", *project).stdout
    assert "onnxruntime" in run("digits", "--show", *project).stdout
    (cell,) = json.loads(run("--show", "--json", *project).stdout)
    assert (cell["cpu"], cell["runtime"], cell["each"], cell["mean"]) == ("500m", "onnxruntime", [300.0], 300.0)


@pytest.mark.usefixtures("launcher")
def test_a_page_has_the_picture_the_tables_and_the_change(
    project: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found(monkeypatch, step(500, 300))
    run("digits", "--cpu", "500m", "--html", str(tmp_path / "page.html"), *project)
    page = (tmp_path / "page.html").read_text()
    assert "<svg" in page
    assert "+resources: {cpu: 500m, memory: 192Mi}" in page
    assert "300.0 (1 model)" in page


@pytest.mark.usefixtures("launcher")
def test_a_model_that_serves_under_no_limit_gets_no_proposal(
    project: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found(monkeypatch, Step(cpu=500, memory=64 * MI, failed="the kernel killed it: 64Mi of memory are not enough"))
    with pytest.raises(SlipwayError, match=r"500m 64Mi: the kernel killed it.*next: try more with --cpu, --memory"):
        run("digits", "--cpu", "500m", "--memory", "64Mi", *project)


@pytest.mark.usefixtures("launcher")
def test_a_file_that_cannot_be_added_to_is_refused_before_anything_runs(project: list[str], launcher: StandIn) -> None:
    (Path(project[1]) / "digits.measured.json").write_text("[]")
    assert "what slipway measure writes" in refused("digits", *project)
    assert launcher.started == []


def test_limits_that_this_machine_does_not_have_are_refused(project: list[str]) -> None:
    assert refused("digits", "--cpu", "1000", *project).startswith('--cpu: "1000" is more than this machine has')
    assert "is more than this machine has" in refused("digits", "--memory", "900Ti", *project)
    many = [f"--cpu={millis}m" for millis in range(100, 113)]
    assert "13 pairs are too many; allowed: at most 12 pairs" in refused("digits", *many, *project)


def test_a_pipeline_is_refused_with_the_models_to_measure(project: list[str]) -> None:
    (Path(project[1]) / "both.yaml").write_text(PIPELINE)
    said = refused("both", *project)
    assert "both.yaml:6: pipeline: is a pipeline, which takes as long as the models that it asks" in said
    assert "next: measure one of digits; nothing was measured" in said


def test_a_server_of_others_is_refused(project: list[str]) -> None:
    image = "custom: {image: registry.example.com/reader@sha256:" + "0" * 64 + ", port: 9000}"
    spec = PIPELINE.replace("pipeline: {stages: [{model: digits}]}", image).replace("pipeline", "custom")
    (Path(project[1]) / "both.yaml").write_text(spec)
    assert "both.yaml:5: runtime: is a server of others" in refused("both", *project)


def test_what_nobody_measured_is_said_so(tmp_path: Path) -> None:
    assert "has no *.measured.json" in refused("--show", "--models", str(tmp_path))
    assert "run slipway measure digits" in refused("digits", "--show", "--models", str(tmp_path))


def test_a_wrong_amount_is_refused_in_the_words_of_a_spec(project: list[str]) -> None:
    result = CliRunner().invoke(cli, ["measure", "digits", "--memory", "256", *project])
    assert result.exit_code == 2
    assert "has no unit" in result.output


def test_no_model_is_a_question() -> None:
    result = CliRunner().invoke(cli, ["measure"])
    assert "name the model to measure, or add --show" in result.output
