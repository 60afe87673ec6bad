"""What a person sees of the history: a table, one entry, a page; also when something of it cannot be read."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slipway.cli import cli
from slipway.commands.context import EnvironmentContext
from slipway.errors.base import SlipwayError, UnknownName, UserError
from slipway.errors.reaching import ClusterUnreachable
from slipway.history.entry import Commit, Entry, Replaced
from slipway.history.errors import HistoryUnread
from slipway.values.names import short
from tests.support.fake_cluster import FakeCluster
from tests.support.histories import digest, entry, in_folder
from tests.support.releases import deployed, planned

Run = Callable[..., Result]
ROLLOUT = {
    "steps": [{"percent": 5.0, "verdict": "failed", "seconds": 31, "evidence": {"new_errors": 7, "note": "<b>"}}],
    "series": [["2026-11-26T12:00:00Z", 5.0, 7, 0, 5.0, 4.0, 1, 90]],
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`slipway history local ...` beside a state in a folder, and a cluster that has nothing."""
    (tmp_path / "stacks").mkdir()
    (tmp_path / "models").mkdir()
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    monkeypatch.setattr(EnvironmentContext, "cluster", FakeCluster())
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["history", "local", *arguments])

    return call


def written(folder: Path, *entries: Entry) -> tuple[Entry, ...]:
    store = in_folder(folder)
    for one in entries:
        store.write(one)
    return entries


def well(result: Result) -> str:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.stdout


def test_the_newest_entries_of_all_models_come_first(run: Run, tmp_path: Path) -> None:
    written(tmp_path, entry(1, "1.0.0"), entry(3, "1.1.0"), entry(2, "7.0.0", model="speech"))
    found = json.loads(well(run("--json")))["entries"]
    assert [(one["model"], one["version"]) for one in found] == [
        ("digits", "1.1.0"),
        ("speech", "7.0.0"),
        ("digits", "1.0.0"),
    ]
    assert [one["version"] for one in json.loads(well(run("digits", "--json", "--limit", "1")))["entries"]] == ["1.1.0"]


def test_a_row_says_who_what_when_and_how_it_ended(run: Run, tmp_path: Path) -> None:
    commit = Commit(sha="4be1c02f9a77" + "0" * 28, dirty=True)
    (one,) = written(tmp_path, entry(1, "1.0.0", verdict="failed", commit=commit))
    head, row = well(run("digits")).splitlines()
    assert head.split()[:3] == ["TIME", "(UTC)", "MODEL"]
    wanted = ["2026-03-01", "12:01:00", "digits", "1.0.0", short(digest("1.0.0")), "deploy", "failed"]
    assert row.split() == [*wanted, "mia@laptop", "4be1c02f9a77+", one.id]


def test_what_is_live_is_marked_once(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned()
    monkeypatch.setattr(EnvironmentContext, "cluster", deployed(plan))
    same = {"model": "least", "release": plan.release_digest}
    written(tmp_path, entry(1, "1.0.0", **same), entry(2, "1.0.0", "restart", **same), entry(3, "2.0.0", model="least"))
    found = json.loads(well(run("--json")))["entries"]
    assert [(one["action"], one["live"]) for one in found] == [("deploy", False), ("restart", True), ("deploy", False)]


def test_a_cluster_that_is_away_hides_nothing_else(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: EnvironmentContext) -> FakeCluster:
        raise ClusterUnreachable("local", "https://localhost", 30, "no route")

    written(tmp_path, entry(1, "1.0.0"))
    monkeypatch.setattr(EnvironmentContext, "cluster", property(away))
    result = run("--json")
    assert json.loads(well(result))["entries"][0]["version"] == "1.0.0"
    assert "what is live is not shown" in result.stderr


def test_an_entry_that_cannot_be_read_is_named_after_all_others(run: Run, tmp_path: Path) -> None:
    good, bad = written(tmp_path, entry(1, "1.0.0"), entry(2, "2.0.0"))
    file = tmp_path / "slipway-history" / "local" / "digits" / f"{bad.id}.json"
    file.write_text("{")
    result = run("digits")
    assert good.id in result.stdout
    assert isinstance(result.exception, HistoryUnread)
    assert str(file) in str(result.exception)


def test_a_backend_without_a_history_fails_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "https://api.pulumi.com")
    result = run("--json")
    assert json.loads(well(result))["entries"] == []
    assert "Pulumi Cloud has no place" in result.stderr


def test_all_of_an_entry_is_shown(run: Run, tmp_path: Path) -> None:
    (one,) = written(
        tmp_path,
        entry(
            1,
            "1.2.0",
            "rollback",
            reason="confuses 1 and 7",
            replaced=Replaced(version="1.3.0", release="f" * 16),
            source="20260301T120000000000Z-00000000",
            differences=("Deployment spec.replicas: 1 -> 2",),
            held_back=("f" * 64,),
            rollout=ROLLOUT,
        ),
    )
    text = well(run("digits", "--show", one.id))
    for word in (
        "confuses 1 and 7",
        "1.3.0, release ffffffffffffffff",
        "spec.replicas: 1 -> 2",
        "new_errors 7",
        one.id,
    ):
        assert word in text
    whole = json.loads(well(run("digits", "--show", one.id, "--json")))
    assert whole["packed"] == one.packed
    assert whole["schema"] == 1


def test_an_unknown_entry_is_refused_with_those_that_are_there(run: Run, tmp_path: Path) -> None:
    (one,) = written(tmp_path, entry(1, "1.0.0"))
    result = run("digits", "--show", "20260301T120000000000Z-00000000")
    assert isinstance(result.exception, UnknownName)
    assert one.id in str(result.exception)


def test_a_page_needs_nothing_else_and_shows_no_markup_of_an_entry(run: Run, tmp_path: Path) -> None:
    written(tmp_path, entry(1, "1.0.0"), entry(2, "2.0.0", verdict="failed", rollout=ROLLOUT), entry(3, "3.0.0"))
    well(run("digits", "--page", "page.html"))
    text = (tmp_path / "page.html").read_text()
    assert "<svg" in text
    assert "digits 2.0.0 in local: failed" in text
    assert "&lt;b&gt;" in text and "<b>" not in text
    # Names of XML are no addresses that a browser asks.
    assert not re.search(r"\b(src|href)=[\"']?https?:|url\(https?:|@import|<script|<link", text)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("digits", "--page", "page.html"), "no rollout of it was judged step by step"),
        (("digits", "--show", "ID", "--page", "page.html"), "is no rollout that was judged"),
    ],
)
def test_a_page_of_what_was_not_judged_is_refused(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (one,) = written(tmp_path, entry(1, "1.0.0"))
    result = run(*(one.id if word == "ID" else word for word in arguments))
    assert isinstance(result.exception, UserError)
    assert said in str(result.exception)
    assert not (tmp_path / "page.html").exists()


def test_a_page_that_cannot_be_written_is_refused(run: Run, tmp_path: Path) -> None:
    written(tmp_path, entry(1, "2.0.0", rollout=ROLLOUT))
    result = run("digits", "--page", "missing/page.html")
    assert isinstance(result.exception, SlipwayError)
    assert "missing/page.html" in str(result.exception)


@pytest.mark.parametrize("option", [("--show", "x"), ("--page", "x")])
def test_an_entry_or_a_page_is_of_one_model(run: Run, option: tuple[str, str]) -> None:
    result = run(*option)
    assert result.exit_code == 2
    assert "about one model" in result.stderr


@pytest.mark.parametrize("command", ["rollback", "restart"])
@pytest.mark.parametrize("reason", ["x" * 501, "bell \a", "half \udcff"])
def test_a_reason_is_one_line_that_everybody_can_read(command: str, reason: str) -> None:
    result = CliRunner().invoke(cli, [command, "local", "digits", "--reason", reason, "--yes"])
    assert result.exit_code == 2
    assert "at most 500 printable characters" in result.stderr
