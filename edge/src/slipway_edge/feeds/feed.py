"""The feed of one model: take an input, ask the model, hand the answer over or keep it until its sink is back."""

from collections.abc import Callable
from dataclasses import dataclass

from slipway_edge.feeds.calling import Caller, Failing, Unanswerable
from slipway_edge.feeds.ports import Input, Sink, Source
from slipway_edge.feeds.spool import Spool
from slipway_edge.telemetry.log import log
from slipway_edge.values.clock import Clock
from slipway_edge.values.errors import Away

_TRIES = 3
"""Of an input that the model breaks at; then it is refused, so that the others get their turn."""
_FORWARD = 20
"""Answers that are forwarded between two inputs at most."""
_FIRST_S, _SLOWEST_S = 1.0, 60.0
"""Between two tries of a sink that is away: twice as long each time."""

Answered = Callable[[str, bytes], None]
"""Takes a model and what is sent on about one input, once for each that was answered."""


@dataclass
class Counts:
    """Since the agent was started: inputs that were taken, answers that were handed over, inputs that got none."""

    inputs: int = 0
    sent: int = 0
    refused: int = 0
    late: int = 0


@dataclass
class _Held:
    """The input in hand, its answer once there is one, and whether that is safe."""

    one: Input
    answer: bytes | None = None
    safe: bool = False
    refused: bool = False
    tries: int = 0


class Feed:
    """One thread calls `step`. An input is given back to its source when its answer is handed over or on the disk."""

    def __init__(
        self,
        model: str,
        source: Source,
        sink: Sink,
        spool: Spool,
        caller: Caller,
        clock: Clock,
        deadline_s: float | None,
        answered: Answered,
    ) -> None:
        self._model = model
        self._source = source
        self._sink = sink
        self._spool = spool
        self._caller = caller
        self._clock = clock
        self._deadline_s = deadline_s
        self._answered = answered
        self._held: _Held | None = None
        self._wait_s = _FIRST_S
        self._again_at = clock.now()
        self._sink_problem = ""
        self.problem = ""
        self.counts = Counts()

    def step(self, wait_s: float) -> None:
        """Do one thing, or wait for an input.

        Raises:
            Away: source, model or disk: nothing can be done for now.
        """
        self._forward()
        if self._held is None:
            one = self._source.take(wait_s)
            if one is None:
                self.problem = self._sink_problem
                return
            self.counts.inputs += 1
            self._held = _Held(one)
        held = self._held
        if not held.safe:
            self._answer(held)
        if held.safe:
            self._source.done(held.one, held.refused)
            self._held = None
        self.problem = self._sink_problem

    def said(self) -> dict[str, object]:
        """What a report says, if `telemetry` names feeds. Inputs and answers themselves are never in it."""
        counts = self.counts
        return {
            "inputs": counts.inputs,
            "sent": counts.sent,
            "waiting": len(self._spool),
            "refused": counts.refused,
            "late": counts.late,
            "skipped": self._source.skipped,
            "dropped": self._spool.dropped + self._sink.dropped,
            "problem": self.problem[:300],
        }

    def end(self, *, for_good: bool) -> None:
        """Let go of source and sink."""
        self._source.end(for_good=for_good)
        self._sink.end()

    def _answer(self, held: _Held) -> None:
        if held.answer is None:
            if self._late(held.one):
                self.counts.late += 1
                held.safe = held.refused = True
                return
            try:
                held.answer = self._caller.answer(held.one)
                self._answered(self._model, held.answer)
            except (Unanswerable, Failing) as error:
                held.tries += 1
                if isinstance(error, Failing) and held.tries < _TRIES:
                    raise Away(f"the model failed: {error}") from None
                log("input refused", model=self._model, id=held.one.id, reason=str(error)[:300])
                self.counts.refused += 1
                held.safe = held.refused = True
                return
        if len(self._spool) or not self._sent(held.one.id, held.answer):
            self._spool.add(held.one.id, held.answer)
        held.safe = True

    def _late(self, one: Input) -> bool:
        return self._deadline_s is not None and self._clock.now() - one.made > self._deadline_s

    def _forward(self) -> None:
        for _ in range(_FORWARD):
            first = self._spool.first()
            if first is None or not self._sent(*first):
                return
            self._spool.drop_first()

    def _sent(self, id_: str, answer: bytes) -> bool:
        if self._clock.now() < self._again_at:
            return False
        try:
            self._sink.send(id_, answer)
        except Away as away:
            self._sink_problem = str(away)
            self._again_at = self._clock.now() + self._wait_s
            self._wait_s = min(2 * self._wait_s, _SLOWEST_S)
            return False
        self._sink_problem, self._wait_s = "", _FIRST_S
        self.counts.sent += 1
        return True
