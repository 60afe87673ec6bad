"""The real control side of a fleet in this process: it answers at `address`, and rollouts are conducted here."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web

from slipway.edge.conduct import Conductor
from slipway.edge.rings import Rollout
from slipway.edge.server import application
from slipway.edge.signing import SIGNING_KEY, as_text
from slipway.edge.store import Store, opened
from slipway.settings.edge import EdgeSettings
from slipway.values.aliases import Json
from tests.support.fleets import new_key

_LIMIT_S = 60
_LOOK_S = 0.25
FLEET = "edge-eu"


class ControlSide:
    """A fleet's store and what conducts it; `address`: HOST:PORT."""

    def __init__(self, settings: EdgeSettings, store: Store, address: str) -> None:
        """Sign with a key of its own."""
        self.address, self.store = address, store
        key = new_key()
        with store.changing():
            store.set_meta(SIGNING_KEY, as_text(key.public))
        self.conductor = Conductor(FLEET, settings, store, key, time.time)

    def invite(self, device: str) -> str:
        """A device's token."""
        with self.store.changing():
            return self.store.invite(device)

    def start(self, entry: Json) -> None:
        """Begin to roll a version out."""
        self.conductor.start(entry, self.conductor.on(str(entry["model"])))

    def ended(self, model: str, within_s: float) -> Rollout | None:
        """How a rollout ended; None: not within so many seconds."""
        until = time.monotonic() + within_s
        while (rollout := self.conductor.look(model)).phase == "rolling":
            if time.monotonic() > until:
                return None
            time.sleep(_LOOK_S)
        return rollout


@contextmanager
def control_side(folder: Path, settings: EdgeSettings) -> Iterator[ControlSide]:
    """Serve while the block runs."""
    loop, there = asyncio.new_event_loop(), threading.Event()
    address: list[str] = []

    async def serve(store: Store) -> web.AppRunner:
        runner = web.AppRunner(application(FLEET, store))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address.append(_listens(runner))
        return runner

    def run() -> None:
        # Its own connection: one of SQLite's belongs to its thread.
        with opened(folder / "fleet.sqlite") as store:
            runner = loop.run_until_complete(serve(store))
            there.set()
            loop.run_forever()
            loop.run_until_complete(runner.cleanup())
            loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert there.wait(_LIMIT_S), f"the control side: not there within {_LIMIT_S} s"
        with opened(folder / "fleet.sqlite") as store:
            yield ControlSide(settings, store, address[0])
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_LIMIT_S)


def _listens(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"{host}:{port}"
