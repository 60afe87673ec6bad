"""Thirty devices whose links are cut at a hundred random moments while versions roll; one version of them is bad."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from slipway.edge.store import opened
from tests.bench import tables
from tests.edge.fleet import Fleet
from tests.support.cut_links import Caller, Cuts, calling, cutting, least_bytes
from tests.support.edge_devices import Device, device, unbounded_device
from tests.support.engine_stand_in import engine_stand_in
from tests.support.shaped_links import Link, Shape, shaped_links

REGISTRY = "127.0.0.1:5000"
CANARIES = 3
"""One on a Docker Engine, two on stand-ins."""
_SHAPE = Shape(latency_ms=40, down=4000, up=500)
_BESIDE = 16 * 2**20
"""Bytes of each new version that no other has, so that there is something to cut."""
_ROLLS = 2
_ROLLS_MOST = 6
"""Versions after the bad one: as many as it takes until every cut was made."""


class Room:
    """The devices of a run, with their links; the first of each kind are canaries."""

    def __init__(self, fleet: Fleet, devices: list[Device], links: dict[str, Link], real: set[str]) -> None:
        """Take what there is; `real`: names of those on Docker Engines."""
        self.fleet, self.devices, self.links, self.real = fleet, devices, links, real

    def without(self, version: str) -> list[str]:
        """Devices that never said that this version is good."""
        return [one.name for one in self.devices if not any(e["version"] == version for e in one.events("good"))]


@contextmanager
def room(folder: Path, count: int, real: int, bad: set[str]) -> Iterator[Room]:
    """So many devices, enrolled and running, `real` of them on Docker Engines."""
    names = [f"box-{number:02}" for number in range(count)]
    engines = {names[0], *names[CANARIES : CANARIES + real - 1]}
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet(folder / "project", names, CANARIES))
        links = stack.enter_context(shaped_links(folder / "links", REGISTRY, fleet.control))
        ways, devices = {}, []
        for number, name in enumerate(names, start=1):
            link = ways[name] = links.link(name, f"127.0.1.{number}", _SHAPE)
            listen = f"127.0.2.{number}"
            if name in engines:
                one: Device = stack.enter_context(device(folder / name, name, listen, link))
            else:
                host = stack.enter_context(engine_stand_in(link.registry, f"21.{number}", bad))
                one = stack.enter_context(unbounded_device(folder / name, name, listen, host))
            devices.append(one)
        # The first by the command, which keeps the fleet's key there; thirty times that would take minutes.
        tokens = [fleet.ran("devices", "add", fleet.name, names[0]).stdout.strip()]
        with opened(fleet.store) as store, store.changing():
            tokens += [store.invite(name) for name in names[1:]]
        for one, token in zip(devices, tokens, strict=True):
            one.enrol(ways[one.name].url, token)
            one.start()
        yield Room(fleet, devices, ways, engines)


def rolled(count: int, real: int, cuts: int, seed: int, say: Callable[[str], None]) -> tuple[str, int]:
    """Roll versions out, good ones and a bad one, under cuts; returns what to write down, and the number of faults."""
    bad = {"1.1.0"}
    with tempfile.TemporaryDirectory(prefix="slipway-soak-") as name, room(Path(name), count, real, bad) as there:
        fleet, faults = there.fleet, list[str]()
        cutter = Cuts(list(there.links.values()), there.devices, seed)
        with calling(there.devices) as callers, cutting(cutter):
            cutter.most = cuts // 2
            fleet.ran("up", fleet.name, "--yes")
            say(f"1.0.0 on {count} devices, after {cutter.done} cuts")
            fleet.break_model("1.1.0")
            fleet.ran("up", fleet.name, "--yes", code=2)
            say(f"1.1.0 stopped, after {cutter.done} cuts")
            rolls, last = 0, "1.0.0"
            while rolls < _ROLLS or (cutter.done < cuts and rolls < _ROLLS_MOST):
                rolls += 1
                cutter.most = cuts if rolls >= _ROLLS else 3 * cuts // 4
                last = f"1.{1 + rolls}.0"
                fleet.renew_model(last, _BESIDE)
                fleet.ran("up", fleet.name, "--yes")
                say(f"{last} on all, after {cutter.done} cuts")
        tried = {one.name for one in there.devices if one.events("returned")}
        faults += [f"{name} did not end on {last}" for name in there.without(last)]
        faults += [f"1.1.0 was tried by {', '.join(sorted(tried))}"] * (tried != _canaries(there))
        faults += [f"{cutter.done} cuts were made, not {cuts}"] * (cutter.done != cuts)
        faults += [when for caller in callers for when in caller.without]
        text = _written(there, callers, cutter, seed)
    said = [f"- {fault}" for fault in faults[:20]]
    return "\n\n".join([text, f"{len(faults)} faults.", *(["\n".join(said)] if said else [])]), len(faults)


def _canaries(there: Room) -> set[str]:
    return {one.name for one in there.devices[:CANARIES]}


def _written(there: Room, callers: list[Caller], cutter: Cuts, seed: int) -> str:
    """Per kind of device: what came over the links against what had to."""
    for link in there.links.values():
        link.cut()  # what a connection brought counts once it has ended
    with opened(there.fleet.store) as store:
        entries = list(store.releases().values())
    tried = {True: [e["image"] for e in entries], False: [e["image"] for e in entries if e["version"] != "1.1.0"]}
    least = {canary: least_bytes(images) for canary, images in tried.items()}
    rows = []
    for kind, real in (("Docker Engine", True), ("stand-in", False)):
        of = [caller for caller in callers if (caller.device.name in there.real) == real]
        if not of:
            continue
        needed = sum(least[one.device.name in _canaries(there)] for one in of)
        came = sum(there.links[one.device.name].received() for one in of)
        rows.append(
            [
                kind,
                str(len(of)),
                str(sum(one.right for one in of)),
                str(sum(len(one.without) for one in of)),
                f"{came / 1e6:.0f} MB",
                f"{needed / 1e6:.0f} MB",
                f"{came / needed:.2f}",
            ]
        )
    head = ["engine", "devices", "right answers", "without one", "over the links", "at least", "ratio"]
    summary = f"Seed {seed}: {cutter.done} cuts of up to five links each; {len(callers)} devices; links: {_SHAPE}."
    return f"{summary}\n\n{tables.table(head, rows)}"
