"""Wire an agent up, and run it until it is told to stop."""

import fcntl
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway_edge.control.client import Control, ControlSource
from slipway_edge.disk.files import RealDisk, real_files
from slipway_edge.disk.record import Book
from slipway_edge.disk.slots import Slots
from slipway_edge.feeds.allowed import Allowed
from slipway_edge.feeds.feeds import Feeds
from slipway_edge.fetching.bringing import Bringing
from slipway_edge.fetching.store import WeightsStore
from slipway_edge.reporting.aggregates import Counting
from slipway_edge.reporting.machine import Machine
from slipway_edge.rolling.roller import Roller
from slipway_edge.rolling.trial import Limits
from slipway_edge.startup.enrolment import enrolment, pin
from slipway_edge.startup.keys import Keys
from slipway_edge.startup.loop import Agent, Link
from slipway_edge.startup.stands import Stand
from slipway_edge.telemetry.log import log
from slipway_edge.values.clock import RealClock
from slipway_edge.values.errors import EdgeError
from slipway_edge.values.told_time import ToldTime


def run(home: Path, stand: Stand, listen: str, feeds: Path | None) -> None:
    """Run until SIGTERM or SIGINT. What runs goes on running: a device whose agent is updated keeps its models.

    Args:
        home: the agent's own folder.
        stand: what models run on.
        listen: the address at which sources ask models.
        feeds: the folder below which documents may have files read and written; None: nowhere.

    Raises:
        EdgeError: not enrolled, another agent runs on this folder, or where models are to run is none such.
    """
    files = real_files()
    told = enrolment(home, files)
    weights = home / "weights"
    weights.mkdir(mode=0o700, exist_ok=True)
    parts = stand(home, told.pinned.device, files)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with _alone(home):
        book = Book(home, files)
        if book.damaged:
            log("damaged", files=list(book.damaged), serial=book.record.serial)
        clock = RealClock()
        time = ToldTime(clock)
        control = Control(told.url, told.authority, time.tell)
        device = told.pinned.device
        keys = Keys(home, files, control, told.pinned, book.next_nonce)
        link = Link(
            lambda etag: control.desired(device, keys.current(), book.next_nonce, etag),
            lambda report: control.report(device, keys.key, book.next_nonce, report),
            lambda lines: control.logs(device, keys.key, book.next_nonce, lines),
            lambda keys: pin(home, keys, files),
        )
        source = ControlSource(control, device, lambda: keys.key, book.next_nonce)
        store = WeightsStore(RealDisk(), weights, source, clock, Machine(home).disk_free)
        bringing = Bringing(parts.engine, store, time.now)
        limits = Limits(memory_bytes=parts.memory_bytes)
        roller = Roller(parts.engine, parts.ask, book, parts.ports, clock, parts.memory_free, bringing, limits)
        counting = Counting(Slots(home, "aggregates", files), clock)
        allowed = Allowed(feeds, home / "secrets")
        feeding = Feeds(home / "feeds", listen, f"{told.pinned.fleet}/{device}", allowed, files, clock, counting.saw)
        agent = Agent(told.pinned, link, book, roller, bringing, parts.machine, clock, feeding, counting)
        log("started", fleet=told.pinned.fleet, device=device, serial=book.record.serial)
        while not stop.is_set():
            stop.wait(agent.step())
        feeding.end()
        parts.end()
    log("stopped")


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    number = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise EdgeError(f"another agent runs on {home}; next: stop it, or give this one a --home of its own") from None
    finally:
        os.close(number)
