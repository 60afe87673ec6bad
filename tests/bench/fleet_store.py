"""What a command on another machine sends and asks of a control side: `python -m tests.bench.fleet_store [COUNT ...]`.

Prints what docs/how-to/edge-cluster.md says. The control side is the real one with its file, in a thread of this
process on loopback; its devices are rows, so that only the way of commands is measured.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import requests

from slipway.edge.conduct import Conductor
from slipway.edge.remote import RemoteStore
from slipway.edge.signing import SIGNING_KEY, as_text
from slipway.edge.store import Store, opened
from tests.support.fleets import an_entry, fleet_settings, new_key
from tests.support.served_fleets import serving

COUNTS = (1_000, 10_000)


class Wire(RemoteStore):
    """Counts the bytes of the bodies of its requests."""

    sent = 0
    received = 0

    def _asked(self, method: str, path: str, body: bytes) -> requests.Response:
        answer = super()._asked(method, path, body)
        Wire.sent += len(body)
        Wire.received += len(answer.content)
        return answer

    @staticmethod
    def of(what: Callable[[], object]) -> tuple[float, int, int]:
        """Seconds, bytes sent and bytes received of a call."""
        Wire.sent = Wire.received = 0
        begun = time.perf_counter()
        what()
        return time.perf_counter() - begun, Wire.sent, Wire.received


def measured(count: int, path: Path, store: Store) -> list[tuple[str, tuple[float, int, int]]]:
    """What each step of a rollout on so many enrolled devices takes."""
    settings, key = fleet_settings(count, rings=[{"name": "fleet", "share": "100%"}]), new_key()
    names = tuple(device.name for device in settings.devices)
    with store.changing():
        store.set_meta(SIGNING_KEY, as_text(key.public))
        for index, name in enumerate(names):
            store.enrol(store.invite(name), name, index.to_bytes(32, "big"), 1.0)

    def say(devices: tuple[str, ...]) -> None:
        release = str(an_entry()["release"])
        with store.changing():
            for name in devices:
                there = store.document(name)
                serial = 0 if there is None else there[0]
                store.reported(name, {"serial": serial}, [("digits", release, "good", "")])

    with serving(path) as url:
        reached: list[Wire] = []
        rows = [("first copy", Wire.of(lambda: reached.append(Wire(url, "edge-eu", key))))]
        distant = reached[0]
        conductor = Conductor("edge-eu", settings, distant, key, distant.clock)
        rows.append(("a document for each", Wire.of(lambda: conductor.start(an_entry(), names))))
        conductor.look("digits")
        rows.append(("a look, nothing changed", Wire.of(lambda: conductor.look("digits"))))
        say(names[: count // 100])
        rows.append(("a look, 1 % answered", Wire.of(lambda: conductor.look("digits"))))
        say(names)
        rows.append(("a look, all answered", Wire.of(lambda: conductor.look("digits"))))
        distant.close()
    return rows


def main() -> None:
    """Print a row for each step and number of devices."""
    print("| devices | step | s | KiB sent | KiB received |")
    print("| ---: | --- | ---: | ---: | ---: |")
    for count in [int(word) for word in sys.argv[1:]] or COUNTS:
        with tempfile.TemporaryDirectory() as folder, opened(Path(folder) / "fleet.sqlite") as store:
            for step, (took, sent, received) in measured(count, Path(folder) / "fleet.sqlite", store):
                print(f"| {count:,} | {step} | {took:.3f} | {sent / 1024:,.1f} | {received / 1024:,.1f} |", flush=True)


if __name__ == "__main__":
    main()
