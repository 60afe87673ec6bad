"""Time that only goes forward: the device's date may be wrong by years, and is asked for nothing."""

import time
from typing import Protocol


class Clock(Protocol):
    """Seconds since some moment, and waiting."""

    def now(self) -> float:
        """Seconds, also while the machine slept."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class RealClock:
    """The operating system's clock since boot."""

    def now(self) -> float:
        """Seconds since boot."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(max(0.0, seconds))
