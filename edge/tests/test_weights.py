"""Weights that are not in the image: they end whole, or go on from where they were, and the link carries them once."""

import hashlib
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from devices_room import WEIGHTS, Device, FakeClock, FakeSource, LosingDisk, PowerCut, entry
from hypothesis import example, given
from hypothesis import strategies as st
from slipway_edge.disk.files import RealDisk
from slipway_edge.fetching import pieces
from slipway_edge.fetching.bucket import Bucket
from slipway_edge.fetching.store import RESERVE, WeightsStore
from slipway_edge.fetching.window import shut
from slipway_edge.values.document import Pull, Weights, WeightsFile
from slipway_edge.values.errors import Away
from slipway_edge.values.told_time import ToldTime

PIECE = 64
SEEDS = st.integers(0, 2**32)


@pytest.fixture(autouse=True, scope="module")
def small_pieces() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE", PIECE)
        yield


def some(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def weights(*files: WeightsFile) -> Weights:
    return Weights(folder="/opt/slipway/model", files=list(files))


def nothing() -> None: ...


def tried(device: Device, wanted: Weights) -> bool:
    try:
        device.store.bring(wanted, Pull(), nothing)
    except Away:
        return False
    return True


@given(
    size=st.integers(1, 10 * PIECE),
    cuts=st.lists(st.integers(0, 2 * PIECE), max_size=12),
    power=st.lists(st.integers(1, 40), max_size=8),
    seed=SEEDS,
)
@example(size=1, cuts=[], power=[4], seed=1)
@example(size=43, cuts=[], power=[6], seed=1)
def test_a_file_cut_at_any_byte_ends_whole_and_each_cut_costs_a_piece_at_most(
    size: int, cuts: list[int], power: list[int], seed: int
) -> None:
    disk = LosingDisk(random.Random(seed))
    device = Device(disk)
    data = some(size)
    file = device.source.put(data)
    device.source.cuts = list(cuts)
    wanted = weights(file)
    power_cuts = 0
    for operations in [*power, None]:
        disk.cut_at = None if operations is None else disk.operations + operations
        try:
            for _ in range(len(cuts) + 2):
                if tried(device, wanted):
                    break
        except PowerCut:
            power_cuts += 1
            disk.power_back()
            device.boot()
    assert disk.read(WEIGHTS / file.sha256) == data
    assert device.store.has(wanted)
    device.store.tidy([wanted])
    assert disk.names(WEIGHTS) == [file.sha256]
    listed = pieces.list_bytes(file)
    # A cut link loses nothing of the file; only power that goes does: the piece on its way, and a list on its way.
    assert device.source.sent <= size + listed + power_cuts * (PIECE + listed) + len(cuts) * listed


def test_a_link_that_carries_less_than_a_piece_at_a_time_still_brings_all_of_it() -> None:
    device = Device(LosingDisk(random.Random(0)))
    file = device.source.put(some(5 * PIECE))
    device.source.cuts = [200] + [PIECE // 4] * 20
    tries = 1
    while not tried(device, weights(file)):
        tries += 1
    # Three cuts in each of five pieces, and the try that ends.
    assert tries == 16
    assert device.source.sent == 5 * PIECE + pieces.list_bytes(file)


def test_a_file_that_is_here_is_not_asked_for_and_two_versions_share_it() -> None:
    device = Device(LosingDisk(random.Random(0)))
    file = device.source.put(some(3 * PIECE))
    assert tried(device, weights(file))
    asked = device.source.asked
    device.boot()
    assert tried(device, weights(file.model_copy(update={"name": "other.onnx"})))
    assert device.source.asked == asked


def test_wrong_bytes_are_thrown_away_and_not_asked_for_again_at_once() -> None:
    device = Device(LosingDisk(random.Random(0)))
    data = some(3 * PIECE)
    file = device.source.put(data)
    device.source.blobs[file.sha256] = data[: PIECE + 5] + b"?" + data[PIECE + 6 :]
    with pytest.raises(Away, match="wrong bytes: piece 1 has another digest; tried again in 60 s"):
        device.store.bring(weights(file), Pull(), nothing)
    sent = device.source.sent
    with pytest.raises(Away, match="tried again in 60 s"):
        device.store.bring(weights(file), Pull(), nothing)
    assert device.source.sent == sent
    device.clock.sleep(61)
    with pytest.raises(Away, match="tried again in 120 s"):
        device.store.bring(weights(file), Pull(), nothing)
    assert device.source.sent == sent + PIECE
    device.source.blobs[file.sha256] = data
    device.clock.sleep(121)
    assert tried(device, weights(file))


def test_a_list_of_pieces_and_a_file_that_do_not_belong_together_are_refused() -> None:
    device = Device(LosingDisk(random.Random(0)))
    one, two = device.source.put(some(2 * PIECE)), device.source.put(some(2 * PIECE, 2))
    with pytest.raises(Away, match="list of pieces has the sha256"):
        device.source.blobs[str(one.pieces)] = device.source.blobs[str(two.pieces)]
        device.store.bring(weights(one), Pull(), nothing)
    # Signed as it is, so that each piece fits; the whole does not.
    mixed = two.model_copy(update={"sha256": one.sha256})
    device.source.blobs[one.sha256] = device.source.blobs[two.sha256]
    device.boot()
    with pytest.raises(Away, match="all pieces are right, and the whole is not"):
        device.store.bring(weights(mixed), Pull(), nothing)
    assert device.disk.names(WEIGHTS) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data[:100], "broke off"),
        (lambda _: b"", "fewer bytes"),
    ],
    ids=["short", "empty"],
)
def test_a_source_with_fewer_bytes_is_away_and_what_is_here_stays(change, said: str) -> None:  # type: ignore[no-untyped-def]
    device = Device(LosingDisk(random.Random(0)))
    data = some(3 * PIECE)
    file = device.source.put(data)
    device.source.blobs[file.sha256] = change(data)
    with pytest.raises(Away, match=said):
        device.store.bring(weights(file), Pull(), nothing)
    device.source.blobs[file.sha256] = data
    assert tried(device, weights(file))
    assert device.source.sent == len(data) + pieces.list_bytes(file)


def test_weights_leave_a_reserve_of_the_disk_and_say_what_they_need() -> None:
    device = Device(LosingDisk(random.Random(0)))
    file = device.source.put(some(3 * PIECE))
    device.disk_free = RESERVE + 3 * PIECE - 1
    assert device.apply(entry(weights=weights(file).model_dump())) == (
        "pulling",
        f"model.onnx: {RESERVE + 191} bytes of the disk are free; 192 are still needed beside {RESERVE} that stay free",
    )
    device.disk_free += 1
    assert device.apply(entry(weights=weights(file).model_dump())) == ("good", "")


def test_a_disk_that_is_full_is_away_and_it_goes_on_from_what_was_synced() -> None:
    class Full(LosingDisk):
        room = 2 * PIECE

        def append(self, path: Path, data: bytes) -> None:
            if (self.size(path) or 0) + len(data) > self.room:
                raise OSError(28, "No space left on device")
            super().append(path, data)

    disk = Full(random.Random(0))
    device = Device(disk)
    file = device.source.put(some(4 * PIECE))
    with pytest.raises(Away, match="weights cannot be written: No space left on device"):
        device.store.bring(weights(file), Pull(), nothing)
    disk.room = 100 * PIECE
    assert tried(device, weights(file))
    assert device.source.sent <= 5 * PIECE + pieces.list_bytes(file)


def test_the_weights_of_the_good_version_and_of_the_one_before_stay_and_nothing_else_of_ours() -> None:
    device = Device(LosingDisk(random.Random(0)))
    device.disk.create(WEIGHTS / "notes.txt", b"somebody's", 0o600)
    files = {}
    for number, version in enumerate(("1.0.0", "1.1.0", "1.2.0")):
        files[version] = device.source.put(some(2 * PIECE, number))
        assert device.apply(entry(version, weights=weights(files[version]).model_dump()))[0] == "good"
    kept = sorted([files["1.1.0"].sha256, files["1.2.0"].sha256])
    assert device.disk.names(WEIGHTS) == [*kept, "notes.txt"]
    # A bad one leaves nothing, and neither does one that was on its way when another was desired.
    bad = device.source.put(some(2 * PIECE, 9))
    device.engine.behaves["1.3.0"] = "wrong"
    assert device.apply(entry("1.3.0", weights=weights(bad).model_dump()))[0] == "returned"
    assert device.disk.names(WEIGHTS) == [*kept, "notes.txt"]
    device.source.cuts = [200, 30]
    half = device.source.put(some(4 * PIECE, 10))
    assert device.apply(entry("1.3.0", weights=weights(half).model_dump()))[0] == "pulling"
    assert f"{half.sha256}.part" in device.disk.names(WEIGHTS)
    assert device.apply(entry("1.2.0", weights=weights(files["1.2.0"]).model_dump()))[0] == "good"
    assert device.disk.names(WEIGHTS) == [*kept, "notes.txt"]


def test_a_turn_ends_so_that_the_control_side_is_asked_again_and_goes_on_at_once() -> None:
    device = Device(LosingDisk(random.Random(0)))
    file = device.source.put(some(30 * PIECE))
    one = entry(weights=weights(file).model_dump())
    device.bringing.begin(Pull(bytes_per_s=1024))
    device.source.block = PIECE
    device.store.bring(weights(device.source.put(some(PIECE, 5))), Pull(), nothing)
    pull = Pull.model_construct(bytes_per_s=8, hours=[], zone="UTC")
    device.bringing.begin(pull)
    state, reason = device.apply(one)
    assert (state, device.bringing.unfinished) == ("pulling", True)
    assert reason.startswith("model.onnx: ") and reason.endswith("is here")
    turns = 1
    while device.bringing.unfinished:
        device.bringing.begin(pull)
        device.apply(one)
        turns += 1
    assert device.serves() == "1.0.0"
    assert turns >= 30 * PIECE / 8 / 40


@given(sizes=st.lists(st.integers(1, 5000), min_size=1, max_size=60), rate=st.integers(1024, 10_000))
def test_no_more_passes_than_the_rate_and_the_burst_of_a_second(sizes: list[int], rate: int) -> None:
    clock = FakeClock()
    bucket = Bucket(clock)
    began, passed = clock.now(), 0
    for size in sizes:
        bucket.take(size, rate)
        passed += size
        assert passed <= rate * (clock.now() - began) + rate + 1e-6
        clock.sleep(size % 3)


def test_nothing_is_pulled_outside_of_hours_and_what_is_here_starts_all_the_same() -> None:
    device = Device(LosingDisk(random.Random(0)))
    assert device.apply(entry("1.0.0"))[0] == "good"
    device.bringing.begin(Pull(hours=["22:00-06:00"], zone="Europe/Berlin"))
    assert device.apply(entry("1.1.0")) == (
        "pulling",
        "pulled at 22:00-06:00 Europe/Berlin only, and the control side has not told the time yet",
    )
    device.time = datetime(2026, 7, 1, 19, 59, tzinfo=UTC)
    assert device.apply(entry("1.1.0"))[1] == "pulled at 22:00-06:00 Europe/Berlin only; there it is 21:59"
    device.engine.kill()
    device.boot()
    device.roller.resume()
    assert device.serves() == "1.0.0"
    device.time = datetime(2026, 7, 1, 20, 0, tzinfo=UTC)
    assert device.apply(entry("1.1.0")) == ("good", "")


@pytest.mark.parametrize(
    ("hours", "open_at", "shut_at"),
    [
        (["22:00-06:00"], ["22:00", "23:59", "00:00", "05:59"], ["06:00", "21:59", "12:00"]),
        (["12:00-13:00", "02:00-03:00"], ["12:00", "12:59", "02:30"], ["13:00", "03:00", "11:59"]),
        ([], ["00:00", "12:00"], []),
    ],
    ids=["night", "two", "none"],
)
def test_hours_end_before_their_last_minute_and_go_over_midnight(
    hours: list[str], open_at: list[str], shut_at: list[str]
) -> None:
    def now(text: str) -> datetime:
        return datetime.fromisoformat(f"2026-03-01T{text}+00:00")

    assert [at for at in open_at if shut(Pull(hours=hours), now(at))] == []
    assert [at for at in shut_at if not shut(Pull(hours=hours), now(at))] == []


def test_a_zone_that_the_device_does_not_know_is_said() -> None:
    pull = Pull(hours=["22:00-06:00"], zone="Europe/Nowhere")
    assert "does not know that zone" in shut(pull, datetime(2026, 3, 1, tzinfo=UTC))


def test_the_time_is_the_control_sides_and_goes_on_without_it() -> None:
    clock = FakeClock()
    time = ToldTime(clock)
    assert time.now() is None
    time.tell("no date")
    time.tell(None)
    assert time.now() is None
    time.tell("Fri, 27 Nov 2026 21:00:00 GMT")
    clock.sleep(90)
    assert time.now() == datetime(2026, 11, 27, 21, 1, 30, tzinfo=UTC)
    assert time.now().utcoffset() == timedelta(0)  # type: ignore[union-attr]


def test_on_a_real_disk_a_file_that_was_cut_is_continued_and_ends_read_only_for_the_container(tmp_path: Path) -> None:
    source, clock = FakeSource(), FakeClock()
    data = some(5 * PIECE)
    file = source.put(data)
    source.cuts = [1000, 150]
    for _ in range(2):
        store = WeightsStore(RealDisk(), tmp_path, source, clock, lambda: 2**40)
        try:
            store.bring(weights(file), Pull(), nothing)
        except Away as away:
            assert "is here and stays" in str(away)
            with (tmp_path / f"{file.sha256}.part").open("ab") as torn:
                torn.write(os.urandom(3))
    assert hashlib.sha256((tmp_path / file.sha256).read_bytes()).hexdigest() == file.sha256
    assert (tmp_path / file.sha256).stat().st_mode & 0o777 == 0o644
    assert source.sent <= len(data) + PIECE + pieces.list_bytes(file)
    store.tidy([])
    assert list(tmp_path.iterdir()) == []
