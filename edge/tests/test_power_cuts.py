"""Power goes at any moment: what was good is found again, or what came after it."""

import random
from pathlib import Path

import pytest
from devices_room import FOLDER, Device, LosingDisk, PowerCut, entry
from hypothesis import given
from hypothesis import strategies as st
from slipway_edge.disk.files import Files, real_files
from slipway_edge.disk.record import Book
from slipway_edge.disk.slots import Slots
from slipway_edge.values.errors import Away

SEEDS = st.integers(0, 2**32)


@given(cut_at=st.integers(1, 60), seed=SEEDS)
def test_after_a_power_cut_the_value_is_the_last_acknowledged_or_the_one_being_written(cut_at: int, seed: int) -> None:
    disk = LosingDisk(random.Random(seed), cut_at)
    slots = Slots(FOLDER, "record", Files(disk))
    acknowledged = -1
    try:
        for number in range(20):
            slots.write({"number": number})
            acknowledged = number
    except PowerCut:
        pass
    disk.power_back()
    again = Slots(FOLDER, "record", Files(disk))
    found = again.read()
    assert (found or {"number": -1})["number"] in (acknowledged, acknowledged + 1)
    # And it goes on from there: the file in force is not the one that is written next.
    again.write({"number": 100})
    assert Slots(FOLDER, "record", Files(disk)).read() == {"number": 100}


@given(keep=st.integers(0, 300), newest=st.booleans())
def test_a_truncated_file_is_known_as_such_and_the_other_one_is_taken(keep: int, newest: bool) -> None:
    disk = LosingDisk(random.Random(0))
    slots = Slots(FOLDER, "record", Files(disk))
    slots.write({"number": 1, "why": "x" * 300})
    slots.write({"number": 2, "why": "x" * 300})
    name = "record-0.json" if newest else "record-1.json"
    disk.damage(FOLDER / name, keep)
    again = Slots(FOLDER, "record", Files(disk))
    assert (again.read() or {})["number"] == (1 if newest else 2)
    assert again.damaged == [name]


@given(cut_at=st.integers(1, 120), seed=SEEDS, kill=st.booleans(), later=st.sampled_from(["right", "wrong", "crash"]))
def test_a_device_that_lost_power_in_a_rollout_serves_a_good_version_without_the_network(
    cut_at: int, seed: int, kill: bool, later: str
) -> None:
    """1.0.0 and 1.1.0 are good, 1.2.0 is bad; 1.3.0 is anything. The cut is at any operation after 1.0.0."""
    disk = LosingDisk(random.Random(seed))
    device = Device(disk)
    device.engine.behaves = {"1.2.0": "wrong", "1.3.0": later}
    assert device.apply(entry("1.0.0")) == ("good", "")
    disk.cut_at = disk.operations + cut_at
    try:
        for version in ("1.1.0", "1.2.0", "1.3.0"):
            device.apply(entry(version))
    except PowerCut:
        pass
    good = {"1.0.0", "1.1.0"} | ({"1.3.0"} if later == "right" else set())
    disk.power_back()
    if kill:
        device.engine.kill()
    device.engine.link = False
    device.boot()
    device.roller.resume()
    assert device.serves() in good
    kept = device.book.of("digits")
    assert kept.good is not None and kept.good.version == device.serves()
    # Nothing of the trial that was cut is left running.
    assert [one.version for _, one in device.engine.there.values()] == [device.serves()]


@given(cut_at=st.integers(1, 40), seed=SEEDS)
def test_a_device_that_lost_power_while_it_went_back_serves_the_good_version(cut_at: int, seed: int) -> None:
    disk = LosingDisk(random.Random(seed))
    device = Device(disk)
    device.apply(entry("1.0.0"))
    device.apply(entry("1.1.0"))
    device.engine.behaves["1.1.0"] = "wrong"
    device.engine.link = False
    disk.cut_at = disk.operations + cut_at
    try:
        for _ in range(20):
            device.roller.watch()
    except PowerCut:
        disk.power_back()
        device.boot()
        device.roller.resume()
        for _ in range(20):
            device.roller.watch()
    assert device.serves() == "1.0.0"


def test_a_real_file_is_replaced_as_a_whole_and_read_by_its_owner_alone(tmp_path: Path) -> None:
    files = real_files()
    path = tmp_path / "record.json"
    files.write(path, b"one", 0o600)
    files.write(path, b"two", 0o600)
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["record.json"]
    assert files.read(tmp_path / "none") is None


def test_a_full_disk_is_away_and_the_record_stays(tmp_path: Path) -> None:
    class Full(LosingDisk):
        full = False

        def create(self, path: Path, data: bytes, mode: int) -> None:
            if self.full:
                raise OSError(28, "No space left on device")
            super().create(path, data, mode)

    disk = Full(random.Random(0))
    book = Book(FOLDER, Files(disk))
    book.mark_good(entry("1.0.0"))
    disk.full = True
    with pytest.raises(Away, match="No space left on device"):
        book.mark_good(entry("1.1.0"))
    assert book.of("digits").good == entry("1.0.0")
    disk.full = False
    book.mark_good(entry("1.1.0"))
    assert Book(FOLDER, Files(disk)).of("digits").before == entry("1.0.0")


@given(used=st.integers(0, 2500), seed=SEEDS)
def test_a_nonce_is_never_used_twice_whatever_was_lost(used: int, seed: int) -> None:
    disk = LosingDisk(random.Random(seed))
    book = Book(FOLDER, Files(disk))
    highest = 0
    for _ in range(used):
        highest = book.next_nonce()
    disk.power_back()
    assert Book(FOLDER, Files(disk)).next_nonce() > highest
