"""Tell how old this process is: what Python and the imports took belongs to a start as much as the rest."""

import os
import time
from pathlib import Path

# Of proc(5): the 22nd field, counted after the command's name, which may contain anything.
_START_TIME = 19


def process_age_s(stat: Path = Path("/proc/self/stat")) -> float:
    """Return the seconds since this process was started, to a hundredth of a second."""
    ticks = int(stat.read_text().rpartition(")")[2].split()[_START_TIME])
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"))
