"""Play a limit on CPU below one core: a replica runs for its part of each tenth of a second, then stands still.

Linux's CFS bandwidth control, by which Kubernetes holds containers to `resources.cpu`
(https://docs.kernel.org/scheduler/sched-bwc.html). What is not used in a period is lost. So a request of 20 ms CPU at
200m is answered in 20 ms, and yet no more than ten of them in a second.
"""

import numpy as np

from slipway.autoscaling.rates import Array

PERIOD_S = 0.1
"""cpu.cfs_period_us, as the kubelet leaves it."""
_STOPPED = 1.001
"""What took longer than a part of a period needs more than that, however little."""


def needed(times: Array, cores: float) -> Array:
    """Return the CPU seconds of runs that took so long, in seconds, on a replica that nobody else asked.

    A run that needs more than its part stands still, the first time for what is left of the period: `first` on average,
    as runs begin anywhere in one. Right to a fifth of a period, which matters for what takes just more than its part.
    """
    if cores >= 1:
        return times
    quota = cores * PERIOD_S
    still = PERIOD_S - quota
    first = still**2 / (2 * PERIOD_S)
    stops, rest = np.divmod(times - first + still, PERIOD_S)
    stopped = np.maximum(stops * quota + np.minimum(rest, quota), quota * _STOPPED)
    return np.where(times <= quota, times, stopped)


class Processor:
    """The CPU of one replica, whose one worker runs for one request after the other."""

    __slots__ = ("_cores", "_period", "_quota", "_used")

    def __init__(self, cores: float) -> None:
        self._cores = cores
        self._quota = cores * PERIOD_S
        self._period = -1
        self._used = 0.0

    def run(self, start: float, seconds: float) -> float:
        """Return when a run ends that begins no earlier than the one before ended and needs so many CPU seconds."""
        if self._cores >= 1:
            return start + seconds
        period = int(start / PERIOD_S)
        if period != self._period:
            self._period, self._used = period, 0.0
        # In the period of its start there is what is left of its quota, and of its time.
        room = min(self._quota - self._used, (period + 1) * PERIOD_S - start)
        if seconds <= room:
            self._used += seconds
            return start + seconds
        seconds -= max(room, 0.0)
        whole = int(seconds / self._quota)
        self._period = period + 1 + whole
        self._used = seconds - whole * self._quota
        return self._period * PERIOD_S + self._used

    def burnt(self, seconds: float) -> float:
        """Return the CPU seconds that a run uses up; with several cores a busy replica uses all of them."""
        return seconds * max(self._cores, 1.0)
