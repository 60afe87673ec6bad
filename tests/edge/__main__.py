"""Bring three devices up, roll digits out, roll a bad version out and see it come back, take all down.

Each device is the real agent on a Docker Engine with a data root of its own, all of it in a control group of 1 GiB and
behind a slow link; its local ports are on a loopback address of its own, since all three are this machine. The control
side is `slipway edge serve`, rolled out by `slipway up`.
"""

import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.edge.fleet import Fleet
from tests.support.edge_devices import MEMORY, BoundedDevice, device
from tests.support.shaped_links import Link, Shape, shaped_links

_DEVICES = {"box-1": "127.0.0.11", "box-2": "127.0.0.12", "box-3": "127.0.0.13"}
_REGISTRY = "127.0.0.1:5000"


def main() -> int:
    """Return 0 when the good version answers on every device and the bad one on none."""
    with tempfile.TemporaryDirectory(prefix="slipway-edge-") as folder, ExitStack() as stack:
        fleet = stack.enter_context(Fleet(Path(folder) / "project", list(_DEVICES)))
        links = stack.enter_context(shaped_links(Path(folder) / "links", _REGISTRY, fleet.control))
        ways = {name: links.link(name, at, Shape()) for name, at in _DEVICES.items()}
        devices = [
            stack.enter_context(device(Path(folder) / name, name, at, ways[name])) for name, at in _DEVICES.items()
        ]
        _say(f"each device: {MEMORY >> 20} MiB for engine, agent and containers; link: {Shape()}")
        for one in devices:
            said = one.enrol(ways[one.name].url, fleet.ran("devices", "add", fleet.name, one.name).stdout.strip())
            one.start()
            _say(said.strip())
        began = time.monotonic()
        fleet.ran("up", fleet.name, "--yes")
        _say(f"1.0.0 is good on {len(devices)} devices after {time.monotonic() - began:.0f} s, image and push included")
        answers = {one.name: one.label() for one in devices}
        fleet.break_model()
        began = time.monotonic()
        told = fleet.ran("up", fleet.name, "--yes", code=2)
        _say(told.stderr.strip().splitlines()[-1])
        _say(f"1.1.0 stopped after {time.monotonic() - began:.0f} s, image and push included")
        after = {one.name: one.label() for one in devices}
        tried = [one.name for one in devices if one.events("returned")]
        _say(f"tried by {', '.join(tried)}; answers before {answers}, after {after}")
        for one in devices:
            _say(_used(one, ways[one.name]))
        fleet.ran("down", fleet.name, "--yes")
        listening = [one.name for one in devices if fleet.listens(one)]
        _say(f"taken down; still listening: {', '.join(listening) or 'none'}")
        right = set(answers.values()) == set(after.values()) == {7} and tried == ["box-1"] and not listening
        right = right and not any(one.group.killed_for_memory() for one in devices)
    _say("as it should be" if right else "NOT as it should be")
    return 0 if right else 1


def _used(one: BoundedDevice, way: Link) -> str:
    group = one.group
    return (
        f"{one.name}: {group.anonymous_peak >> 20} MiB at most held by its processes, "
        f"{group.peak() >> 20} MiB with copies of files; {group.killed_for_memory()} killed for memory; "
        f"{way.received() / 1e6:.1f} MB pulled"
    )


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
