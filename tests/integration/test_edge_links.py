"""Three devices, real agents on stand-ins for an engine, take good and bad versions over links that are cut."""

import random
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.control_sides import ControlSide, control_side
from tests.support.cut_links import Cuts, calling, cutting
from tests.support.edge_devices import Device, digits_entry, unbounded_device
from tests.support.engine_stand_in import engine_stand_in
from tests.support.fleets import fleet_settings
from tests.support.pushed_artifacts import push
from tests.support.shaped_links import REGISTRY, Link, Shape, shaped_links
from tests.support.small_disks import registry

pytestmark = pytest.mark.integration

PLACE = "127.0.0.1:5991"
"""Of the registry; devices know it as `localhost:5000`, through their links."""
LAYER = 2 * 2**20
LIMIT_S = 120
BAD = "1.1.0"
RINGS = [{"name": "canary", "devices": 1}, {"name": "fleet", "share": "100%"}]


class Room:
    """Three devices and their links."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        folder.joinpath("registry").mkdir()
        stack.enter_context(registry(folder / "registry", folder / "registry/data", PLACE))
        settings = fleet_settings(3, interval="1s", rings=RINGS)
        self.side: ControlSide = stack.enter_context(control_side(folder, settings))
        links = stack.enter_context(shaped_links(folder / "links", PLACE, self.side.address))
        self.devices: list[Device] = []
        self.links: list[Link] = []
        for number, name in enumerate((one.name for one in settings.devices), start=1):
            link = links.link(name, f"127.0.4.{number}", Shape(latency_ms=10, down=4000, up=500))
            host = stack.enter_context(engine_stand_in(link.registry, f"24.{number}", {BAD}))
            device = stack.enter_context(unbounded_device(folder / name, name, f"127.0.5.{number}", host))
            device.enrol(link.url, self.side.invite(name))
            device.start()
            self.links.append(link)
            self.devices.append(device)

    def rolled(self, version: str) -> str:
        """Roll a version out, two layers of it its own; gives how that ended."""
        chance = random.Random(version)
        files = {"shared": b"shared by all" * 1000, "one": chance.randbytes(LAYER), "two": chance.randbytes(LAYER)}
        digest = push(PLACE, "digits", version, files)
        self.side.start(digits_entry(f"{REGISTRY}/digits@{digest}", version))
        rollout = self.side.ended("digits", LIMIT_S)
        logs = "\n".join(one.log.read_text()[-1500:] for one in self.devices)
        assert rollout is not None, f"{version}: not rolled out within {LIMIT_S} s\n{logs}"
        return rollout.phase

    def says(self, event: str, version: str) -> list[str]:
        """Devices that logged this of a version."""
        return [one.name for one in self.devices if any(e["version"] == version for e in one.events(event))]


def test_devices_whose_links_are_cut_are_never_without_a_good_version(tmp_path: Path) -> None:
    with ExitStack() as stack:
        room = Room(tmp_path, stack)
        cuts = Cuts(room.links, room.devices, seed=1)
        cuts.most = 8
        names = [one.name for one in room.devices]
        with calling(room.devices) as callers, cutting(cuts):
            assert room.rolled("1.0.0") == "done"
            assert room.says("good", "1.0.0") == names
            assert room.rolled(BAD) == "stopped"
            assert room.rolled("1.2.0") == "done"
        assert room.says("good", "1.2.0") == names
        assert room.says("checking", BAD) == names[:1], "only the canary tries it"
        # The canary had returned by itself before it was told to.
        assert [e["reason"][:6] for e in room.devices[0].events("returned")] == ["golden"]
        assert cuts.done > 0
        assert [caller.without for caller in callers] == [[], [], []]
        assert min(caller.right for caller in callers) > 0
