"""A device whose power goes again and again while it takes versions: engine, agent and containers are killed with -9.

Its folder is on a disk that loses what was not synced (tests/support/losing_disk.py). The engine's own files are on
this machine's disk: they lose what the engine held in memory, and no write that it made.
"""

import os
import random
import select
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker

from slipway.local.docker import base_image
from slipway.local.host import paths
from slipway.local.host.cache import locked
from tests.bench import tables
from tests.edge.fleet import broken
from tests.support import debian
from tests.support.control_sides import ControlSide, control_side
from tests.support.device_cgroups import DeviceGroup, device_group
from tests.support.edge_devices import DIGITS, ENGINE_ARGUMENTS, MEMORY, Device, digits_entry, digits_image
from tests.support.fleets import fleet_settings
from tests.support.shaped_links import REGISTRY, Link, Shape, shaped_links
from tests.support.small_disks import docker_engine

_LIMIT_S = 120
_OPERATIONS = 24
"""The power goes within so many operations of the disk after a version is desired: about what taking it needs."""


@dataclass
class Powered:
    """What happened in all rounds."""

    cuts: int = 0
    answered_s: list[float] = field(default_factory=list)
    unsynced: int = 0
    """Cuts at which something was not synced."""
    damaged: int = 0
    faults: list[str] = field(default_factory=list)


class LosingDisk:
    """The device's folder, mounted."""

    def __init__(self, folder: Path, seed: int) -> None:
        """Show what the last one left."""
        self.mount, kept = folder / "home", folder / "kept"
        for each in (self.mount, kept):
            each.mkdir(exist_ok=True)
        argv = [sys.executable, "-m", "tests.support.losing_disk", str(self.mount), str(kept), "--seed", str(seed)]
        environ = os.environ | {"FUSE_LIBRARY_PATH": str(_libfuse())}
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ)
        self._wait(b"there", _LIMIT_S)

    def cut_after(self, operations: int) -> None:
        """Have the power go."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{operations}\n".encode())
        self._process.stdin.flush()

    def is_cut(self, within_s: float) -> bool:
        """Whether the power went within so many seconds."""
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], within_s)
        return bool(ready)

    def lost(self) -> int:
        """How many changes were not synced when the power went, which it did."""
        assert self._process.stdout is not None
        return int(self._process.stdout.readline().split()[1])

    def end(self) -> None:
        """Unmount it."""
        subprocess.run(["umount", "--lazy", self.mount], check=True, timeout=_LIMIT_S)
        self._process.wait(_LIMIT_S)

    def _wait(self, word: bytes, limit_s: float) -> None:
        assert self.is_cut(limit_s), f"the disk: not {word.decode()} within {limit_s:g} s"
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == word


class Site:
    """One device, its link, and the versions that it is to take."""

    def __init__(self, folder: Path, group: DeviceGroup, link: Link, side: ControlSide, images: list[str]) -> None:
        """Take all; `images`: the good one, the bad one."""
        self.folder, self.group, self.link, self.side = folder, group, link, side
        self._images = images

    @contextmanager
    def powered(self, seed: int) -> Iterator[tuple[Device, LosingDisk]]:
        """Power on; at the end of the block it goes, at whatever moment that is."""
        disk = LosingDisk(self.folder, seed)
        more = (f"--cgroup-parent={self.group.parent}", *ENGINE_ARGUMENTS)
        try:
            with docker_engine(self.folder, self.folder / "data", *more, within=self._within) as host:
                log = self.folder / "agent.log"
                yield Device("box-00000", disk.mount, host, log, "127.0.3.1", self.group.within), disk
                self.group.kill()
        finally:
            self.group.kill()
            disk.end()

    def entry(self, number: int, *, bad: bool) -> dict[str, Any]:
        """A version, as documents say it."""
        return digits_entry(self._images[bad], f"1.{number}.0", memory=256 * 2**20)

    def _within(self, *argv: str) -> list[str]:
        # The mounts of a link's own namespace, those of containers among them, go with its last process.
        return self.group.within(*self.link.within(*argv))


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """A device that is enrolled and has its first version."""
    settings = fleet_settings(1, interval="1s")
    images = _images(folder)
    with (
        control_side(folder, settings) as side,
        shaped_links(folder / "links", "127.0.0.1:5000", side.address) as links,
        device_group(f"slipway-power-{uuid.uuid4().hex[:6]}", MEMORY) as group,
    ):
        (folder / "box").mkdir()
        yield Site(folder / "box", group, links.link("box-00000", "127.0.3.1", Shape(10, 40_000, 4_000)), side, images)


def cut(rounds: int, seed: int, say: Callable[[str], None]) -> tuple[str, int]:
    """Cut the power so often; returns what to write down, and the number of faults."""
    chance, seen = random.Random(seed), Powered()
    with (
        tempfile.TemporaryDirectory(prefix="slipway-power-", ignore_cleanup_errors=True) as name,
        site(Path(name)) as one,
    ):
        for number in range(rounds + 1):
            with one.powered(seed + number) as (device, disk):
                _live(one, device, number, seen)
                one.side.start(one.entry(number + 1, bad=number % 4 == 2))
                if number < rounds:
                    disk.cut_after(chance.randint(1, _OPERATIONS))
                    _cut_in_the_midst(one, disk)
                    seen.cuts += 1
                    seen.unsynced += disk.lost() > 0
                    say(f"cut {seen.cuts}: {seen.faults[-1:] or 'well'}")
                else:
                    _ended(one, seen, "in the end")
        device.log.touch()
        seen.damaged = len(device.events("damaged"))
    took = seen.answered_s
    mean = sum(took) / len(took)
    rows = [[*map(str, (seen.cuts, seen.unsynced, seen.damaged)), f"{mean:.1f} s", f"{max(took):.1f} s"]]
    head = ["cuts", "something not synced", "damaged record found", "right answer after a start, mean", "longest"]
    faults = "".join(f"\n- {fault}" for fault in seen.faults[:20])
    return f"Seed {seed}: {len(seen.faults)} faults.{faults}\n\n{tables.table(head, rows)}", len(seen.faults)


def _live(one: Site, device: Device, number: int, seen: Powered) -> None:
    """A start: the first enrols; each other has to answer rightly without a link, and then to end what was begun."""
    device.log.touch()
    if number == 0:
        device.enrol(one.link.url, one.side.invite(device.name))
        device.start()
        one.side.start(one.entry(0, bad=False))
    else:
        one.link.cut()
        began = time.monotonic()
        device.start()
        while device.label() != 7:
            if time.monotonic() - began > _LIMIT_S:
                seen.faults.append(f"cut {number}: no right answer within {_LIMIT_S} s, without a link")
                break
            time.sleep(0.1)
        else:
            seen.answered_s.append(time.monotonic() - began)
        one.link.mend()
    _ended(one, seen, f"after cut {number}")
    if device.label() != 7:
        seen.faults.append(f"after cut {number}: no right answer once the rollout had ended")


def _cut_in_the_midst(one: Site, disk: LosingDisk) -> None:
    """Wait until the power went; when the rollout has ended before, it goes at once."""
    until = time.monotonic() + _LIMIT_S
    while not disk.is_cut(0.5):
        if one.side.conductor.look("digits").phase != "rolling" or time.monotonic() > until:
            disk.cut_after(0)
            assert disk.is_cut(_LIMIT_S), f"the disk: power not gone within {_LIMIT_S} s"
            return


def _ended(one: Site, seen: Powered, when: str) -> None:
    if one.side.ended("digits", _LIMIT_S) is None:
        seen.faults.append(f"{when}: the rollout did not end within {_LIMIT_S} s")


def _images(folder: Path) -> list[str]:
    """A good and a bad image of digits in the registry."""
    (folder / "build").mkdir()
    bad = folder / "bad.onnx"
    bad.write_bytes(broken(DIGITS / "model.onnx"))
    with docker_engine(folder / "build", folder / "build/data") as host:
        client = docker.DockerClient(base_url=host, timeout=300)
        base = base_image.build(lambda _: None)
        return [
            digits_image(client, base, f"{REGISTRY}/edge-soak/{name}", model)
            for name, model in (("digits", DIGITS / "model.onnx"), ("bad", bad))
        ]


def _libfuse() -> Path:
    """The library of Debian's package, unpacked once."""
    tree = paths.CACHE_TOOLS / "libfuse3-bookworm"
    with locked(tree.name):
        if not tree.is_dir():
            debian.unpack(tree, "bookworm", "libfuse3-3", ["*libfuse3.so*"], leaving=(), alone=True)
    return next(tree.rglob("libfuse3.so.3"))
