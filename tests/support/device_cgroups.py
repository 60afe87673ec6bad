"""The control group of a device: what its engine, agent and containers may use together, what they did, and its end.

On cgroup v1 and v2, whichever has the memory controller here.
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_EMPTY_LIMIT_S = 30
_SAMPLE_S = 0.5
_ENTER = 'echo $$ >"$0" && exec "$@"'


class DeviceGroup:
    """A group with a limit of memory, and two below it: for the engine and the agent, and for the containers.

    Attributes:
        parent: the name that a Docker Engine takes as `--cgroup-parent`.
        anonymous_peak: most bytes that its processes held themselves, sampled twice a second; what is only a copy of a
            file counts as well against the limit, and is given back before anything is killed.
    """

    def __init__(self, name: str, memory: int) -> None:
        """Make it in the hierarchy that has the memory controller; `memory`: bytes."""
        self.memory = memory
        self.parent = f"/{name}/containers"
        self.anonymous_peak = 0
        top, self._v1 = _hierarchy()
        self._folder = top / name
        self._engine = self._folder / "engine"
        for each in (top, self._folder) if not self._v1 else ():
            each.mkdir(exist_ok=True)
            (each / "cgroup.subtree_control").write_text("+memory")
        for each in (self._folder, self._engine, self._folder / "containers"):
            each.mkdir(exist_ok=True)
        (self._folder / ("memory.limit_in_bytes" if self._v1 else "memory.max")).write_text(str(memory))

    def within(self, *argv: str) -> list[str]:
        """The same command, run in the group."""
        return ["sh", "-c", _ENTER, str(self._engine / "cgroup.procs"), *argv]

    def sample(self) -> None:
        """Look at what its processes hold now."""
        with contextlib.suppress(OSError):
            stat = dict(line.split() for line in (self._folder / "memory.stat").read_text().splitlines())
            self.anonymous_peak = max(self.anonymous_peak, int(stat["total_rss" if self._v1 else "anon"]))

    def peak(self) -> int:
        """Most bytes that counted against the limit, copies of files too."""
        return int((self._folder / ("memory.max_usage_in_bytes" if self._v1 else "memory.peak")).read_text())

    def killed_for_memory(self) -> int:
        """Processes that the kernel ended because the limit was reached, the models' own limits included."""
        file = "memory.oom_control" if self._v1 else "memory.events"
        folders = [Path(folder) for folder, _, _ in os.walk(self._folder)] if self._v1 else [self._folder]
        lines = [line for folder in folders for line in (folder / file).read_text().splitlines()]
        return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))

    def kill(self) -> None:
        """SIGKILL to all of it, as when the power goes: nothing is told, nothing is flushed."""
        until = time.monotonic() + _EMPTY_LIMIT_S
        while pids := self._pids():
            assert time.monotonic() < until, f"{self._folder}: {pids} did not end within {_EMPTY_LIMIT_S} s"
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)

    def remove(self) -> None:
        """Take the groups away, innermost first."""
        for folder, _, _ in os.walk(self._folder, topdown=False):
            Path(folder).rmdir()

    def _pids(self) -> set[int]:
        found: set[int] = set()
        for folder, _, _ in os.walk(self._folder):
            with contextlib.suppress(OSError):  # the group went away while we looked
                found.update(map(int, (Path(folder) / "cgroup.procs").read_text().split()))
        return found - {0}


@contextmanager
def device_group(name: str, memory: int) -> Iterator[DeviceGroup]:
    """Have a group while the block runs, sampled all the time; what is in it then is killed."""
    group = DeviceGroup(name, memory)
    over = threading.Event()

    def samples() -> None:
        while not over.wait(_SAMPLE_S):
            group.sample()

    thread = threading.Thread(target=samples, daemon=True)
    thread.start()
    try:
        yield group
    finally:
        over.set()
        thread.join()
        group.kill()
        group.remove()


def _hierarchy() -> tuple[Path, bool]:
    """Where the memory controller is mounted, and whether that is v1."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    for fields in mounts:
        if fields[2] == "cgroup" and "memory" in fields[3].split(","):
            return Path(fields[1]), True
    return next(Path(fields[1]) for fields in mounts if fields[2] == "cgroup2"), False
