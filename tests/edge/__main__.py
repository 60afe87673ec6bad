"""Bring devices up, roll digits out, roll a bad version out and see it come back, take all down.

Three have the real agent on a Docker Engine with a data root of its own, all of it in a control group of 1 GiB and
behind a slow link; its local ports are on a loopback address of its own, since all three are this machine. The control
side is `slipway edge serve`, rolled out by `slipway up`. The fourth is a namespace of the local cluster, with the same
agent, whose link is not shaped: the cluster's own nodes pull.
"""

import sys
import tempfile
import time
import uuid
from contextlib import ExitStack
from pathlib import Path

from tests.edge.fleet import Fleet
from tests.support.edge_clusters import HARDWARE, cluster_device
from tests.support.edge_devices import MEMORY, BoundedDevice, device
from tests.support.shaped_links import Link, Shape, shaped_links

_DEVICES = {"box-1": "127.0.0.11", "box-2": "127.0.0.12", "box-3": "127.0.0.13"}
_CLUSTER = "k3s-1"
_REGISTRY = "127.0.0.1:5000"


def main() -> int:
    """Return 0 when the good version answers on every device and the bad one on none."""
    with tempfile.TemporaryDirectory(prefix="slipway-edge-") as folder, ExitStack() as stack:
        project, names = Path(folder) / "project", [*_DEVICES, _CLUSTER]
        fleet = stack.enter_context(Fleet(project, names, hardware={_CLUSTER: HARDWARE}))
        namespace = f"edge-{uuid.uuid4().hex[:6]}"
        cluster = stack.enter_context(cluster_device(Path(folder) / _CLUSTER, _CLUSTER, namespace))
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
        _say(cluster.enrol(fleet.url, fleet.ran("devices", "add", fleet.name, cluster.name).stdout.strip()).strip())
        cluster.start()
        everywhere = [*devices, cluster]
        began = time.monotonic()
        fleet.ran("up", fleet.name, "--yes")
        took_s = time.monotonic() - began
        _say(f"1.0.0 is good on {len(everywhere)} devices after {took_s:.0f} s, image and push included")
        answers = {one.name: one.label() for one in everywhere}
        fleet.break_model()
        began = time.monotonic()
        told = fleet.ran("up", fleet.name, "--yes", code=2)
        _say(told.stderr.strip().splitlines()[-1])
        _say(f"1.1.0 stopped after {time.monotonic() - began:.0f} s, image and push included")
        after = {one.name: one.label() for one in everywhere}
        tried = [one.name for one in everywhere if one.events("returned")]
        _say(f"tried by {', '.join(tried)}; answers before {answers}, after {after}")
        for one in devices:
            _say(_used(one, ways[one.name]))
        fleet.ran("down", fleet.name, "--yes")
        listening = [one.name for one in devices if fleet.listens(one)]
        listening += [cluster.name] if cluster.label() is not None else []
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
