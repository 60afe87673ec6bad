"""Wait until a container that was started gives the right answer to the golden request, and goes on giving it."""

from collections.abc import Callable
from dataclasses import dataclass

from slipway_edge.asking.golden import Answer
from slipway_edge.engine.port import Engine, Running
from slipway_edge.rolling.serving import unfit
from slipway_edge.values.clock import Clock
from slipway_edge.values.document import Check, Entry
from slipway_edge.values.errors import Away, Bad

Ask = Callable[[tuple[str, int], Check], Answer]
"""Asks the golden request once."""


@dataclass(frozen=True)
class Limits:
    """Times, in seconds, and memory that is left alone, in bytes.

    Attributes:
        start_s: from a container's start to its first right answer.
        every_s: between two golden requests while a version starts or settles.
        watch_s: between two golden requests of a version in service.
        memory_bytes: what all models may take together; None: it is somebody else's to say.
        spare_bytes: what must be free beside what a version may take, for the engine and this agent.
    """

    start_s: float = 120.0
    every_s: float = 0.5
    watch_s: float = 10.0
    memory_bytes: int | None = None
    spare_bytes: int = 64 * 2**20


class Trial:
    """Judges containers. `between` is called while it waits, so that other models are not forgotten meanwhile."""

    def __init__(self, engine: Engine, ask: Ask, clock: Clock, limits: Limits) -> None:
        self._engine = engine
        self._ask = ask
        self._clock = clock
        self._limits = limits

    def first_answer(self, entry: Entry, running: Running, between: Callable[[], None]) -> None:
        """Return at the first right answer.

        Raises:
            Bad: a wrong answer, an end, or none in time.
            Away: the engine does not answer any more, so that nothing can be said of the version.
        """
        until = self._clock.now() + self._limits.start_s
        while True:
            answer = self._answer(entry, running)
            if answer.right:
                return
            if answer.settled:
                raise Bad(f"golden request: {answer.reason}")
            self._must_run(running)
            if self._clock.now() >= until:
                raise Bad(f"no right answer within {self._limits.start_s:.0f} s; the last: {answer.reason}")
            between()
            self._clock.sleep(self._limits.every_s)

    def settle(self, entry: Entry, running: Running, between: Callable[[], None]) -> None:
        """Return when the version was good for as long as its `health` says.

        Raises:
            Bad: it was not.
            Away: the engine does not answer any more.
        """
        answers: list[Answer] = []
        until = self._clock.now() + entry.health.settle_s
        while self._clock.now() < until:
            answer = self._answer(entry, running)
            answers.append(answer)
            if answer.settled and not answer.right:
                raise Bad(f"golden request: {answer.reason}")
            if not answer.right:
                self._must_run(running)
            between()
            self._clock.sleep(self._limits.every_s)
        why = unfit(answers, entry)
        if why:
            raise Bad(why)

    def _answer(self, entry: Entry, running: Running) -> Answer:
        if running.address is None:
            return Answer(0.0, f"it has ended: {running.ended}", settled=False)
        return self._ask(running.address, entry.check)

    def _must_run(self, running: Running) -> None:
        now = next((one for one in self._engine.containers() if one.name == running.name), None)
        if now is None:
            raise Away(f"container {running.name} is gone")
        if now.address is None:
            raise Bad(f"it ended by itself: {now.ended}")
