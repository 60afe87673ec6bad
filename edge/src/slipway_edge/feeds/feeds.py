"""The feeds of a device: those that its document names run, each in a thread of its own; no other does."""

import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway_edge.disk.files import Files
from slipway_edge.feeds.allowed import Allowed
from slipway_edge.feeds.calling import Caller
from slipway_edge.feeds.camera import Camera
from slipway_edge.feeds.feed import Answered, Feed
from slipway_edge.feeds.folders import AnswersInFolder, Folder
from slipway_edge.feeds.http_sink import AnswersByHttp
from slipway_edge.feeds.mqtt import AnswersByMqtt, Messages
from slipway_edge.feeds.ports import Sink, Source
from slipway_edge.feeds.spool import Spool
from slipway_edge.telemetry.log import log
from slipway_edge.values import feeding
from slipway_edge.values.clock import Clock
from slipway_edge.values.document import Entry
from slipway_edge.values.errors import Away

_TAKE_S = 0.5
_FIRST_S, _SLOWEST_S = 0.2, 5.0
_END_S = 30.0
"""The longest that a thread is in the middle of something that cannot be cut: a request, a connection."""

_Key = tuple[object, ...]


class Feeds:
    """Starts and ends feeds. A feed that fails is tried again for ever, and says so; a version never hears of it.

    Args:
        folder: where answers wait, in a folder for each model.
        host: of the local ports.
        device: this device's name.
    """

    def __init__(
        self, folder: Path, host: str, device: str, allowed: Allowed, files: Files, clock: Clock, answered: Answered
    ) -> None:
        self._folder = folder
        self._host = host
        self._device = device
        self._allowed = allowed
        self._files = files
        self._clock = clock
        self._answered = answered
        self._running: dict[str, _Running] = {}

    def apply(self, entries: Sequence[Entry]) -> None:
        """Have the feeds of these entries, and of no others. Answers of a model that is gone are deleted."""
        wanted = {entry.model: entry for entry in entries if entry.source is not None}
        for model, running in list(self._running.items()):
            if model not in wanted or running.key != _key(wanted[model]):
                if running.end(for_good=True):
                    del self._running[model]
                else:
                    log("feed ends later", model=model, reason=f"what it does takes more than {_END_S:.0f} s")
        for old in self._folder.glob("*"):
            if old.name not in wanted and old.name not in self._running:
                shutil.rmtree(old, ignore_errors=True)
        for model, entry in wanted.items():
            if model not in self._running:
                try:
                    self._running[model] = self._started(entry)
                except OSError as error:
                    log("feed not started", model=model, reason=str(error))

    def said(self) -> dict[str, dict[str, object]]:
        """What a report may say of each model's feed."""
        return {model: running.feed.said() for model, running in self._running.items()}

    def end(self) -> None:
        """End all; they are expected back."""
        for running in self._running.values():
            running.stop.set()
        for running in self._running.values():
            running.end(for_good=False)
        self._running = {}

    def _started(self, entry: Entry) -> "_Running":
        folder = self._folder / entry.model
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if entry.source is None or entry.sink is None:
            raise AssertionError("an entry has both or neither")
        deadline_s = None if entry.deadline_ms is None else entry.deadline_ms / 1000
        feed = Feed(
            entry.model,
            self._source(entry.model, entry.source),
            self._sink(entry.model, entry.sink),
            Spool(folder, entry.sink.waiting, self._files),
            Caller(self._host, entry.port, entry.check.timeout_s),
            self._clock,
            deadline_s,
            self._answered,
        )
        running = _Running(_key(entry), feed, threading.Event())
        running.thread = threading.Thread(target=_run, args=(entry.model, running), name=entry.model, daemon=True)
        running.thread.start()
        log("feed started", model=entry.model)
        return running

    def _source(self, model: str, said: feeding.Source) -> Source:
        if said.folder is not None:
            return Folder(said.folder, self._allowed, self._clock)
        if said.mqtt is not None:
            return Messages(said.mqtt, self._allowed, self._clock, f"{self._device}/{model}")
        if said.camera is not None:
            return Camera(said.camera, self._allowed, self._clock)
        raise AssertionError("a source is of one kind")

    def _sink(self, model: str, said: feeding.Sink) -> Sink:
        if said.folder is not None:
            return AnswersInFolder(said.folder, self._allowed)
        if said.http is not None:
            return AnswersByHttp(said.http, self._allowed)
        if said.mqtt is not None:
            return AnswersByMqtt(said.mqtt, self._allowed, f"{self._device}/{model}")
        raise AssertionError("a sink is of one kind")


@dataclass
class _Running:
    key: _Key
    feed: Feed
    stop: threading.Event
    thread: threading.Thread | None = None

    def end(self, *, for_good: bool) -> bool:
        """Whether it has ended: two threads must not write to one spool."""
        self.stop.set()
        if self.thread is not None:
            self.thread.join(_END_S)
            if self.thread.is_alive():
                return False
        self.feed.end(for_good=for_good)
        return True


def _key(entry: Entry) -> _Key:
    """What makes it another feed: not the version, which the port leads to."""
    return entry.source, entry.sink, entry.port, entry.deadline_ms, entry.check.timeout_s


def _run(model: str, running: _Running) -> None:
    pause_s, said = 0.0, ""
    while not running.stop.wait(pause_s):
        longer_s = min(max(_FIRST_S, 2 * pause_s), _SLOWEST_S)
        pause_s = 0.0
        try:
            running.feed.step(_TAKE_S)
        except Away as away:
            running.feed.problem, pause_s = str(away), longer_s
        except Exception as error:
            running.feed.problem, pause_s = f"{type(error).__name__}: {error}", longer_s
        problem = running.feed.problem
        if problem != said:
            log("feed waits" if problem else "feed goes on", model=model, reason=problem)
            said = problem
