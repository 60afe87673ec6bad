"""A version in service: how its last golden requests went, and when that is enough to act."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from slipway_edge.asking.golden import Answer
from slipway_edge.engine.port import Running
from slipway_edge.values.document import Entry

_WINDOW = 60
_WRONG_IN_A_ROW = 3
"""One wrong answer may be a moment's: three in a row, and the container is started anew."""
_RIGHT_IN_A_ROW = 6
"""So many, and what was mended before is forgotten."""
_MENDED_AT_MOST = 2
"""Started anew so often without staying right: the version itself is bad."""

State = Literal["good", "pulling", "checking", "failed", "returned"]


@dataclass(frozen=True)
class Status:
    """How it stands with a model: the entry that is desired, and in one sentence why it is not good."""

    entry: Entry
    state: State
    reason: str = ""


@dataclass
class Serving:
    """A version, its container, and its last golden requests, newest last."""

    entry: Entry
    running: Running
    answers: deque[Answer] = field(default_factory=lambda: deque(maxlen=_WINDOW))
    mended: int = 0
    _in_a_row: int = 0

    def saw(self, answer: Answer) -> None:
        """One more golden request was asked."""
        self.answers.append(answer)
        if answer.right:
            self._in_a_row = max(self._in_a_row, 0) + 1
            if self._in_a_row >= _RIGHT_IN_A_ROW:
                self.mended = 0
        else:
            self._in_a_row = min(self._in_a_row, 0) - 1

    def started_anew(self, running: Running) -> None:
        """Its container is another one."""
        self.running = running
        self.mended += 1
        self._in_a_row = 0

    @property
    def ill(self) -> bool:
        """Whether it has to be started anew."""
        return self._in_a_row <= -_WRONG_IN_A_ROW

    @property
    def beyond_mending(self) -> bool:
        """Whether starting it anew has not helped."""
        return self.mended >= _MENDED_AT_MOST


def p95_ms(answers: Sequence[Answer]) -> float | None:
    """The 95th percentile of the times of those that were answered, by nearest rank, ms; None: none was."""
    times = sorted(answer.took_s for answer in answers if answer.settled)
    return 1000 * times[math.ceil(0.95 * len(times)) - 1] if times else None


def unfit(answers: Sequence[Answer], entry: Entry) -> str:
    """Why the golden requests of the time in which a version settles are not good enough; empty: they are."""
    wrong = [answer for answer in answers if not answer.right]
    share = len(wrong) / len(answers) if answers else 0.0
    if share > entry.health.errors:
        return f"{len(wrong)} of {len(answers)} golden requests failed, the last with: {wrong[-1].reason}"
    slow = p95_ms(answers)
    if entry.health.p95_ms is not None and slow is not None and slow > entry.health.p95_ms:
        return f"p95 of {len(answers)} golden requests is {slow:.0f} ms; allowed: {entry.health.p95_ms:g} ms"
    return ""
