"""How much memory this machine, or the container that we are in, has left."""

import os
from pathlib import Path

_LEAST = 2**30
"""Whoever has less would refuse steps that swap could still carry."""


def memory_bytes(meminfo: Path = Path("/proc/meminfo"), cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """What is available now; never less than 1 GiB. On systems without /proc, all that the machine has."""
    try:
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
        available = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError):
        available = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        limit, used = (cgroup / "memory.max").read_text().strip(), int((cgroup / "memory.current").read_text())
    except OSError:
        return max(_LEAST, available)
    return max(_LEAST, min(available, int(limit) - used) if limit.isdigit() else available)
