"""A release put on simulated devices by the real control side: `python -m tests.bench.devices [COUNT ...]`.

Prints what docs/how-to/edge.md says. Devices are asyncio tasks of this process that sign, ask over HTTP on loopback and
verify; the control side, its file included, is the one that `slipway edge serve` and `slipway up` have. Both share the
processors of this machine, so that the time is that of both together.
"""

import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path

from aiohttp import ClientSession, TCPConnector
from aiohttp.test_utils import TestServer

from slipway.edge.conduct import Conductor
from slipway.edge.server import application
from slipway.edge.signing import SIGNING_KEY, as_text
from slipway.edge.store import Store, opened
from tests.support.fleets import an_entry, fleet_settings, new_key
from tests.support.simulated_devices import SimulatedDevice

COUNTS = (1_000, 10_000)
AT_ONCE = 50
ROUNDS_MOST = 20


async def rolled_out(count: int, store: Store) -> dict[str, float]:
    """Seconds of each part for so many devices."""
    settings, key = fleet_settings(count), new_key()
    store.set_meta(SIGNING_KEY, as_text(key.public))
    conductor = Conductor("edge-eu", settings, store, key, time.time)
    server = TestServer(application("edge-eu", store))
    await server.start_server()
    url = str(server.make_url("")).rstrip("/")
    took: dict[str, float] = {}
    gate = asyncio.Semaphore(AT_ONCE)
    names = tuple(device.name for device in settings.devices)
    devices = [SimulatedDevice(name, url) for name in names]
    async with ClientSession(connector=TCPConnector(limit=AT_ONCE)) as session:

        async def enrol(device: SimulatedDevice, token: str) -> None:
            async with gate:
                answer = await device.enrol(session, token)
                answer.raise_for_status()

        async def turn(device: SimulatedDevice) -> None:
            async with gate:
                await device.turn(session)

        with store.changing():
            tokens = [store.invite(name) for name in names]
        begun = time.perf_counter()
        await asyncio.gather(*map(enrol, devices, tokens))
        took["enrolled"] = time.perf_counter() - begun
        begun, looked, turns = time.perf_counter(), 0.0, 0
        conductor.start(an_entry(), names)
        took["signed"] = time.perf_counter() - begun
        for _ in range(ROUNDS_MOST):
            await asyncio.gather(*map(turn, devices))
            turns += count
            at = time.perf_counter()
            phase = conductor.look("digits").phase
            looked = max(looked, time.perf_counter() - at)
            if phase == "done":
                break
        took["rolled out"] = time.perf_counter() - begun
        took["longest look"] = looked
        took["turns"] = turns
    await server.close()
    wanted = an_entry()["release"]
    missing = sum(device.runs.get("digits") != wanted for device in devices)
    if missing:
        raise SystemExit(f"{missing} of {count} devices do not have the release")
    return took


def main() -> None:
    """Print a row for each number of devices."""
    head = [
        "devices",
        "enrol, ms each",
        "first documents, s",
        "ask and report, ms each",
        "longest look, s",
        "memory, MiB",
    ]
    print(f"| {' | '.join(head)} |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for count in [int(word) for word in sys.argv[1:]] or COUNTS:
        with tempfile.TemporaryDirectory() as folder, opened(Path(folder) / "fleet.sqlite") as store:
            took = asyncio.run(rolled_out(count, store))
        cells = [
            f"{count:,}",
            f"{1000 * took['enrolled'] / count:.1f}",
            f"{took['signed']:.2f}",
            f"{1000 * (took['rolled out'] - took['signed']) / took['turns']:.1f}",
            f"{took['longest look']:.2f}",
            f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}",
        ]
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
