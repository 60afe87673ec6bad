"""Stand-ins for what a device stands on: a disk that loses power, an engine, ports, a clock, the control side's key."""

import base64
import hashlib
import json
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from slipway_edge.asking.golden import Answer
from slipway_edge.disk.files import Files
from slipway_edge.disk.record import Book
from slipway_edge.disk.slots import Slots
from slipway_edge.engine.port import Running, name_of
from slipway_edge.fetching import pieces
from slipway_edge.fetching.bringing import Bringing
from slipway_edge.fetching.store import WeightsStore
from slipway_edge.identity.envelope import Pinned
from slipway_edge.reporting.aggregates import Counting
from slipway_edge.rolling.roller import Roller
from slipway_edge.rolling.trial import Limits
from slipway_edge.values.document import Check, Entry, WeightsFile, canonical
from slipway_edge.values.errors import Away, Bad

FOLDER = Path("/device")
WEIGHTS = FOLDER / "weights"
RELEASES = {"1.0.0": "1" * 16, "1.1.0": "2" * 16, "1.2.0": "3" * 16, "1.3.0": "4" * 16}


class PowerCut(BaseException):
    """The device is off; nothing may catch it."""


class LosingDisk:
    """A disk without power from the operation number `cut_at` on: what was not synced is lost in part or as a whole.

    As journalling file systems do, it keeps the order of changes of names, and loses the last ones.
    """

    def __init__(self, chance: random.Random, cut_at: int | None = None) -> None:
        self._chance = chance
        self.cut_at = cut_at
        self.operations = 0
        self._names: dict[Path, int] = {}
        """What a running system sees: a file's number by its name."""
        self._data: dict[int, bytes] = {}
        self._synced: set[int] = set()
        self._flushed: dict[int, bytes] = {}
        """What was synced last, of files that grow."""
        self._durable: dict[Path, int] = {}
        self._pending: list[Callable[[dict[Path, int]], None]] = []

    def power_back(self) -> None:
        """Show what is left after a power cut."""
        for change in self._pending[: self._chance.randint(0, len(self._pending))]:
            change(self._durable)
        for number, data in self._data.items():
            if number not in self._synced:
                self._data[number] = self._torn(data, self._flushed.get(number, b""))
                self._synced.add(number)
        self._names, self._pending, self.cut_at = dict(self._durable), [], None

    def create(self, path: Path, data: bytes, mode: int) -> None:
        assert path not in self._names, f"{path} exists"
        number = len(self._data)
        self._data[number] = b""
        self._named(lambda names: names.__setitem__(path, number))
        self._data[number] = data
        self._tick()

    def sync(self, path: Path) -> None:
        self._tick()
        self._synced.add(self._names[path])
        self._flushed[self._names[path]] = self._data[self._names[path]]

    def _torn(self, data: bytes, flushed: bytes) -> bytes:
        """What a change leaves: what both have, then some of the new bytes, then zeros; or the file as it was."""
        if self._chance.random() < 0.3:
            return flushed if flushed or self._chance.random() < 0.5 else bytes(len(data))
        least = min(len(data), len(flushed))
        same = next((at for at in range(least) if data[at] != flushed[at]), least)
        kept = self._chance.randint(same, len(data))
        return data[:kept] + bytes(self._chance.randint(0, len(data) - kept))

    def rename(self, path: Path, to: Path) -> None:
        self._named(lambda names: names.__setitem__(to, names.pop(path)))

    def unlink(self, path: Path) -> None:
        self._named(lambda names: names.pop(path, None))

    def sync_folder(self, path: Path) -> None:
        self._tick()
        for change in self._pending:
            change(self._durable)
        self._pending = []

    def read(self, path: Path) -> bytes | None:
        number = self._names.get(path)
        return None if number is None else self._data[number]

    def names(self, folder: Path) -> list[str]:
        return sorted(path.name for path in self._names if path.parent == folder)

    def size(self, path: Path) -> int | None:
        number = self._names.get(path)
        return None if number is None else len(self._data[number])

    def append(self, path: Path, data: bytes) -> None:
        self._changed(path, self._data[self._names[path]] + data)

    def read_at(self, path: Path, offset: int, length: int) -> bytes:
        return self._data[self._names[path]][offset : offset + length]

    def truncate(self, path: Path, size: int) -> None:
        data = self._data[self._names[path]]
        self._changed(path, data[:size] + bytes(max(0, size - len(data))))

    def _changed(self, path: Path, data: bytes) -> None:
        """Some of a change may be on the disk already when power goes: that is before `_tick`, which cuts."""
        number = self._names[path]
        self._data[number] = data
        if number in self._synced:
            self._synced.remove(number)
        self._tick()

    def damage(self, path: Path, keep: int) -> None:
        """Leave the first bytes of a file alone."""
        self._data[self._names[path]] = self._data[self._names[path]][:keep]

    def _named(self, change: Callable[[dict[Path, int]], Any]) -> None:
        self._tick()
        change(self._names)
        self._pending.append(change)

    def _tick(self) -> None:
        self.operations += 1
        if self.cut_at is not None and self.operations >= self.cut_at:
            raise PowerCut


class FakeClock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += max(0.0, seconds)


class FakeEngine:
    """Refuses what Docker refuses: to start an image that is not there, to delete one in use, and all while it is down.

    `behaves`: by version, what a container does: `right`, `wrong`, `crash`, `silent`, `slow`; `refused`: by the engine.
    """

    def __init__(self) -> None:
        self.link = True
        self.up = True
        self.behaves: dict[str, str] = {}
        self.images: dict[str, str] = {}
        self.there: dict[str, tuple[Running, Entry]] = {}
        self.started: list[str] = []
        self.shared: dict[str, str | None] = {}
        self._next = 1

    def pull(self, entry: Entry, between: Callable[[], None]) -> None:
        self._must_be_up()
        if entry.image in self.images:
            return
        if not self.link:
            raise Away("pull: no route to host")
        between()
        self.images[entry.image] = entry.version

    def has_image(self, entry: Entry) -> bool:
        self._must_be_up()
        return entry.image in self.images

    def start(self, entry: Entry) -> Running:
        self._must_be_up()
        if entry.image not in self.images:
            raise Away(f"image {entry.image} is not there")
        self.there.pop(name_of(entry), None)
        if self._does(entry) == "refused":
            raise Bad("the engine refused to start it: exec format error")
        self._next += 1
        running = Running(name_of(entry), entry.model, entry.digest, (f"10.0.0.{self._next}", 8080))
        self.there[running.name] = (running, entry)
        self.started.append(entry.version)
        return running

    def stop(self, running: Running) -> None:
        self._must_be_up()
        self.there.pop(running.name, None)

    def share_out(self, entries: list[Entry]) -> None:
        self._must_be_up()
        self.shared = {entry.model: entry.cpuset for entry in entries}

    def containers(self) -> list[Running]:
        self._must_be_up()
        for name, (running, entry) in self.there.items():
            if self._does(entry) == "crash" and running.address is not None:
                self.there[name] = (Running(name, running.model, running.digest, None, "exited, exit code 1"), entry)
        return [running for running, _ in self.there.values()]

    def tidy(self, wanted: list[Entry]) -> None:
        self._must_be_up()
        keep = {entry.image for entry in wanted} | {entry.image for _, entry in self.there.values()}
        self.images = {image: version for image, version in self.images.items() if image in keep}

    def kill(self) -> None:
        """As `kill -9`, and started again: containers have ended, images are there."""
        for name, (running, entry) in self.there.items():
            self.there[name] = (Running(name, running.model, running.digest, None, "exited, exit code 137"), entry)

    def ask(self, address: tuple[str, int], check: Check) -> Answer:
        entry = next((entry for running, entry in self.there.values() if running.address == address), None)
        if entry is None or not self.up:
            return Answer(0.0, "no answer: NewConnectionError", settled=False)
        return {
            "right": Answer(0.01, "", settled=True),
            "wrong": Answer(0.01, "wrong answer: output `label` is 3, expected 7", settled=True),
            "slow": Answer(0.5, "", settled=True),
        }.get(self._does(entry), Answer(check.timeout_s, "no answer: ReadTimeoutError", settled=False))

    def _does(self, entry: Entry) -> str:
        return self.behaves.get(entry.version, "right")

    def _must_be_up(self) -> None:
        if not self.up:
            raise Away("Docker Engine: connection refused")


class FakeSource:
    """The control side's weights, over a link that is cut after so many bytes; what was sent is counted.

    It refuses what the real one does: a digest that it does not have, bytes that a file has not.
    """

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.sent = 0
        self.asked = 0
        self.cuts: list[int] = []
        """After how many bytes each connection is cut, the next one first."""
        self.block = 16

    def put(self, data: bytes, name: str = "model.onnx") -> WeightsFile:
        """Have a file, and the list of its pieces; gives what a document says of it."""
        sha256 = self._put(data)
        many = [data[at : at + pieces.PIECE] for at in range(0, len(data), pieces.PIECE)]
        listed = None if len(many) == 1 else self._put(pieces.as_listed(iter(many)))
        return WeightsFile(name=name, sha256=sha256, bytes=len(data), pieces=listed)

    def read(self, sha256: str, first: int, last: int, _: int | None) -> Iterator[bytes]:
        self.asked += 1
        if sha256 not in self.blobs:
            raise Away("the control side: weights: status 404, no such weights")
        if first >= len(self.blobs[sha256]):
            raise Away("the control side has fewer bytes than the document says")
        left = self.cuts.pop(0) if self.cuts else None
        for at in range(first, last, self.block):
            block = self.blobs[sha256][at : min(last, at + self.block)]
            if left is not None and len(block) > left:
                self.sent += left
                yield block[:left]
                raise Away("the control side broke off: ProtocolError")
            left = None if left is None else left - len(block)
            self.sent += len(block)
            yield block

    def _put(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        self.blobs[sha256] = data
        return sha256


class FakePorts:
    def __init__(self) -> None:
        self.open: dict[int, tuple[str, int]] = {}

    def lead(self, port: int, address: tuple[str, int]) -> None:
        self.open[port] = address

    def leads(self, port: int) -> tuple[str, int] | None:
        return self.open.get(port)

    def close(self, port: int) -> None:
        self.open.pop(port, None)


class FakeFeeds:
    """Counts as a feed does; `entries`: those that it was told last."""

    def __init__(self) -> None:
        self.entries: Sequence[Entry] = ()

    def apply(self, entries: Sequence[Entry]) -> None:
        self.entries = entries

    def said(self) -> dict[str, dict[str, object]]:
        return {entry.model: {"inputs": 3} for entry in self.entries if entry.source is not None}


class Device:
    """A device whose parts outlive a power cut as they would: disk and engine do, all else is made anew."""

    def __init__(self, disk: LosingDisk) -> None:
        self.disk, self.engine, self.clock = disk, FakeEngine(), FakeClock()
        self.source = FakeSource()
        self.time: datetime | None = None
        self.free = self.disk_free = 2**30
        self.memory = 2**30
        self.feeds = FakeFeeds()
        self.boot()

    def boot(self) -> None:
        self.ports = FakePorts()
        self.book = Book(FOLDER, Files(self.disk))
        self.store = WeightsStore(self.disk, WEIGHTS, self.source, self.clock, lambda: self.disk_free)
        self.bringing = Bringing(self.engine, self.store, lambda: self.time)
        self.counting = Counting(Slots(FOLDER, "aggregates", Files(self.disk)), self.clock)
        self.roller = Roller(
            self.engine,
            self.engine.ask,
            self.book,
            self.ports,  # type: ignore[arg-type]
            self.clock,
            lambda: self.free,
            self.bringing,
            Limits(start_s=20, every_s=1, memory_bytes=self.memory),
        )

    def serves(self, port: int = 8080) -> str | None:
        """The version that a caller of the local port gets; None: nobody answers rightly."""
        address = self.ports.leads(port)
        for running, entry in self.engine.there.values():
            if address is not None and running.address == address:
                right = self.engine.ask(address, entry.check).right
                return entry.version if right else None
        return None

    def apply(self, *entries: Entry) -> tuple[str, str]:
        """Bring it to these entries; gives the state of the first and the reason."""
        self.roller.apply(list(entries), self.roller.watch)
        status = self.roller.statuses[entries[0].model]
        return status.state, status.reason


def entry(version: str = "1.0.0", **changed: Any) -> Entry:
    """A version of digits."""
    release = RELEASES[version]
    return Entry.model_validate({**raw_entry(version, release), **changed})


def raw_entry(version: str, release: str) -> dict[str, Any]:
    return {
        "model": "digits",
        "version": version,
        "release": release,
        "image": f"127.0.0.1:5000/digits@sha256:{hashlib.sha256(release.encode()).hexdigest()}",
        "weights": None,
        "port": 8080,
        "check": {"path": "/predict", "request": {"image": [0.5]}, "expect": {"label": 7}, "tolerance": 1e-4},
        "memory": 256 * 2**20,
        "cpus": 0.5,
        "priority": 0,
        "config": None,
        "health": {"p95_ms": 100.0, "errors": 0.01, "settle_s": 10},
        "env": {},
    }


class Signer:
    """The control side's key."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.public = base64.b64encode(self.raw).decode()

    @property
    def pinned(self) -> Pinned:
        return Pinned("edge-eu", "pi-001", (self.public,))

    def envelope(self, payload: bytes) -> bytes:
        return json.dumps(
            {
                "payload": base64.b64encode(payload).decode(),
                "key": hashlib.sha256(self.raw).hexdigest()[:16],
                "signature": base64.b64encode(self._key.sign(payload)).decode(),
            }
        ).encode()

    def document(self, serial: int, *entries: Entry, **changed: Any) -> bytes:
        return self.envelope(document(serial, *entries, **changed))


def document(serial: int, *entries: Entry, **changed: Any) -> bytes:
    return canonical(
        {
            "schema": 1,
            "fleet": "edge-eu",
            "device": "pi-001",
            "serial": serial,
            "issued": "1999-01-01T00:00:00Z",
            "models": [one.model_dump(mode="json") for one in entries],
            "telemetry": ["latency", "errors"],
            "interval_s": 30,
            **changed,
        }
    )
