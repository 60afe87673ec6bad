"""Inputs in, answers out: nothing lost within bounds, nothing read that was not allowed, whatever is away."""

import json
import os
import random
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from devices_room import FakeClock, LosingDisk, PowerCut
from hypothesis import given, settings
from hypothesis import strategies as st
from slipway_edge.disk.files import Files, real_files
from slipway_edge.feeds.allowed import Allowed
from slipway_edge.feeds.calling import Caller
from slipway_edge.feeds.feed import Feed
from slipway_edge.feeds.folders import AnswersInFolder, Folder
from slipway_edge.feeds.http_sink import AnswersByHttp
from slipway_edge.feeds.ports import INPUT_LIMIT
from slipway_edge.feeds.spool import Spool
from slipway_edge.values.errors import Away
from slipway_edge.values.feeding import FolderSink, FolderSource, HttpSink

from tests.support.fed_models import PNG, Collector, Model, put


@dataclass
class Room:
    """A device's folders, a model and whoever takes answers; `feed` is made anew after a power cut."""

    root: Path
    model: Model
    collector: Collector
    clock: FakeClock = field(default_factory=FakeClock)
    deadline_s: float | None = None
    waiting: int = 2**20
    keep: int = 10

    def __post_init__(self) -> None:
        for name in ("feeds/in", "feeds/out", "home/secrets", "home/spool"):
            (self.root / name).mkdir(parents=True)
        (self.root / "home/secrets/token").write_text("of-the-plant\n")
        (self.root / "home/secrets/token").chmod(0o600)
        self.allowed = Allowed(self.root / "feeds", self.root / "home/secrets")
        self.seen: list[tuple[str, str]] = []
        self.boot()

    @property
    def folder(self) -> Path:
        return self.root / "feeds/in"

    def boot(self) -> None:
        self.source = Folder(FolderSource(path=str(self.folder), keep=self.keep), self.allowed, self.clock)
        self.sink = AnswersByHttp(HttpSink(url=self.collector.url, token="token"), self.allowed)
        spool = Spool(self.root / "home/spool", self.waiting, real_files())
        caller = Caller("127.0.0.1", self.model.port, 5.0)
        self.feed = Feed("digits", self.source, self.sink, spool, caller, self.clock, self.deadline_s, self.saw)

    def saw(self, model: str, message: bytes) -> None:
        self.seen.append((model, json.loads(message)["id"]))

    def steps(self, count: int = 8) -> str:
        """Go on; gives why it could not, at the end."""
        for _ in range(count):
            try:
                self.feed.step(0.5)
            except Away as away:
                self.feed.problem = str(away)
        return self.feed.problem

    def inputs(self) -> list[str]:
        return [one["input"] for one in self.collector.got]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    model, collector = Model(), Collector()
    yield Room(tmp_path, model, collector)
    model.stop()
    collector.stop()


def files(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir() if one.is_file())


def test_pictures_and_json_of_a_folder_are_answered_once_and_go_to_done(room: Room) -> None:
    put(room.folder, "a.png", PNG)
    put(room.folder, "b.json", b'{"image": [0.5]}')
    assert room.steps() == ""
    assert room.inputs() == ["a.png", "b.json"]
    assert room.collector.got[0]["answer"]["outputs"] == {"label": [7]}
    assert room.collector.headers[0]["Authorization"] == "Bearer of-the-plant"
    assert room.collector.headers[0]["Idempotency-Key"] == room.collector.got[0]["id"]
    assert (files(room.folder), files(room.folder / "done")) == ([], ["a.png", "b.json"])
    said = room.feed.said()
    assert (said["inputs"], said["sent"], said["waiting"]) == (2, 2, 0)
    assert [model for model, _ in room.seen] == ["digits", "digits"]


def test_a_file_that_is_still_written_waits(room: Room) -> None:
    put(room.folder, "a.png", PNG[:9])
    room.feed.step(0)
    put(room.folder, "a.png", PNG)
    room.clock.sleep(1)
    room.feed.step(0)
    assert room.model.asked == []
    room.steps()
    assert room.model.asked == [PNG]


def test_what_the_model_refuses_goes_to_refused_and_holds_nothing_up(room: Room) -> None:
    put(room.folder, "a.txt", b"neither picture nor JSON")
    put(room.folder, "b.json", b'{"no": "image"}')
    (room.folder / "c.bin").write_bytes(b"{" * (INPUT_LIMIT + 1))
    put(room.folder, "d.png", PNG)
    room.model.breaks_at = {PNG + b"!"}
    put(room.folder, "e.png", PNG + b"!")
    room.steps(12)
    assert room.inputs() == ["d.png"]
    assert files(room.folder / "refused") == ["a.txt", "b.json", "c.bin", "e.png"]
    assert room.model.asked.count(PNG + b"!") == 3
    assert room.feed.said()["refused"] == 4


def test_a_model_that_is_away_is_waited_for_and_an_input_beyond_the_deadline_is_dropped(room: Room) -> None:
    room.deadline_s = 30.0
    room.boot()
    room.model.busy = True
    put(room.folder, "a.png", PNG)
    assert room.steps(4) == "the model answers 503"
    room.model.busy = False
    room.steps(2)
    assert room.inputs() == ["a.png"]
    put(room.folder, "b.png", PNG)
    os.utime(room.folder / "b.png", (1, 1))
    room.steps()
    assert room.inputs() == ["a.png"]
    assert (room.feed.said()["late"], files(room.folder / "refused")) == (1, ["b.png"])


def test_answers_wait_on_the_disk_while_their_sink_is_away_also_over_a_power_cut(room: Room) -> None:
    room.collector.stop()
    for index in range(5):
        put(room.folder, f"{index}.png", PNG)
    assert "NewConnectionError" in room.steps(12)
    assert (room.feed.said()["waiting"], files(room.folder)) == (5, [])
    mode = next((room.root / "home/spool").iterdir()).stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    room.boot()
    room.collector.start()
    assert room.steps() == ""
    assert room.inputs() == [f"{index}.png" for index in range(5)]
    assert files(room.root / "home/spool") == []


def test_a_sink_that_refuses_the_token_is_waited_for_and_one_that_refuses_an_answer_is_not(room: Room) -> None:
    room.collector.status = 401
    put(room.folder, "a.png", PNG)
    assert room.steps().endswith("/answers answers 401")
    room.collector.status = 413
    room.clock.sleep(120)
    assert room.steps() == ""
    assert (room.feed.said()["waiting"], room.feed.said()["dropped"]) == (0, 1)


def test_the_oldest_answers_are_dropped_and_counted_where_the_disk_is_bounded(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 3 * 4096, real_files())
    for index in range(5):
        spool.add(f"{index:032x}", b"{}")
    assert (len(spool), spool.dropped, spool.first()) == (3, 2, (f"{2:032x}", b"{}"))


def test_answered_files_are_kept_within_bounds(room: Room) -> None:
    for index in range(14):
        put(room.folder, f"{index:02}.png", PNG)
    room.steps(30)
    assert files(room.folder / "done") == [f"{index:02}.png" for index in range(4, 14)]


def test_answers_as_files_are_whole_and_bounded(room: Room) -> None:
    sink = AnswersInFolder(FolderSink(path=str(room.root / "feeds/out"), keep=2), room.allowed)
    for index in range(3):
        sink.send(f"{index:032x}", b'{"answer":7}')
    out = room.root / "feeds/out"
    assert files(out) == [f"{index:032x}.json" for index in (1, 2)]
    assert json.loads((out / f"{2:032x}.json").read_bytes()) == {"answer": 7}
    assert sink.dropped == 1


@pytest.mark.parametrize("path", ["secret", "feeds/link", "feeds/link/below", "feeds/in/../../secret"])
def test_no_folder_outside_of_what_the_device_allows_is_read_or_written(room: Room, path: str) -> None:
    (room.root / "secret/below").mkdir(parents=True)
    put(room.root / "secret", "shadow.json", b'{"image": [1]}')
    (room.root / "feeds/link").symlink_to(room.root / "secret")
    # As a document would say it that got past its own check.
    source = Folder(FolderSource.model_construct(path=str(room.root / path), keep=1), room.allowed, room.clock)
    with pytest.raises(Away, match="is not below"):
        source.take(0)
    sink = AnswersInFolder(FolderSink.model_construct(path=str(room.root / path), keep=1), room.allowed)
    with pytest.raises(Away, match="is not below"):
        sink.send("0" * 32, b"{}")
    assert files(room.root / "secret") == ["shadow.json"]


def test_an_agent_without_feeds_touches_no_folder(room: Room) -> None:
    source = Folder(FolderSource(path="/etc", keep=1), Allowed(None, room.root), room.clock)
    with pytest.raises(Away, match="without --feeds"):
        source.take(0)


def test_links_and_pipes_in_a_folder_are_no_inputs(room: Room) -> None:
    (room.root / "shadow").write_bytes(b'{"image": [1]}')
    (room.folder / "a.json").symlink_to(room.root / "shadow")
    os.mkfifo(room.folder / "b.json")
    room.steps()
    assert room.model.asked == []


def test_a_secret_that_others_may_read_is_not_used(room: Room) -> None:
    (room.root / "home/secrets/token").chmod(0o644)
    put(room.folder, "a.png", PNG)
    assert "its owner alone" in room.steps()
    assert room.collector.got == []


@settings(max_examples=150, deadline=None)
@given(cut_at=st.integers(1, 60), seed=st.integers(0, 2**32), sent=st.integers(0, 3))
def test_no_answer_that_was_kept_is_lost_or_torn_by_a_power_cut(cut_at: int, seed: int, sent: int) -> None:
    disk = LosingDisk(random.Random(seed), cut_at)
    spool = Spool(Path("/spool"), 2**20, Files(disk))
    kept: list[str] = []
    try:
        for index in range(6):
            spool.add(f"{index:032x}", b"answer %d" % index)
            kept.append(f"{index:032x}")
        for _ in range(sent):
            spool.drop_first()
            kept.pop(0)
    except PowerCut:
        pass
    disk.power_back()
    again = Spool(Path("/spool"), 2**20, Files(disk))
    found: list[str] = []
    while (first := again.first()) is not None:
        assert first[1] == b"answer %d" % int(first[0], 16)
        found.append(first[0])
        again.drop_first()
    # One that was sent may come again, one that was being written may be there: none that was kept is missing.
    assert found == sorted(found)
    assert set(kept) <= set(found)
    assert again.dropped == 0
