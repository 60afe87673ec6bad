"""A backup is held against what is there: something newer is lost to nobody who did not say so."""

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from slipway.backup.errors import BackupRefused, BackupUnread, BackupUnwritten
from slipway.backup.manifest import Parts
from slipway.backup.place import BackupPlace, backup_at, new_backup
from slipway.backup.restore import changed, missing, read, restore_history, restore_states, restore_trail
from slipway.backup.take import Sources, take
from slipway.errors.base import UserErrors
from slipway.history.notes import Notes
from slipway.history.record import hash_of
from slipway.history.store import Store
from slipway.history.verify import verify
from tests.support.histories import entry, in_folder

TAKEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
BOTH: Sequence[Parts] = ("state", "ledger")


def state(at: str, *names: str) -> dict[str, Any]:
    """A state as the CLI exports it; it writes times to the nanosecond."""
    resources = [{"urn": name} for name in names]
    return {"version": 3, "deployment": {"manifest": {"time": f"2026-03-01T{at}.123456789Z"}, "resources": resources}}


class States:
    """The backend. `killed_at`: the stack whose state cannot be replaced this once."""

    def __init__(self, states: dict[str, dict[str, Any]]) -> None:
        self.states = states
        self.killed_at: str | None = None
        self.replaced: list[str] = []

    def stacks(self) -> tuple[str, ...]:
        return tuple(self.states)

    def state(self, stack: str) -> dict[str, Any] | None:
        return self.states.get(stack)

    def restore_state(self, stack: str, state: dict[str, Any], report: Callable[[str], None]) -> None:
        if stack == self.killed_at:
            self.killed_at = None
            raise KeyboardInterrupt
        self.states[stack] = state
        self.replaced.append(stack)


class Ledger:
    """A database whose dump is fixed."""

    def dump(self, into: io.BytesIO) -> None:
        into.write(b"dump")


def backed_up(folder: Path, states: dict[str, dict[str, Any]], store: Store | None = None) -> BackupPlace:
    place = new_backup(str(folder), "local-1")
    ledger: Any = Ledger()
    take("local", TAKEN, Sources(States(states), store, ledger), place, lambda _: None)
    return place


THERE = {"local": state("11:00:00", "network"), "local.digits": state("11:30:00", "pods")}


def test_stacks_of_the_environment_alone_are_backed_up(tmp_path: Path) -> None:
    strangers = {"local2": state("11:00:00"), "local2.digits": state("11:00:00"), "other": state("11:00:00")}
    place = backed_up(tmp_path, THERE | strangers)
    manifest = place.manifest()
    assert sorted(manifest.stacks) == ["local", "local.digits"]
    assert json.loads((tmp_path / "local-1/states/local.digits.json").read_text()) == THERE["local.digits"]
    assert (manifest.environment, manifest.taken_at, manifest.ledger and manifest.ledger.size) == ("local", TAKEN, 4)


def test_what_is_as_it_was_is_left_alone_and_what_is_lost_or_older_is_restored(tmp_path: Path) -> None:
    place = backed_up(tmp_path, THERE)
    same, lost, older = States(dict(THERE)), States({}), States(THERE | {"local": state("10:00:00", "less")})
    with read(place, "local", BOTH) as backup:
        assert changed(backup, same, overwrite_newer=False) == []
        assert changed(backup, lost, overwrite_newer=False) == ["local", "local.digits"]
        assert changed(backup, older, overwrite_newer=False) == ["local"]
        restore_states(backup, ["local"], older, lambda _: None)
        assert older.states == THERE


def test_a_state_that_is_newer_is_refused_unless_it_may_be_lost(tmp_path: Path) -> None:
    place = backed_up(tmp_path, THERE)
    newer = States({name: state("12:30:00", "more") for name in THERE})
    with read(place, "local", BOTH) as backup:
        with pytest.raises(UserErrors, match=r"stack local: .*12:30:00 UTC.*newer than the backup") as error:
            changed(backup, newer, overwrite_newer=False)
        assert len(error.value.findings) == 2
        assert changed(backup, newer, overwrite_newer=True) == ["local", "local.digits"]


def test_a_restore_that_was_killed_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    place = backed_up(tmp_path, THERE)
    states = States({})
    states.killed_at = "local.digits"
    with read(place, "local", BOTH) as backup:
        with pytest.raises(KeyboardInterrupt):
            restore_states(backup, changed(backup, states, overwrite_newer=False), states, lambda _: None)
        again = changed(backup, states, overwrite_newer=False)
        restore_states(backup, again, states, lambda _: None)
    assert (states.replaced, states.states) == (["local", "local.digits"], THERE)


def test_a_backup_of_another_environment_is_refused(tmp_path: Path) -> None:
    place = backed_up(tmp_path, THERE)
    with (
        pytest.raises(BackupRefused, match=r'manifest.json: environment: "local" is another.*allowed: prod'),
        read(place, "prod", BOTH),
    ):
        pass


@pytest.mark.parametrize("file", ["states/local.json", "history.jsonl", "ledger.dump"])
def test_a_backup_with_a_file_that_changed_or_went_restores_nothing(tmp_path: Path, file: str) -> None:
    place = backed_up(tmp_path, THERE, in_folder(tmp_path / "backend"))
    path = tmp_path / "local-1" / file
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(BackupRefused, match=r"is not its size"), read(place, "local", BOTH):
        pass
    path.unlink()
    with pytest.raises(BackupUnread, match=r"there is no such file"), read(place, "local", BOTH):
        pass


def test_a_part_that_the_backup_has_not_is_refused(tmp_path: Path) -> None:
    place = new_backup(str(tmp_path), "local-1")
    take("local", TAKEN, Sources(States(THERE), None, None), place, lambda _: None)
    with (
        pytest.raises(BackupRefused, match=r"has none of what is to be restored.*allowed: ledger"),
        read(place, "local", ("ledger",)),
    ):
        pass


def test_entries_of_the_history_are_added_and_none_is_changed(tmp_path: Path) -> None:
    store = in_folder(tmp_path / "backend")
    first, second = entry(1, "1.0.0"), entry(2, "2.0.0", model="speech")
    for one in (first, second):
        store.write(one)
    place = backed_up(tmp_path, THERE, store)
    elsewhere = in_folder(tmp_path / "elsewhere")
    later = entry(3, "3.0.0")
    for one in (first, later):
        elsewhere.write(one)
    with read(place, "local", BOTH) as backup:
        lost = missing(backup, elsewhere)
        restore_history(backup, elsewhere, lost)
        assert (lost, missing(backup, elsewhere)) == ([f"speech/{second.id}"], [])
    assert list(elsewhere.entries("local", "digits")) == [later, first]
    assert list(elsewhere.entries("local", "speech")) == [second]


def test_an_entry_that_cannot_be_read_is_named_and_the_rest_is_backed_up(tmp_path: Path) -> None:
    store = in_folder(tmp_path / "backend")
    first, second = entry(1, "1.0.0"), entry(2, "2.0.0")
    for one in (first, second):
        store.write(one)
    (tmp_path / f"backend/slipway-history/local/digits/{first.id}.json").write_text("{}")
    place = new_backup(str(tmp_path), "local-1")
    _, unread = take("local", TAKEN, Sources(States(THERE), store, None), place, lambda _: None)
    assert [first.id in str(error) for error in unread] == [True]
    with read(place, "local", BOTH) as backup:
        assert list(backup.entries()) == [second]


def test_an_entry_of_another_environment_is_refused(tmp_path: Path) -> None:
    place = backed_up(tmp_path, THERE)
    foreign = f"{entry(1, '1.0.0', environment='prod').model_dump_json(by_alias=True)}\n".encode()
    manifest = place.manifest().model_copy(update={"history": place.write("history.jsonl", io.BytesIO(foreign))})
    place.write("manifest.json", io.BytesIO(manifest.model_dump_json().encode()))
    with (
        pytest.raises(BackupRefused, match=r"history.jsonl:1: environment: \"prod\" is of another"),
        read(place, "local", BOTH),
    ):
        pass


def test_a_backup_that_failed_has_no_manifest(tmp_path: Path) -> None:
    (tmp_path / "local-1").mkdir()
    (tmp_path / "local-1/ledger.dump").mkdir()
    (tmp_path / "local-1/ledger.dump/full").write_text("")
    with pytest.raises(BackupUnwritten):
        backed_up(tmp_path, THERE)
    with pytest.raises(BackupUnread, match=r"was not finished"):
        backup_at(str(tmp_path / "local-1")).manifest()


def test_a_manifest_may_name_no_file_outside_of_the_backup(tmp_path: Path) -> None:
    place = backed_up(tmp_path, THERE)
    text = place.manifest().model_dump_json().replace("local.digits", "../../secret")
    (tmp_path / "local-1/manifest.json").write_text(text)
    with pytest.raises(BackupRefused, match=r"is no manifest"):
        backup_at(str(tmp_path / "local-1")).manifest()


def trail_of(folder: Path) -> Notes:
    return Notes("local", folder, pytest.fail, {"PULUMI_BACKEND_URL": f"file://{folder}"})


def with_trail(folder: Path) -> tuple[BackupPlace, Notes]:
    """A backup of a backend with an entry from before the trail, and a trail of four records."""
    there = trail_of(folder / "backend")
    there.store.write(entry(0, "0.1.0"))
    for number in (1, 2):
        there.trail.add_entry(entry(number, f"{number}.0.0"))
    there.event("key create", "Web shop “ü”")
    place = new_backup(str(folder), "local-1")
    _, unread = take("local", TAKEN, Sources(States(THERE), there.store, None, there.trail), place, lambda _: None)
    assert unread == []
    return place, there


def restored(place: BackupPlace, into: Notes) -> list[str]:
    """As the command does it; returns the entries without a record."""
    with read(place, "local", ("state",)) as backup:
        lost = missing(backup, into.store)
        unrecorded = restore_trail(backup, into.trail, lost)
        if unrecorded:
            into.event("restore", taken_in=unrecorded)
        restore_history(backup, into.store, lost)
        return unrecorded


def test_a_trail_that_was_lost_is_restored_byte_for_byte_and_goes_on(tmp_path: Path) -> None:
    place, there = with_trail(tmp_path)
    before = verify(there.trail, there.store, "local")
    new = trail_of(tmp_path / "elsewhere")
    assert restored(place, new) == []
    assert verify(new.trail, new.store, "local", before.head) == replace(before, expected_at=4)
    new.event("restore")
    assert verify(new.trail, new.store, "local", before.head) == replace(
        before, records=5, expected_at=4, head=hash_of(new.trail.read(5))
    )


def test_a_trail_that_went_on_is_left_as_it_is(tmp_path: Path) -> None:
    place, there = with_trail(tmp_path)
    there.trail.add_entry(entry(9, "9.0.0"))
    before = verify(there.trail, there.store, "local")
    assert restored(place, there) == []
    assert verify(there.trail, there.store, "local") == before


def test_entries_that_a_trail_begun_anew_does_not_know_are_taken_in(tmp_path: Path) -> None:
    place, _ = with_trail(tmp_path)
    new = trail_of(tmp_path / "elsewhere")
    new.trail.add_entry(entry(20, "20.0.0"))
    assert len(restored(place, new)) == 3
    found = verify(new.trail, new.store, "local")
    assert (found.records, found.taken_in, found.findings) == (3, 3, ())
    assert restored(place, new) == []


def test_a_record_that_is_damaged_is_named_and_the_rest_is_backed_up(tmp_path: Path) -> None:
    _, there = with_trail(tmp_path)
    file = tmp_path / "backend/slipway-audit/local/0000000003.json"
    file.write_bytes(b"\xff\xfe")
    place = new_backup(str(tmp_path), "local-2")
    _, unread = take("local", TAKEN, Sources(States(THERE), there.store, None, there.trail), place, lambda _: None)
    assert [str(file) in str(error) for error in unread] == [True]
    with read(place, "local", ("state",)) as backup:
        assert [number for number, _ in backup.records()] == [1, 2, 4]
