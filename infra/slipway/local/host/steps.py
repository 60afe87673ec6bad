"""Run named steps side by side in the order that their needs allow, and time each."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Protocol

from slipway.local.host.commands import CancelledError
from slipway.local.host.errors import LocalError

Report = Callable[[str], None]


@dataclass(frozen=True)
class Step:
    """One piece of work. `action` says what it is at through its argument and returns how it ended, briefly."""

    name: str
    action: Callable[[Report], str]
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class StepResult:
    """A finished step."""

    name: str
    seconds: float
    result: str


class Display(Protocol):
    """Where a run is shown."""

    def started(self, name: str) -> None:
        """A step has begun."""

    def at(self, name: str, what: str) -> None:
        """A running step says what it is at."""

    def finished(self, done: StepResult) -> None:
        """A step is done."""

    def failed(self, name: str, seconds: float) -> None:
        """A step has failed; its message comes with the error of the whole run."""


def check(steps: Sequence[Step]) -> None:
    """Raise ValueError for steps that could never run: a name used twice, an unknown need, a circle."""
    names = [step.name for step in steps]
    if len(set(names)) != len(names):
        raise ValueError(f"a step's name is used twice: {names}")
    done: set[str] = set()
    waiting = list(steps)
    while waiting:
        ready = [step for step in waiting if done.issuperset(step.after)]
        if not ready:
            raise ValueError(f"steps that wait for what never comes: {[step.name for step in waiting]}")
        done |= {step.name for step in ready}
        waiting = [step for step in waiting if step.name not in done]


def run(steps: Sequence[Step], display: Display) -> list[StepResult]:
    """Run every step as soon as the steps it comes after are done; returns them in the order they ended.

    After a failure nothing new starts, what runs is let finish (its result is kept for the next run).

    Raises:
        LocalError: with the message of every step that failed.
    """
    check(steps)
    waiting = list(steps)
    running: dict[Future[StepResult], str] = {}
    ended: list[StepResult] = []
    errors: list[LocalError] = []
    pool = ThreadPoolExecutor(max_workers=len(steps) or 1, thread_name_prefix="step")
    try:
        while waiting or running:
            if not errors:
                names = {done.name for done in ended}
                for step in [step for step in waiting if names.issuperset(step.after)]:
                    waiting.remove(step)
                    running[pool.submit(_timed, step, display)] = step.name
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                del running[future]
                try:
                    ended.append(future.result())
                except LocalError as error:
                    errors.append(error)
    finally:
        # A run that is interrupted must not wait for threads; the program ends what they started and exits.
        pool.shutdown(wait=False, cancel_futures=True)
    if errors:
        told = [error for error in errors if not isinstance(error, CancelledError)] or errors
        raise LocalError("\n".join(str(error) for error in told)) from errors[0]
    return ended


def _timed(step: Step, display: Display) -> StepResult:
    begin = time.monotonic()
    display.started(step.name)
    try:
        result = step.action(lambda what: display.at(step.name, what))
    except LocalError as error:
        display.failed(step.name, time.monotonic() - begin)
        raise type(error)(f"{step.name}: {error}") from error
    except BaseException:
        display.failed(step.name, time.monotonic() - begin)
        raise
    done = StepResult(step.name, time.monotonic() - begin, result)
    display.finished(done)
    return done
