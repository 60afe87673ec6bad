"""Wait for what others do: how long, how often they are asked, and by which clock."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiting:
    """A bounded wait.

    Attributes:
        limit_s: seconds after which nobody asks any more.
        poll_s: seconds between two looks.
        pause: waits for seconds.
        now: a clock, in seconds.
    """

    limit_s: float
    poll_s: float = 5.0
    pause: Callable[[float], object] = time.sleep
    now: Callable[[], float] = time.monotonic

    def looks(self) -> Iterator[bool]:
        """Yield once for each look, and pause before each but the first; true for the last one."""
        end = self.now() + self.limit_s
        while (now := self.now()) < end:
            yield False
            self.pause(min(self.poll_s, max(end - now, 0.0)))
        yield True
