"""Tell what a server and its children take of this machine: memory and CPU time, as the kernel counts them."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


def processes(pid: int, proc: Path = PROC) -> list[int]:
    """A process and all that descend from it; none when it has ended."""
    found, ahead = [], [pid]
    while ahead:
        one = ahead.pop()
        try:
            tasks = list((proc / str(one) / "task").iterdir())
            ahead += [int(child) for task in tasks for child in (task / "children").read_text().split()]
        except OSError:
            continue  # it has ended meanwhile
        found.append(one)
    return found


def resident(pid: int, proc: Path = PROC) -> int:
    """Bytes of memory that a server and its children hold now."""
    return _status(pid, "VmRSS", proc)


def peak_resident(pid: int, proc: Path = PROC) -> int:
    """Bytes of memory that they have held at most, each by itself."""
    return _status(pid, "VmHWM", proc)


def cpu_s(pid: int, proc: Path = PROC) -> float:
    """Seconds of CPU time that they have used, those that still run."""
    total = 0
    for one in processes(pid, proc):
        try:
            fields = (proc / str(one) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def machine_cpu_s(proc: Path = PROC) -> float:
    """Seconds of CPU time that everything on this machine has used together, what a hypervisor took away included."""
    fields = [int(word) for word in (proc / "stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle, waiting = fields[3], fields[4]
    return (sum(fields) - idle - waiting) / _TICKS


def _status(pid: int, name: str, proc: Path) -> int:
    total = 0
    for one in processes(pid, proc):
        try:
            lines = (proc / str(one) / "status").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
    return total
