"""What a feed asks of where inputs come from and of where answers go."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

INPUT_LIMIT = 16 * 2**20
"""Bytes of one input at most; a longer one is refused."""


@dataclass(frozen=True)
class Input:
    """One input.

    Attributes:
        id: the same when the same input is read again, where its source can say so.
        name: of its file or topic, for whoever reads the answer.
        body: its bytes; None: there are more than `INPUT_LIMIT`.
        made: when it came into being, by the agent's clock, seconds.
    """

    id: str
    name: str
    body: bytes | None
    made: float


class Source(Protocol):
    """Raises `Away` where it cannot be read now."""

    skipped: int
    """Inputs that it had to drop, since the model is slower than they come."""

    def take(self, wait_s: float) -> Input | None:
        """The next input; None: there was none within about so many seconds."""

    def done(self, one: Input, refused: bool, /) -> None:
        """The answer is safe, or the model refused this input: it must not come again."""

    def end(self, *, for_good: bool) -> None:
        """Let go; `for_good`: it is not coming back, so that nobody should keep anything for it."""


class Sink(Protocol):
    """Takes answers; one may come twice, after a power cut or a lost confirmation."""

    dropped: int
    """Answers that it had to drop, since nobody fetched them."""

    def send(self, input_id: str, answer: bytes, /) -> None:
        """Hand an answer over: when this returns, it is whoever's it was sent to.

        Raises:
            Away: it does not answer, and another try may do.
        """

    def end(self) -> None:
        """Let go."""


MakeSource = Callable[[], Source]
MakeSink = Callable[[], Sink]
