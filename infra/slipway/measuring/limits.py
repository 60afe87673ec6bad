"""Hold processes to the CPU and memory of a replica by a control group, as a container runtime does; v1 and v2."""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from slipway.errors.base import SlipwayError

PERIOD_US = 100_000
"""The kernel's default, and the kubelet's."""
_PREFIX = "slipway-measure-"
_EMPTY_LIMIT_S = 10.0


class NoControlGroups(SlipwayError):
    """This machine gives no control group, without which nothing would hold the server to its limits."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"no control group for the model's server: {reason}; nothing was measured, since without limits the "
            "numbers would be those of this machine and not of a replica; next: run the command as root, or where a "
            'Docker Engine answers (`slipway local up` brings one; `eval "$(slipway local env)"` names it)'
        )


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Where control groups are made: the folders of the controllers for CPU and memory, which v2 has as one."""

    cpu: Path
    memory: Path
    unified: bool


def find_hierarchy(mounts: str) -> Hierarchy:
    """Return where control groups are made, given /proc/self/mounts; v2 only counts where v1 has not both controllers.

    Raises:
        NoControlGroups: neither is mounted.
    """
    unified: Path | None = None
    by_controller: dict[str, Path] = {}
    for fields in map(str.split, mounts.splitlines()):
        if fields[2] == "cgroup2":
            unified = Path(fields[1])
        elif fields[2] == "cgroup":
            by_controller |= dict.fromkeys(fields[3].split(","), Path(fields[1]))
    if "cpu" in by_controller and "memory" in by_controller:
        return Hierarchy(by_controller["cpu"], by_controller["memory"], unified=False)
    if unified is not None:
        return Hierarchy(unified, unified, unified=True)
    raise NoControlGroups("none is mounted (cgroup2 at /sys/fs/cgroup)")


class ControlGroup:
    """A group with limits, made for the block; what still runs in it at the end is killed, and the group is gone.

    Args:
        cpu: thousandths of a core.
        memory: bytes.
        hierarchy: where it is made; found on this machine when left out.
    """

    def __init__(self, cpu: int, memory: int, hierarchy: Hierarchy | None = None) -> None:
        self._cpu, self._memory = cpu, memory
        self._where = hierarchy or find_hierarchy(Path("/proc/self/mounts").read_text())
        self._folders = tuple(
            dict.fromkeys(top / f"{_PREFIX}{os.getpid()}" for top in (self._where.cpu, self._where.memory))
        )

    def __enter__(self) -> Self:
        sweep(self._where)
        try:
            if self._where.unified:
                (self._where.cpu / "cgroup.subtree_control").write_text("+cpu +memory")
            for folder in self._folders:
                folder.mkdir(exist_ok=True)
            self._limit()
        except OSError as error:
            for folder in self._folders:
                with contextlib.suppress(OSError):
                    folder.rmdir()
            raise NoControlGroups(f"{error.filename or self._folders[0]}: {error.strerror}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        remove(self._folders)

    def _limit(self) -> None:
        quota = self._cpu * PERIOD_US // 1000
        cpu, memory = self._folders[0], self._folders[-1]
        if self._where.unified:
            (cpu / "cpu.max").write_text(f"{quota} {PERIOD_US}")
            (memory / "memory.max").write_text(str(self._memory))
            swap = memory / "memory.swap.max"
            if swap.exists():  # a kernel without swap has no such file
                swap.write_text("0")
            return
        (cpu / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (cpu / "cpu.cfs_quota_us").write_text(str(quota))
        (memory / "memory.limit_in_bytes").write_text(str(self._memory))

    def entering(self, command: list[str]) -> list[str]:
        """Return the command as one that enters the group first, so that nothing of it runs without limits."""
        files = [str(folder / "cgroup.procs") for folder in self._folders]
        enter = " && ".join(f'echo $$ > "${number}"' for number in range(1, len(files) + 1))
        return ["/bin/sh", "-c", f'{enter} && shift {len(files)} && exec "$@"', "sh", *files, *command]


def sweep(where: Hierarchy) -> None:
    """Remove groups, and kill what runs in them, that a measurement left which was killed itself."""
    for top in dict.fromkeys((where.cpu, where.memory)):
        for folder in top.glob(f"{_PREFIX}*"):
            owner = folder.name.removeprefix(_PREFIX)
            if owner.isdecimal() and not Path(f"/proc/{owner}").exists():
                remove((folder,))


def remove(folders: tuple[Path, ...]) -> None:
    """Kill what is in groups and remove them.

    Raises:
        SlipwayError: a process in them did not end.
    """
    deadline = time.monotonic() + _EMPTY_LIMIT_S
    for folder in folders:
        while pids := _pids(folder):
            if time.monotonic() > deadline:
                raise SlipwayError(f"processes {pids} in {folder} did not end within {_EMPTY_LIMIT_S:.0f} s of SIGKILL")
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        while folder.exists():
            try:
                folder.rmdir()
            except OSError as error:  # the kernel lets go of what was killed a moment later
                if time.monotonic() > deadline:
                    raise SlipwayError(f"control group {folder} cannot be removed: {error.strerror}") from error
                time.sleep(0.02)


def _pids(folder: Path) -> list[int]:
    try:
        return [int(pid) for pid in (folder / "cgroup.procs").read_text().split()]
    except FileNotFoundError:
        return []
