"""Records follow from one another, whoever adds them at once or is killed; what others did to them is named."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.history.errors import HistoryUnwritten
from slipway.history.notes import Notes
from slipway.history.record import Record
from slipway.history.verify import Verified, verify
from tests.support.histories import entry, in_folder


def notes(folder: Path, warn: Callable[[str], None] = pytest.fail) -> Notes:
    return Notes("local", folder, warn, {"PULUMI_BACKEND_URL": f"file://{folder}"})


def verified(folder: Path, expected: str | None = None) -> Verified:
    here = notes(folder)
    return verify(here.trail, here.store, "local", expected)


def record_file(folder: Path, number: int) -> Path:
    return folder / f"slipway-audit/local/{number:010}.json"


def entry_file(folder: Path, number: int) -> Path:
    found = Record.model_validate_json(record_file(folder, number).read_bytes()).entry
    assert found is not None
    return folder / f"slipway-history/local/{found.model}/{found.id}.json"


def filled(folder: Path, count: int = 6) -> Notes:
    """A trail of `count` records: the beginning, then a deployment and a key by turns."""
    here = notes(folder)
    for number in range(2, count + 1):
        if number % 2:
            here.event("key create", f"k{number}", details=["name: Web shop"])
        else:
            # Keys that are in no order: an entry's file has them so, its record does not.
            here.trail.add_entry(entry(number, f"1.{number}.0", packed={"second": "2", "first": "1"}))
    return here


def test_a_trail_that_nobody_touched_verifies_and_anybody_can_compute_its_hash(tmp_path: Path) -> None:
    filled(tmp_path)
    found = verified(tmp_path)
    assert (found.records, found.findings, found.pending, found.taken_in) == (6, (), None, 0)
    assert found.head == hashlib.sha256(record_file(tmp_path, 6).read_bytes()).hexdigest()
    for number in range(2, 7):
        before = hashlib.sha256(record_file(tmp_path, number - 1).read_bytes()).hexdigest()
        assert json.loads(record_file(tmp_path, number).read_text())["previous"] == before
    assert [one.version for one in in_folder(tmp_path).entries("local", "digits")] == ["1.6.0", "1.4.0", "1.2.0"]


def test_a_hash_that_was_written_down_is_found_as_the_trail_grows_and_misses_a_cut_end(tmp_path: Path) -> None:
    here = filled(tmp_path)
    head = verified(tmp_path).head
    here.event("backup")
    found = verified(tmp_path, head)
    assert (found.expected_at, found.records, found.findings) == (6, 7, ())
    for number in (6, 7):
        if number == 6:
            entry_file(tmp_path, 6).unlink()
        record_file(tmp_path, number).unlink()
    assert verified(tmp_path).findings == ()  # nothing in it says that there was more
    (said,) = verified(tmp_path, head).findings
    assert head in said and "cut off" in said


@settings(max_examples=60, deadline=None)
@given(number=st.integers(1, 6), at=st.floats(0, 1, exclude_max=True), byte=st.integers(1, 255))
def test_any_byte_that_changes_in_a_record_is_found_and_the_record_named(number: int, at: float, byte: int) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        filled(folder)
        head = verified(folder).head
        file = record_file(folder, number)
        data = bytearray(file.read_bytes())
        data[int(at * len(data))] ^= byte
        file.write_bytes(data)
        text = "\n".join(verified(folder, head).findings)
        # Of the last one, nothing but the hash that was written down tells.
        assert file.name in text or (number == 6 and head in text)


@settings(max_examples=40, deadline=None)
@given(order=st.permutations(range(1, 7)))
def test_records_in_another_order_are_found_and_named(order: list[int]) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        filled(folder)
        files = {number: record_file(folder, number).read_bytes() for number in order}
        for place, number in enumerate(order, 1):
            record_file(folder, place).write_bytes(files[number])
        text = "\n".join(verified(folder).findings)
        moved = [place for place, number in enumerate(order, 1) if place != number]
        assert bool(text) == bool(moved)
        for place in moved:
            assert f"record {place} says that it is record {order[place - 1]}" in text


@settings(max_examples=15, deadline=None)
@given(gone=st.sets(st.integers(1, 5), min_size=1))
def test_records_that_are_removed_are_found_and_named(gone: set[int]) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        filled(folder)
        for number in gone:
            record_file(folder, number).unlink()
        text = "\n".join(verified(folder).findings)
        assert [number for number in range(1, 7) if f"record {number} was removed" in text] == sorted(gone)


def test_an_inserted_record_is_named_also_where_the_numbers_after_it_are_moved(tmp_path: Path) -> None:
    filled(tmp_path)
    for number in (6, 5, 4):
        record_file(tmp_path, number).rename(record_file(tmp_path, number + 1))
    forged = json.loads(record_file(tmp_path, 3).read_text())
    forged |= {"number": 4, "previous": hashlib.sha256(record_file(tmp_path, 3).read_bytes()).hexdigest()}
    record_file(tmp_path, 4).write_text(json.dumps(forged))
    text = "\n".join(verified(tmp_path).findings)
    assert "record 5 says that it is record 4" in text
    assert "record 4" in text


@pytest.mark.parametrize("how", ["changed", "removed", "inserted", "exchanged"])
def test_what_is_done_to_an_entry_of_the_history_is_found_and_the_entry_named(tmp_path: Path, how: str) -> None:
    filled(tmp_path)
    file = entry_file(tmp_path, 4)
    if how == "removed":
        file.unlink()
    elif how == "inserted":
        file = file.with_name("20260301T110000000000Z-00000000.json")
        forged = entry(0, "0.1.0", id=file.stem)
        in_folder(tmp_path).write(forged)
    elif how == "exchanged":
        other = entry_file(tmp_path, 2)
        mine, its = file.read_bytes(), other.read_bytes()
        file.write_bytes(its)
        other.write_bytes(mine)
    else:
        file.write_text(file.read_text().replace('"passed"', '"failed"'))
    found = verified(tmp_path).findings
    assert len(found) == (2 if how == "exchanged" else 1)
    assert file.name in "\n".join(found)


def test_entries_from_before_the_trail_are_taken_in_by_name(tmp_path: Path) -> None:
    store = in_folder(tmp_path)
    old = [entry(1, "0.1.0"), entry(2, "0.2.0"), entry(3, "7.0.0", model="speech")]
    for one in old:
        store.write(one)
    assert verified(tmp_path) == Verified(0, "", 3, (), None, None)
    filled(tmp_path)
    found = verified(tmp_path)
    assert (found.records, found.taken_in, found.findings) == (6, 3, ())
    first = Record.model_validate_json(record_file(tmp_path, 1).read_bytes())
    assert first.event is not None and first.event.details == ("3 entries of the history are from before the trail",)
    (tmp_path / f"slipway-history/local/digits/{old[0].id}.json").unlink()
    (said,) = verified(tmp_path).findings
    assert f"{old[0].id}.json" in said


def test_what_a_killed_run_did_not_write_is_pending_until_the_next_run_writes_it(tmp_path: Path) -> None:
    filled(tmp_path)
    file = entry_file(tmp_path, 6)
    whole = file.read_bytes()
    file.unlink()
    found = verified(tmp_path)
    assert (found.findings, found.pending) == ((), f"digits/{file.stem}")
    notes(tmp_path).event("backup")
    assert json.loads(file.read_bytes()) == json.loads(whole)
    assert (verified(tmp_path).findings, verified(tmp_path).pending) == ((), None)


def test_a_damaged_end_is_named_and_stops_nobody(tmp_path: Path) -> None:
    filled(tmp_path, 5)
    record_file(tmp_path, 5).write_bytes(b'{"torn')
    notes(tmp_path).event("backup")
    (said,) = verified(tmp_path).findings
    assert record_file(tmp_path, 5).name in said and "it is no record" in said


def test_two_trails_in_one_process_take_turns(tmp_path: Path) -> None:
    one, other = notes(tmp_path), notes(tmp_path)
    for _ in range(5):
        one.event("backup")
        other.event("restore")
    found = verified(tmp_path)
    assert (found.records, found.findings) == (11, ())


ADDING = """
import sys
from pathlib import Path
from slipway.history.notes import Notes
from tests.support.histories import entry
folder = Path(sys.argv[1])
notes = Notes("local", folder, sys.exit, {"PULUMI_BACKEND_URL": f"file://{folder}"})
for number in range(25):
    notes.event("key create", f"{sys.argv[2]}{number}")
    notes.trail.add_entry(entry(number, "1.0.0", model=sys.argv[2]))
"""


def test_runs_that_add_at_once_lose_nothing(tmp_path: Path) -> None:
    runs = [subprocess.Popen([sys.executable, "-c", ADDING, str(tmp_path), name]) for name in ("a", "b", "c")]
    assert [run.wait(timeout=120) for run in runs] == [0, 0, 0]
    found = verified(tmp_path)
    assert (found.records, found.findings) == (1 + 3 * 50, ())
    store = in_folder(tmp_path)
    assert [len(store.ids("local", model)) for model in ("a", "b", "c")] == [25, 25, 25]


def test_a_number_that_is_always_taken_ends_with_what_was_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = filled(tmp_path)
    monkeypatch.setattr(type(here.trail), "put", lambda *_: False)
    monkeypatch.setattr(type(here.trail), "read", lambda *_: record_file(tmp_path, 6).read_bytes())
    with pytest.raises(HistoryUnwritten, match="300 times in a row"):
        here.trail.add_entry(entry(9, "1.9.0"))


def test_settings_are_noted_once_with_the_fields_that_differ_and_never_what_is_in_them(tmp_path: Path) -> None:
    here = notes(tmp_path)
    document = {"config": {"slipway:environment": {"namespace": "digits", "pools": [{"name": "cpu"}], "alerts": {}}}}
    here.settings(document)
    here.settings(document)
    here.event("backup")
    changed = {"config": {"slipway:environment": {"namespace": "hunter2", "pools": [{"name": "cpu"}, {"name": "gpu"}]}}}
    notes(tmp_path).settings(changed)
    notes(tmp_path).settings(changed)
    found = verified(tmp_path)
    assert (found.records, found.findings) == (4, ())
    event = Record.model_validate_json(record_file(tmp_path, 4).read_bytes()).event
    assert event is not None
    at = "config.slipway:environment"
    assert event.details[1:] == (f"removed: {at}.alerts", f"changed: {at}.namespace", f"added: {at}.pools[1].name")
    assert "hunter2" not in record_file(tmp_path, 4).read_text()


def test_an_event_that_fails_or_is_stopped_is_noted_as_such(tmp_path: Path) -> None:
    here = notes(tmp_path)
    with pytest.raises(RuntimeError), here.during("rotate", "platform"):
        raise RuntimeError("no\ncapacity")
    with pytest.raises(KeyboardInterrupt), here.during("down"):
        raise KeyboardInterrupt
    with here.during("backup") as lines:
        lines.append("states: 2")
    records = [Record.model_validate_json(record_file(tmp_path, number).read_bytes()) for number in (2, 3, 4)]
    assert [one.outcome for one in records] == ["failed", "interrupted", "done"]
    assert [one.event and one.event.reason for one in records] == ["no capacity", "KeyboardInterrupt", ""]
    assert records[2].event and records[2].event.details == ("states: 2",)


def test_a_trail_that_cannot_be_written_fails_nothing_and_is_said(tmp_path: Path) -> None:
    warned: list[str] = []
    (tmp_path / "slipway-audit").mkdir()
    (tmp_path / "slipway-audit/local").write_text("")
    notes(tmp_path, warned.append).event("backup")
    (said,) = warned
    assert "slipway-audit" in said and "`backup` is missing from the audit trail" in said
