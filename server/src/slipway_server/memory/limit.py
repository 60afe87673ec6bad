"""Tell how much memory this process may take: the pod's limit, and what of it is taken already."""

import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
PROC = Path("/proc")
# Where a process without a limit has its number in cgroup v1: the largest count of pages that fits 63 bits.
_NO_LIMIT = 2**62


def memory_limit(cgroups: Path = CGROUPS, proc: Path = PROC) -> int:
    """Return the bytes that the kernel lets this process have: its cgroup's limit, else the machine's memory.

    The limits of all groups above count too, and the smallest holds. In a container the path in /proc/self/cgroup
    may be the host's, of which only the root of the mount is there.
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_limits(cgroups, proc)])


def resident(proc: Path = PROC, process: int | str = "self") -> int:
    """Return the bytes of memory that this process, or another of the pod, holds now."""
    return int((proc / str(process) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _limits(cgroups: Path, proc: Path) -> list[int]:
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        lines = []
    paths = {controllers: path for _, controllers, path in (line.split(":", 2) for line in lines)}
    found: list[int] = []
    for root, name, path in (
        (cgroups, "memory.max", paths.get("", "/")),
        (cgroups / "memory", "memory.limit_in_bytes", paths.get("memory", "/")),
    ):
        folder = root / path.strip("/")
        while True:
            found += _limit(folder / name)
            if folder == root:
                break
            folder = folder.parent
    return found


def _limit(file: Path) -> list[int]:
    try:
        text = file.read_text().strip()
    except OSError:
        return []
    return [int(text)] if text.isdecimal() and 0 < int(text) < _NO_LIMIT else []
