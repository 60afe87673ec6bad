"""Own one control group below which every pod lives, on cgroup v1 and v2, and empty it."""

import contextlib
import os
import signal
import time
from pathlib import Path

from slipway.local.cluster import facts
from slipway.local.host.errors import LocalError

_EMPTY_LIMIT_S = 10.0


def hierarchies(mounts: str) -> list[Path]:
    """Where cgroup v1 hierarchies and the one of v2 are mounted, given /proc/self/mounts; a machine may have both."""
    entries = [line.split() for line in mounts.splitlines()]
    return [Path(fields[1]) for fields in entries if fields[2] in ("cgroup", "cgroup2")]


def controlling(mounts: str) -> list[Path]:
    """Where pods are put, given /proc/self/mounts: as for runc, v2 only counts where there is no v1."""
    kinds = {Path(fields[1]): fields[2] for fields in map(str.split, mounts.splitlines())}
    found = hierarchies(mounts)
    return [path for path in found if kinds[path] == "cgroup"] or found


def _mounts() -> str:
    return Path("/proc/self/mounts").read_text()


def create() -> None:
    """Make the group in every hierarchy: the kubelet wants it to be there. LocalError: the machine has none."""
    mounted = controlling(_mounts())
    if not mounted:
        raise LocalError("no control groups are mounted on this machine: mount cgroup2 at /sys/fs/cgroup")
    for hierarchy in mounted:
        try:
            enabled = hierarchy / "cgroup.subtree_control"
            if enabled.exists():
                controllers = (hierarchy / "cgroup.controllers").read_text().split()
                enabled.write_text(" ".join(f"+{name}" for name in controllers))
            (hierarchy / facts.CLUSTER_NAME).mkdir(exist_ok=True)
        except OSError as error:
            message = f"cannot make the control group {hierarchy / facts.CLUSTER_NAME}: {error.strerror}"
            raise LocalError(message) from error


def kill_all() -> list[str]:
    """Kill every process of every pod. Returns those that did not end within 10 s."""
    deadline = time.monotonic() + _EMPTY_LIMIT_S
    while pids := _pids():
        if time.monotonic() > deadline:
            return [f"process {pid} of a pod" for pid in sorted(pids)]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    return []


def remove() -> list[str]:
    """Remove the emptied groups, innermost first. Returns those that are still in use."""
    left = []
    for hierarchy in hierarchies(_mounts()):
        top = hierarchy / facts.CLUSTER_NAME
        if not top.exists():
            continue
        for folder, _, _ in os.walk(top, topdown=False):
            try:
                Path(folder).rmdir()
            except OSError as error:
                left.append(f"control group {folder}: {error.strerror}")
    return left


def _pids() -> set[int]:
    found: set[int] = set()
    for hierarchy in hierarchies(_mounts()):
        for folder, _, _ in os.walk(hierarchy / facts.CLUSTER_NAME):
            with contextlib.suppress(OSError):  # the group went away while we looked
                found.update(int(pid) for pid in Path(folder, "cgroup.procs").read_text().split())
    return found - {0}
