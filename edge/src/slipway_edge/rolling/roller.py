"""Bring each model to the version that is desired, and keep one in service that was good."""

from collections.abc import Callable

from slipway_edge.disk.record import Book
from slipway_edge.engine.port import Engine, Running, name_of
from slipway_edge.fetching.bringing import Bringing
from slipway_edge.forwarding.port import Ports
from slipway_edge.rolling.admission import by_priority, turned_away
from slipway_edge.rolling.serving import Serving, Status
from slipway_edge.rolling.trial import Ask, Limits, Trial
from slipway_edge.telemetry.log import log
from slipway_edge.values.clock import Clock
from slipway_edge.values.document import Entry
from slipway_edge.values.errors import Away, Bad


class Roller:
    """The models of a device. One thread calls it; it calls `between` while it waits for something slow."""

    def __init__(
        self,
        engine: Engine,
        ask: Ask,
        book: Book,
        ports: Ports,
        clock: Clock,
        memory_free: Callable[[], int],
        bringing: Bringing,
        limits: Limits | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._engine = engine
        self._bringing = bringing
        self._ask = ask
        self._book = book
        self._ports = ports
        self._trial = Trial(engine, ask, clock, self._limits)
        self._memory_free = memory_free
        self._busy = False
        self._settling: int | None = None
        """The port that leads to a version on trial: an old one that is mended meanwhile does not take it."""
        self.serving: dict[str, Serving] = {}
        self.statuses: dict[str, Status] = {}

    def resume(self) -> None:
        """After a start: what was good runs and is led to; what else runs is taken away. Needs no network.

        Raises:
            Away: the engine does not answer.
        """
        self._sweep()
        good = [kept.good for kept in self._book.record.models.values() if kept.good is not None]
        self._engine.share_out(good)
        away = turned_away(good, self._limits.memory_bytes)
        for entry in by_priority(good):
            if entry.model not in self.serving and entry.model not in away:
                self._serve_good(entry, _nothing)

    def apply(self, entries: list[Entry], between: Callable[[], None]) -> None:
        """Bring all models to these entries, the one with the highest priority first; drop those that are not there.

        Raises:
            Away: the engine does not answer.
        """
        for model in {*self._book.record.models, *self.serving} - {entry.model for entry in entries}:
            self._drop(model)
        self._sweep()
        self._engine.share_out(entries)
        away = turned_away(entries, self._limits.memory_bytes)
        for model, reason in away.items():
            self._turn_away(next(entry for entry in entries if entry.model == model), reason)
        for entry in by_priority(entries):
            if entry.model not in away:
                self._bring(entry, between)
        self._tidy(entries)

    def watch(self) -> None:
        """Ask each version in service its golden request once, and mend what is ill."""
        if self._busy:
            return
        self._busy = True
        try:
            for model, serving in list(self.serving.items()):
                self._look_at(model, serving)
        finally:
            self._busy = False

    def _look_at(self, model: str, serving: Serving) -> None:
        reason = serving.running.ended
        try:
            if serving.running.address is not None:
                answer = self._ask(serving.running.address, serving.entry.check)
                serving.saw(answer)
                # What has ended is started anew at once; what only fails to answer gets another two chances.
                reason = ("" if answer.settled else self._end_of(serving)) or (answer.reason if serving.ill else "")
                if not reason:
                    return
            self._mend(model, serving, reason)
        except Away as away:
            log("cannot mend", model=model, reason=str(away))

    def _end_of(self, serving: Serving) -> str:
        there = next((one for one in self._engine.containers() if one.name == serving.running.name), None)
        if there is None:
            return "its container is gone"
        return "" if there.address is not None else f"it ended by itself: {there.ended}"

    def _mend(self, model: str, serving: Serving, reason: str) -> None:
        before = self._book.of(model).before
        if serving.beyond_mending and before is not None:
            self._return_to(before, serving.entry, reason)
            return
        log("started anew", model=model, version=serving.entry.version, reason=reason)
        serving.started_anew(self._engine.start(serving.entry))
        try:
            self._trial.first_answer(serving.entry, serving.running, _nothing)
        except Bad as bad:
            serving.running = _ended(serving.running, str(bad))
            return
        if serving.entry.port != self._settling:
            self._lead(serving)

    def _return_to(self, before: Entry, bad: Entry, reason: str) -> None:
        """Put the version before in service; only then is the other one bad: a record never lacks a good one."""
        running = self._engine.start(before)
        try:
            self._trial.first_answer(before, running, _nothing)
        except Bad as worse:
            log("the version before fails, too", model=before.model, version=before.version, reason=str(worse))
            self._engine.stop(running)
            self.serving[bad.model].mended = 0
            return
        self._book.mark_bad(bad, reason)
        old = self.serving[bad.model]
        self._put_in_service(Serving(before, running), old)
        self.statuses[bad.model] = Status(bad, "returned", reason)
        log("returned", model=bad.model, version=before.version, from_version=bad.version, reason=reason)

    def _bring(self, entry: Entry, between: Callable[[], None]) -> None:
        kept = self._book.of(entry.model)
        if kept.good is not None and entry.model not in self.serving:
            self._bringing.bring(kept.good, between)
            self._serve_good(kept.good, between)
            kept = self._book.of(entry.model)
        if kept.good == entry:
            self._status(Status(entry, "good"))
        elif entry.digest in kept.bad:
            self._status(Status(entry, "returned" if kept.good else "failed", kept.bad[entry.digest]))
        else:
            self._try(entry, between)

    def _try(self, entry: Entry, between: Callable[[], None]) -> None:
        try:
            there = self.statuses.get(entry.model)
            # How far it is stays in reports until the next turn says it anew.
            if there is None or (there.entry, there.state) != (entry, "pulling"):
                self._status(Status(entry, "pulling"))
            self._bringing.bring(entry, between)
            self._status(Status(entry, "checking"))
            need, free = entry.memory + self._limits.spare_bytes, self._memory_free()
            if free < need:
                why = f"{free} bytes of memory are free; it needs {need} beside the old version"
                self._status(Status(entry, "checking", why))
                return
            self._judge(entry, between)
        except Away as away:
            state = self.statuses[entry.model].state
            self._status(Status(entry, state, str(away)))
        except Bad as bad:
            self._give_up(entry, str(bad))

    def _judge(self, entry: Entry, between: Callable[[], None]) -> None:
        """Start beside, ask, lead to it, let it settle; then it is good, or all is as it was."""
        try:
            running = self._engine.start(entry)
            new = Serving(entry, running)
            self._trial.first_answer(entry, running, between)
            self._settling = entry.port
            self._lead(new)
            self._trial.settle(entry, running, between)
            self._book.mark_good(entry)
            self._settling = None
        except (Bad, Away):
            # The old version went on running beside, so that this is a change of an address.
            self._settling = None
            old = self.serving.get(entry.model)
            if old is not None:
                self._lead(old)
            self._release(entry.port, old)
            raise
        self._put_in_service(new, self.serving.get(entry.model))
        self._status(Status(entry, "good"))

    def _give_up(self, entry: Entry, reason: str) -> None:
        self._book.mark_bad(entry, reason)
        self._status(Status(entry, "returned" if entry.model in self.serving else "failed", reason))
        self._stop(name_of(entry))

    def _serve_good(self, entry: Entry, between: Callable[[], None]) -> None:
        """Put the version that the record has as good in service: as it runs, or started."""
        running = next((one for one in self._engine.containers() if one.name == name_of(entry) and one.address), None)
        try:
            running = running or self._engine.start(entry)
            serving = Serving(entry, running)
            self.serving[entry.model] = serving
            self._trial.first_answer(entry, running, between)
            self._lead(serving)
        except Bad as bad:
            log("the good version does not answer", model=entry.model, version=entry.version, reason=str(bad))
            gone = Running(name_of(entry), entry.model, entry.digest, None, str(bad))
            self.serving[entry.model] = Serving(entry, gone)

    def _put_in_service(self, new: Serving, old: Serving | None) -> None:
        self.serving[new.entry.model] = new
        self._lead(new)
        if old is not None and old.running.name != new.running.name:
            if old.entry.port != new.entry.port and self._ports.leads(old.entry.port) == old.running.address:
                self._ports.close(old.entry.port)
            self._stop(old.running.name)

    def _lead(self, serving: Serving) -> None:
        if serving.running.address is not None:
            self._ports.lead(serving.entry.port, serving.running.address)

    def _release(self, port: int, old: Serving | None) -> None:
        others = {one.entry.port for one in self.serving.values()}
        if port not in others and (old is None or old.entry.port != port):
            self._ports.close(port)

    def _turn_away(self, entry: Entry, reason: str) -> None:
        """End it if it runs. What was good of it stays in the record: it is started again when there is memory."""
        serving = self.serving.pop(entry.model, None)
        if serving is not None:
            self._ports.close(serving.entry.port)
        good = self._book.of(entry.model).good
        if good is not None:
            self._stop(name_of(good))
        self._status(Status(entry, "failed", reason))

    def _drop(self, model: str) -> None:
        serving = self.serving.get(model)
        if serving is not None:
            self._ports.close(serving.entry.port)
            del self.serving[model]
        self._book.forget(model)
        self.statuses.pop(model, None)
        log("dropped", model=model)

    def _sweep(self) -> None:
        """Take away containers of no version in service: of a trial that the power cut, or of a dropped model."""
        wanted = {one.running.name for one in self.serving.values()}
        wanted |= {name_of(kept.good) for kept in self._book.record.models.values() if kept.good is not None}
        for one in self._engine.containers():
            if one.name not in wanted:
                self._engine.stop(one)

    def _stop(self, name: str) -> None:
        try:
            self._engine.stop(Running(name, "", "", None))
        except Away as away:
            log("not stopped; it will be", container=name, reason=str(away))

    def _tidy(self, entries: list[Entry]) -> None:
        kept = [
            one for each in self._book.record.models.values() for one in (each.good, each.before) if one is not None
        ]
        bad = {key for each in self._book.record.models.values() for key in each.bad}
        self._bringing.tidy([*kept, *(entry for entry in entries if entry.digest not in bad)])

    def _status(self, status: Status) -> None:
        if self.statuses.get(status.entry.model) != status:
            self.statuses[status.entry.model] = status
            entry = status.entry
            log(status.state, model=entry.model, version=entry.version, release=entry.release, reason=status.reason)


def _ended(running: Running, why: str) -> Running:
    return Running(running.name, running.model, running.digest, None, why)


def _nothing() -> None:
    """Nothing is to be done meanwhile."""
