"""`slipway audit`: what a person and an auditor see of who did what, and that what others changed is named."""

import csv
import io
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

import slipway.commands.changing.backup
import slipway.commands.changing.down
from slipway.cli import cli
from slipway.commands.changing.backup import back_up, restore
from slipway.commands.changing.down import take_down
from slipway.commands.changing.session import Options
from slipway.commands.changing.up import bring_up
from slipway.commands.context import EnvironmentContext
from slipway.environments.running.kubernetes import KubernetesRunning
from slipway.errors.base import SlipwayError, UserErrors
from slipway.errors.failures import Interrupted
from slipway.history.errors import HistoryUnread, NoHistory
from slipway.history.notes import Notes
from slipway.history.record import Record
from slipway.reading.folders import Folders
from slipway.render.environment import render_environment
from tests.support.histories import entry
from tests.support.living_cluster import Behaviour, LivingCluster
from tests.unit.commands.test_reading_once import cluster, folders

__all__ = ["cluster", "folders"]
Run = Callable[..., Result]


@pytest.fixture
def notes(tmp_path: Path) -> Notes:
    return Notes("local", tmp_path, pytest.fail, {"PULUMI_BACKEND_URL": f"file://{tmp_path}"})


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`slipway audit local ...` beside a state in a folder."""
    (tmp_path / "stacks").mkdir()
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["audit", "local", *arguments])

    return call


def well(result: Result) -> str:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.stdout


def test_the_table_has_the_newest_first_and_says_who_did_what(run: Run, notes: Notes) -> None:
    notes.trail.add_entry(entry(0, "1.0.0", time=datetime.now(UTC)))
    notes.event("key create", "Web shop", details=["id: k1", "models: digits"])
    head, first, second, third = well(run()).splitlines()
    assert head.split()[:4] == ["NUMBER", "TIME", "(UTC)", "ACTION"]
    assert first.split()[0] == "3" and "key create" in first and "Web shop" in first and "id: k1; models" in first
    assert second.split()[0] == "2" and "mia@laptop" in second and "version 1.0.0, release" in second
    assert third.split()[0] == "1" and "begin" in third


def test_csv_and_json_have_the_oldest_first_and_no_cell_is_a_formula(run: Run, notes: Notes) -> None:
    notes.event("key create", "=HYPERLINK(1)", "failed", reason='no "such", model')
    rows = list(csv.DictReader(io.StringIO(well(run("--csv")))))
    assert [(row["number"], row["action"], row["outcome"]) for row in rows] == [
        ("1", "begin", "done"),
        ("2", "key create", "failed"),
    ]
    assert (rows[1]["subject"], rows[1]["reason"]) == ("'=HYPERLINK(1)", 'no "such", model')
    records = json.loads(well(run("--json")))["records"]
    assert [one["hash"] for one in records] == [row["hash"] for row in rows]
    assert records[1]["previous"] == records[0]["hash"]
    assert records[1]["subject"] == "=HYPERLINK(1)"


def test_since_is_a_day_and_what_is_older_is_left_out(run: Run, notes: Notes) -> None:
    now = datetime.now(UTC)
    for days in (400, 40, 1):
        notes.trail.add_entry(entry(days, f"1.{days}.0", time=now - timedelta(days=days)))

    def shown(*arguments: str) -> list[str]:
        records = json.loads(well(run("--json", *arguments)))["records"]
        return [one["details"][0].split(",")[0] for one in records if one["action"] == "deploy"]

    assert shown() == ["version 1.1.0"]
    assert shown("--since", f"{now - timedelta(days=41):%Y-%m-%d}") == ["version 1.40.0", "version 1.1.0"]


def test_verify_prints_the_hash_that_expect_takes_later(run: Run, notes: Notes, tmp_path: Path) -> None:
    assert "has no audit trail yet" in well(run("--verify"))
    notes.event("backup")
    head = well(run("--verify")).splitlines()[-1]
    notes.event("backup")
    said = well(run("--verify", "--expect", head))
    assert "3 records, each as it was written; the expected hash is of record 2" in said
    for number in (3, 2):
        (tmp_path / f"slipway-audit/local/{number:010}.json").unlink()
    well(run("--verify"))
    result = run("--verify", "--expect", head, "--json")
    assert isinstance(result.exception, UserErrors)
    found = json.loads(result.stdout)
    assert (found["records"], found["expectedAt"], len(found["findings"])) == (1, None, 1)


def test_verify_names_what_was_changed_with_exit_code_1(run: Run, notes: Notes, tmp_path: Path) -> None:
    for _ in range(3):
        notes.event("backup")
    file = tmp_path / "slipway-audit/local/0000000002.json"
    file.write_text(file.read_text().replace('"done"', '"failed"'))
    result = run("--verify")
    assert isinstance(result.exception, UserErrors)
    assert result.exception.exit_code == 1
    assert f"{file}: record 2 was changed" in str(result.exception)


def test_a_record_that_cannot_be_read_is_named_after_all_others(run: Run, notes: Notes, tmp_path: Path) -> None:
    notes.event("backup")
    notes.event("restore")
    file = tmp_path / "slipway-audit/local/0000000002.json"
    file.write_text("{")
    result = run()
    assert "restore" in result.stdout
    assert isinstance(result.exception, HistoryUnread)
    assert str(file) in str(result.exception)


def test_a_backend_without_a_place_for_it_is_no_trail_that_verifies(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "https://api.pulumi.com")
    for arguments in ((), ("--verify",)):
        assert isinstance(run(*arguments).exception, NoHistory)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--verify", "--csv"), "leave --since and --csv out"),
        (("--expect", "a" * 64), "--expect is for --verify"),
        (("--verify", "--expect", "abc"), "write the 64 digits"),
        (("--csv", "--json"), "choose one"),
        (("--since", "yesterday"), "does not match the format"),
    ],
)
def test_options_that_do_not_go_together_are_refused(run: Run, arguments: tuple[str, ...], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def recorded(folder: Path) -> list[Record]:
    """Records but the first, in which the trail began."""
    files = sorted((folder / "slipway-audit/local").glob("*.json"))
    return [Record.model_validate_json(file.read_bytes()) for file in files][1:]


def up(context: EnvironmentContext) -> None:
    bring_up(context, ["least"], Options(yes=True, jobs=1))


def test_an_up_is_audited_with_its_models_and_settings_only_when_they_changed(
    folders: Folders, cluster: LivingCluster, tmp_path: Path
) -> None:
    context = EnvironmentContext("local", folders, ["least"])
    cluster.put(render_environment(context.plan)[0])
    cluster.behaviours[context.models(["least"])[0].release] = Behaviour(label=1)
    up(context)
    up(EnvironmentContext("local", folders, ["least"]))
    file = folders.settings / "Pulumi.local.yaml"
    file.write_text(file.read_text() + "encryptionsalt: v1:hunter2\n")
    up(EnvironmentContext("local", folders, ["least"]))
    records = recorded(tmp_path)
    assert [(one.what.action, one.subject, one.outcome) for one in records] == [
        ("settings", "", "done"),
        ("deploy", "least", "passed"),
        ("up", "", "done"),
        ("up", "", "done"),
        ("settings", "", "done"),
        ("up", "", "done"),
    ]
    said = [one.event.details for one in records if one.event is not None]
    assert said[1:3] == [("1 of 1 models deployed",), ("0 of 1 models deployed",)]
    assert said[3][1:] == ("added: encryptionsalt",)
    assert not any("hunter2" in one.read_text() for one in (tmp_path / "slipway-audit").rglob("*.json"))


@pytest.mark.parametrize(("error", "outcome"), [(SlipwayError("no\nway"), "failed"), (Interrupted(), "interrupted")])
def test_an_up_whose_environment_failed_is_audited_as_failed(
    folders: Folders,
    cluster: LivingCluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: SlipwayError,
    outcome: str,
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(KubernetesRunning, "program", fails)
    with pytest.raises(type(error)):
        up(EnvironmentContext("local", folders, ["least"]))
    last = recorded(tmp_path)[-1]
    assert (last.what.action, last.outcome, last.what.reason) == ("up", outcome, " ".join(str(error).split()))


class States:
    """A backend of two states."""

    def __init__(self) -> None:
        manifest = {"time": "2026-03-01T12:00:00Z"}
        self.states: dict[str, Any] = {
            name: {"deployment": {"manifest": manifest, "resources": [{"urn": name}]}}
            for name in ("local", "local.least")
        }

    def stacks(self) -> tuple[str, ...]:
        return tuple(self.states)

    def state(self, stack: str) -> Any:
        return self.states.get(stack)

    def restore_state(self, stack: str, state: Any, _: object) -> None:
        self.states[stack] = state


def test_a_backup_and_a_restore_are_audited_and_the_trail_goes_on(
    folders: Folders, run: Run, notes: Notes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = States()

    @contextmanager
    def engine_of(_: EnvironmentContext) -> Iterator[tuple[States, None]]:
        yield engine, None

    monkeypatch.setattr(slipway.commands.changing.backup, "engine_of", engine_of)
    context = EnvironmentContext("local", folders, ())
    notes.trail.add_entry(entry(1, "1.0.0"))
    head = well(run("--verify")).splitlines()[-1]
    backups = tmp_path / "backups"
    back_up(context, str(backups))
    (backup,) = backups.iterdir()
    for lost in ("slipway-history", "slipway-audit"):
        shutil.rmtree(tmp_path / lost)
    engine.states.clear()
    restore(context, str(backup), None, Options(yes=True, jobs=1), overwrite_newer=False)
    assert sorted(engine.states) == ["local", "local.least"]
    assert [(one.what.action, one.outcome) for one in recorded(tmp_path)] == [("deploy", "passed"), ("restore", "done")]
    event = recorded(tmp_path)[-1].event
    assert event is not None and event.subject == str(backup)
    assert event.details[1:] == ("2 states replaced", "1 entries of the history added")
    assert "the expected hash is of record 2" in well(run("--verify", "--expect", head))
    # What the trail says of the backup came after it, and is lost with the rest.
    back_up(context, str(backups))
    last = recorded(tmp_path)[-1]
    assert (last.what.action, last.event and last.event.details) == ("backup", ("2 states, history, audit trail",))


@pytest.mark.parametrize(("error", "outcome"), [(None, "done"), (SlipwayError("left behind"), "failed")])
def test_a_down_of_the_whole_environment_is_audited(
    folders: Folders,
    cluster: LivingCluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: SlipwayError | None,
    outcome: str,
) -> None:
    @contextmanager
    def engine_of(_: EnvironmentContext) -> Iterator[tuple[Any, threading.Event]]:
        yield SimpleNamespace(stacks=lambda: ("local",), state=lambda _: None), threading.Event()

    def destroys(*_: object, **__: object) -> None:
        if error is not None:
            raise error

    monkeypatch.setattr(slipway.commands.changing.down, "engine_of", engine_of)
    monkeypatch.setattr(KubernetesRunning, "destroy", destroys)
    with nullcontext() if error is None else pytest.raises(SlipwayError):
        take_down(EnvironmentContext("local", folders), (), Options(yes=True, jobs=1))
    (last,) = recorded(tmp_path)
    assert (last.what.action, last.outcome, last.what.reason) == ("down", outcome, "left behind" if error else "")
