"""Say on what machine, how busy and with which versions a figure was measured; count CPU seconds by who used them."""

import os
import platform
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.local.host import processes

_TICKS = os.sysconf("SC_CLK_TCK")
_POLL_S = 0.05
_OWN = (14, 15)
_CHILDREN = (16, 17)
"""Fields of /proc/PID/stat as proc(5) counts them: user and system time."""
DAEMONS = {
    "provider": ("provider",),
    "cluster": (
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kubelet",
        "kube-proxy",
        "kwok",
        "coredns",
        "metrics-server",
        "containerd",
    ),
    "images": ("dockerd", "registry"),
}
"""Groups of the local environment's daemons, by their names in slipway.local.host.processes."""


@dataclass(frozen=True)
class Step:
    """One measured command: wall seconds, and CPU seconds by group of processes.

    `slipway` is the Python process itself, `pulumi` what it started, the rest are groups of DAEMONS.
    """

    wall_s: float
    cpu_s: Mapping[str, float]

    @property
    def all_cpu_s(self) -> float:
        """CPU seconds of everybody together."""
        return sum(self.cpu_s.values())


def describe() -> str:
    """One line: CPU, cores, memory, load, versions, day."""
    info = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    pulumi = subprocess.run(
        ["pulumi", "version"], capture_output=True, text=True, timeout=30, check=True
    ).stdout.strip()
    return (
        f"{len(os.sched_getaffinity(0))} cores of {model}, {memory:.0f} GiB, Linux {platform.release()}, "
        f"Python {platform.python_version()}, Pulumi {pulumi}, load {os.getloadavg()[0]:.1f} before it began, "
        f"{time.strftime('%Y-%m-%d')}"
    )


def measured(command: list[str], env: Mapping[str, str], log: Path, limit_s: float) -> Step:
    """Run a command to its end, its output into `log`; RuntimeError with the log's end when it fails."""
    before = {group: _daemons_cpu(names) for group, names in DAEMONS.items()}
    started = time.monotonic()
    with log.open("a") as output:
        process = subprocess.Popen(command, env=env, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        children = 0.0
        while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
            children = _cpu(process.pid, *_CHILDREN) or children
            if time.monotonic() - started > limit_s:
                process.kill()
            time.sleep(_POLL_S)
    wall = time.monotonic() - started
    _, status, usage = ended
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        end = "\n".join(log.read_text().splitlines()[-20:])
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{end}")
    cpu = {"slipway": usage.ru_utime + usage.ru_stime - children, "pulumi": children}
    return Step(wall, cpu | {group: _daemons_cpu(names) - before[group] for group, names in DAEMONS.items()})


def _daemons_cpu(names: tuple[str, ...]) -> float:
    pids = [processes.pid(name) for name in names]
    return sum(_cpu(pid, *_OWN) or 0.0 for pid in pids if pid is not None)


def _cpu(pid: int, *fields: int) -> float | None:
    """The sum of fields of /proc/PID/stat that count clock ticks, in seconds; None when the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The second field, the name in parentheses, may hold spaces.
    values = text.rpartition(")")[2].split()
    return sum(int(values[field - 3]) for field in fields) / _TICKS
