"""A real control side in a thread, with one device that is enrolled by the real agent's parts."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from slipway_edge.disk.files import real_files
from slipway_edge.disk.record import Book
from slipway_edge.identity.device_key import DeviceKey, loaded
from slipway_edge.startup.enrolment import enrol

from slipway.edge.conduct import Conductor
from slipway.edge.server import application
from slipway.edge.shelf import Shelf, shelf_path
from slipway.edge.signing import SIGNING_KEY, as_text
from slipway.edge.store import opened
from tests.support.fleets import an_entry, fleet_settings, new_key

_LIMIT_S = 60
DEVICE = "box-00000"


@dataclass(frozen=True, slots=True)
class Served:
    """Where it listens on loopback, and what is needed to be the device: its key, and the numbers of its requests."""

    port: int
    key: DeviceKey
    nonce: Callable[[], int]


@contextmanager
def served(folder: Path, put: Callable[[Shelf], dict[str, Any]]) -> Iterator[Served]:
    """Serve a fleet whose only device is to have the weights that `put` puts onto the shelf."""
    ready, over = threading.Event(), threading.Event()
    told: dict[str, Any] = {}

    def run() -> None:
        with opened(folder / "fleet.sqlite") as store:
            key, shelf = new_key(), Shelf(shelf_path(folder / "fleet.sqlite"))
            store.set_meta(SIGNING_KEY, as_text(key.public))
            with store.changing():
                told["token"] = store.invite(DEVICE)
            conductor = Conductor("edge-eu", fleet_settings(1), store, key, time.time)
            conductor.start(an_entry() | {"weights": put(shelf)}, (DEVICE,))

            async def serve() -> None:
                runner = web.AppRunner(application("edge-eu", store, shelf=shelf), access_log=None)
                await runner.setup()
                site = web.TCPSite(runner, "127.0.0.1", 0)
                await site.start()
                told["port"] = runner.addresses[0][1]
                ready.set()
                while not over.is_set():
                    await asyncio.sleep(0.02)
                await runner.cleanup()

            asyncio.run(serve())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    if not ready.wait(_LIMIT_S):
        raise TimeoutError(f"the control side did not listen within {_LIMIT_S} s")
    try:
        home, files = folder / "home", real_files()
        enrol(home, f"http://127.0.0.1:{told['port']}", None, DEVICE, told["token"], files)
        yield Served(told["port"], loaded(home), Book(home, files).next_nonce)
    finally:
        over.set()
        thread.join(_LIMIT_S)
