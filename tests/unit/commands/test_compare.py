"""What `slipway compare` shows of versions, environments and trained weights; what is not known is unknown."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from slipway.cli import cli
from slipway.compatibility.contents import Contents
from slipway.deploy.record_format import packed
from slipway.errors.base import UserError
from slipway.history.errors import HistoryUnread
from slipway.measuring.kept import keep, measured_path
from tests.support.histories import entry, in_folder
from tests.support.planned import ROOT
from tests.support.releases import planned, release_of
from tests.unit.advice.made import finding

DIGITS = ["--models", str(ROOT / "models"), "--settings", str(ROOT / "stacks")]
OLD = Contents(weights="ab" * 32, metrics={"accuracy": 0.9, "f1": 0.8})


@pytest.fixture(autouse=True)
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two versions of `digits` that were judged right in `local`, and one that failed."""
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    store = in_folder(tmp_path)
    for one in (
        entry(1, "0.9.0", contents=OLD, packed=packed(release_of(planned()))),
        entry(2, "0.9.1"),
        entry(3, "0.9.2", verdict="failed"),
    ):
        store.write(one)
    return tmp_path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["compare", "digits", *map(str, arguments), *DIGITS])


def compared(*arguments: str) -> dict[str, dict[str, Any]]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return {row["name"]: row for row in json.loads(result.stdout)["compared"]}


def test_a_version_of_the_files_has_the_metrics_of_its_lock_and_is_priced_where_it_is_said() -> None:
    now = compared("1.1.0", "source")
    assert (now["1.1.0"]["where"], now["1.1.0"]["sizeBytes"], now["1.1.0"]["memoryBytes"]) == ("files", 12241, 2**28)
    assert now["1.1.0"]["metrics"] == {"accuracy": 0.991111, "agreement": 1.0}
    assert (now["1.1.0"]["p95Ms"], now["1.1.0"]["monthUsd"]) == (None, None)
    assert (now["source"]["sizeBytes"], now["source"]["metrics"], now["source"]["memoryBytes"]) == (39003, None, None)
    priced = compared("1.1.0", "--environment", "prod")["1.1.0"]
    assert (priced["pool"], priced["monthUsd"]["basis"]) == ("cpu", "catalogue")
    assert compared("prod")["prod"]["monthUsd"] == priced["monthUsd"]


def test_an_environment_without_prices_costs_nobody_knows_what() -> None:
    assert compared("local")["local"]["monthUsd"] is None


def test_a_version_of_the_history_has_what_its_entry_says_and_no_more() -> None:
    found = compared("0.9.0", "0.9.1", "--environment", "prod")
    old, silent = found["0.9.0"], found["0.9.1"]
    assert (old["where"], old["metrics"]) == ("local, 2026-03-01", {"accuracy": 0.9, "f1": 0.8})
    assert old["memoryBytes"] == planned().spec.resources.memory
    assert old["monthUsd"]["value"] > 0 and old["sizeBytes"] is None
    assert {silent[key] for key in ("metrics", "memoryBytes", "sizeBytes", "p95Ms", "monthUsd")} == {None}


def test_a_thousand_requests_cost_an_hour_of_a_replica_by_what_it_answers_in_one(tmp_path: Path) -> None:
    """At 40 requests a second 144,000 in an hour: a thousandth of 1/144 of what a replica costs an hour."""
    models = tmp_path / "models"
    models.mkdir()
    for name in ("digits.yaml", "digits.lock.yaml"):
        (models / name).write_bytes((ROOT / "models" / name).read_bytes())
    shutil.copytree(ROOT / "models/digits", models / "digits")
    (tmp_path / "Pulumi.yaml").write_text("name: slipway\n")
    keep(measured_path(models, "digits"), "digits", [finding(cpu=250, memory=2**28, version="1.1.0")])
    arguments = ["compare", "digits", "1.1.0", "prod", "--json", "--models", str(models), *DIGITS[2:]]
    rows = json.loads(CliRunner().invoke(cli, arguments, catch_exceptions=False).stdout)["compared"]
    version, prod = rows
    assert (version["p95Ms"]["value"], version["p95Ms"]["basis"]) == (30, "measured")
    hourly = prod["monthUsd"]["value"] / 730
    assert prod["thousandRequestsUsd"]["value"] == pytest.approx(hourly / 144, rel=1e-4)
    assert (version["thousandRequestsUsd"], prod["thousandRequestsUsd"]["basis"]) == (None, "catalogue")


@pytest.mark.parametrize("name", ["9.9.9", "0.9.2", "nowhere"])
def test_a_name_that_nothing_right_has_is_refused_with_those_that_there_are(name: str) -> None:
    result = run(name)
    assert isinstance(result.exception, UserError) and result.exception.exit_code == 1
    said = str(result.exception)
    assert f'"{name}" is not known; allowed: 1.1.0, 0.9.1, 0.9.0, source, dev, edge-eu, local, prod, staging' in said


def test_prices_of_an_environment_that_is_not_there_are_refused() -> None:
    result = run("1.1.0", "--environment", "nowhere")
    assert isinstance(result.exception, UserError) and "nowhere" in str(result.exception)


def test_unknown_is_written_out_in_the_table() -> None:
    result = run("source", "1.1.0")
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("source")]
    assert line.count("unknown") == 6


def test_what_cannot_be_read_of_a_history_is_said_after_all_else(history: Path) -> None:
    one = entry(9, "0.9.3")
    in_folder(history).write(one)
    (history / f"slipway-history/local/digits/{one.id}.json").write_text("{")
    result = run("0.9.0")
    assert isinstance(result.exception, HistoryUnread) and "0.9.0" in result.stdout


def test_a_history_that_nobody_needs_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "https://api.pulumi.com")
    assert run("1.1.0").stderr == ""


def test_the_page_draws_what_both_are_known_of_and_has_the_table(tmp_path: Path) -> None:
    file = tmp_path / "compared.html"
    assert run("1.1.0", "prod", "--html", file).exit_code == 0
    page = file.read_text()
    assert "of nothing both are known" in page and 'id="compared"' in page and "<script" not in page
