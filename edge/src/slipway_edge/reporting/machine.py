"""What Linux says of this machine. What it does not say is None, never zero."""

import os
from pathlib import Path


class Machine:
    """Memory, temperature and disk; `proc` and `sys` are folders, those of Linux unless tests say so."""

    def __init__(self, disk: Path, proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> None:
        self._disk = disk
        self._proc = proc
        self._sys = sys

    def memory_free(self) -> int:
        """Bytes that can be had without swapping: `MemAvailable`.

        Raises:
            OSError, ValueError: this is no Linux.
        """
        return self._memory("MemAvailable")

    def memory_total(self) -> int:
        """Bytes that the machine has: `MemTotal`; raises as `memory_free`."""
        return self._memory("MemTotal")

    def _memory(self, wanted: str) -> int:
        for line in (self._proc / "meminfo").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name == wanted:
                return int(rest.split()[0]) * 1024
        raise ValueError(f"{self._proc / 'meminfo'} has no {wanted}")

    def temperature_c(self) -> float | None:
        """The hottest of the thermal zones, degrees Celsius."""
        found = []
        for zone in self._sys.glob("class/thermal/thermal_zone*/temp"):
            try:
                found.append(int(zone.read_text()) / 1000)
            except (OSError, ValueError):
                continue  # a sensor that is off
        return max(found, default=None)

    def disk_free(self) -> int:
        """Bytes that the agent's folder has left."""
        there = os.statvfs(self._disk)
        return there.f_bavail * there.f_frsize
