"""Ask what is desired, bring it about, look after it, tell: for ever."""

import base64
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from slipway_edge.control.client import Reply
from slipway_edge.disk.record import Book
from slipway_edge.fetching.bringing import Bringing
from slipway_edge.identity.envelope import Pinned, key_id, opened
from slipway_edge.reporting.aggregates import Counting
from slipway_edge.reporting.machine import Machine
from slipway_edge.reporting.outbox import Outbox
from slipway_edge.reporting.report import report_of
from slipway_edge.rolling.roller import Roller
from slipway_edge.telemetry.log import log, recent
from slipway_edge.values.clock import Clock
from slipway_edge.values.document import Document, Entry, parse
from slipway_edge.values.errors import Away, EdgeError, Refused

_FIRST_INTERVAL_S = 30.0
_SPREAD = 0.1
"""Devices that start together, as after a power cut, do not ask together for ever."""


class Link:
    """The control side, for this one device."""

    def __init__(
        self,
        desired: Callable[[str | None], Reply | None],
        report: Callable[[dict[str, object]], bool],
        logs: Callable[[list[dict[str, object]]], None],
        pin: Callable[[tuple[str, ...]], Pinned],
    ) -> None:
        self.desired = desired
        self.report = report
        self.logs = logs
        self.pin = pin


class Feeding(Protocol):
    """What brings inputs to models; nothing that goes wrong there comes back here."""

    def apply(self, entries: Sequence[Entry]) -> None:
        """Have the feeds of these entries, and of no others."""

    def said(self) -> Mapping[str, Mapping[str, object]]:
        """What a report may say of each model's feed."""


class Agent:
    """All of a device. Nothing that is away ends it: what was good goes on serving."""

    def __init__(
        self,
        pinned: Pinned,
        link: Link,
        book: Book,
        roller: Roller,
        bringing: Bringing,
        machine: Machine | None,
        clock: Clock,
        feeds: Feeding,
        counting: Counting,
        watch_s: float = 10.0,
    ) -> None:
        self._pinned = pinned
        self._link = link
        self._book = book
        self._roller = roller
        self._bringing = bringing
        self._machine = machine
        self._clock = clock
        self._feeds = feeds
        self._counting = counting
        self._watch_s = watch_s
        self._outbox = Outbox(clock)
        self._etag: str | None = None
        self._refused = ""
        self._resumed = False
        self._watch_at = self._tell_at = self._ask_at = clock.now()
        payload = book.record.payload
        self.document: Document | None = parse(payload) if payload is not None else None

    def step(self) -> float:
        """Do what is due; return the seconds until something else is."""
        now = self._clock.now()
        if not self._resumed:
            self._resume()
        if now >= self._ask_at:
            self._ask()
            self._ask_at = now + self._interval() * random.uniform(1 - _SPREAD, 1 + _SPREAD)  # noqa: S311 - no secret
            self._apply()
            self._tell_at = self._clock.now()
        elif self._bringing.unfinished:
            self._apply()
        self._meanwhile()
        if self._bringing.unfinished:
            return 0.0
        return max(0.05, min(self._ask_at, self._watch_at, self._tell_at) - self._clock.now())

    def _resume(self) -> None:
        try:
            self._roller.resume()
            self._resumed = True
        except Away as away:
            log("not resumed yet", reason=str(away))

    def _ask(self) -> None:
        try:
            reply = self._link.desired(self._etag)
            if reply is None:
                return
            document, payload = opened(reply.body, self._pinned, self._book.record.serial, self._book.record.payload)
            self._pin(tuple(document.signing_keys))
            if payload != self._book.record.payload:
                self._book.take(document.serial, payload)
                log("taken", serial=document.serial, models=[f"{one.model} {one.version}" for one in document.models])
            self.document, self._etag, self._refused = document, reply.etag, ""
        except Away as away:
            log("away", reason=str(away))
        except (OSError, EdgeError) as error:
            log("not taken yet", reason=f"a key cannot be read or kept: {error}")
        except Refused as refused:
            self._refused = str(refused)
            log("refused", reason=self._refused)

    def _pin(self, keys: tuple[str, ...]) -> None:
        """Before the document is taken: cut off between the two, it comes again, signed by a key that is pinned."""
        if keys and keys != self._pinned.signing_keys:
            self._pinned = self._link.pin(keys)
            log("pinned", keys=[key_id(key) for key in map(base64.b64decode, keys)])

    def _apply(self) -> None:
        if self.document is None:
            return
        self._bringing.begin(self.document.pull)
        # First: versions may take long to come, and what serves is fed meanwhile.
        self._counting.apply(self.document.models)
        self._feeds.apply(self.document.models)
        try:
            self._roller.apply(list(self.document.models), self._meanwhile)
        except Away as away:
            log("not applied yet", reason=str(away))

    def _meanwhile(self) -> None:
        now = self._clock.now()
        if now >= self._watch_at:
            self._watch_at = now + self._watch_s
            self._roller.watch()
        if now >= self._tell_at:
            self._tell_at = now + self._interval()
            self._tell()

    def _tell(self) -> None:
        telemetry = self.document.telemetry if self.document is not None else []
        report = report_of(
            self._book.record.serial,
            self._roller.statuses,
            self._roller.serving,
            telemetry,
            self._machine,
            self._feeds.said(),
        )
        report["uptime_s"] = round(self._clock.now())
        if counted := self._counting.said():
            report["aggregates"] = counted
        if self._refused:
            report["refused"] = self._refused[:300]
        self._outbox.add(report)
        try:
            # Whoever has the server may ask; whether it may leave says the document, which the fleet's key signed.
            if self._outbox.send(self._link.report) and "logs" in telemetry:
                self._link.logs(recent())
        except Away as away:
            log("reports wait", reports=len(self._outbox), reason=str(away))

    def _interval(self) -> float:
        return self.document.interval_s if self.document is not None else _FIRST_INTERVAL_S
