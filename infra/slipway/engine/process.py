"""Name a process so that another run can tell whether it is still there: host, boot, PID namespace, number, start.

A host name and a number are not enough: a container that shares the host's name counts its processes anew, a restart
counts them anew, and a number is given to another process when its owner has ended.
"""

import os
import re
import socket
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

_UNKNOWN = "-"
"""Stands for what this system does not tell: without /proc no process is ever said to be gone."""
_TEXT = re.compile(
    r"(?P<host>[^/\s]+)/(?P<boot>[^/\s]+)/(?P<namespace>[^/\s]+)/(?P<pid>[0-9]{1,10})/(?P<start>[^/\s]+)"
)
_ENDED = ("Z", "X")
"""States of a process that has ended and that its parent has not asked after."""


@dataclass(frozen=True)
class Process:
    """A process of some machine. `start`: clock ticks from the boot to its start, as text."""

    host: str
    boot: str
    namespace: str
    pid: int
    start: str

    def __str__(self) -> str:
        return "/".join(str(part) for part in asdict(self).values())

    @property
    def known(self) -> bool:
        """Whether enough is known of it to ever say that it is gone."""
        return _UNKNOWN not in (self.boot, self.namespace, self.start)


def parsed(text: str) -> Process | None:
    """A process from its text; None for any other text, also for `host/pid`, which once was all that was written."""
    found = _TEXT.fullmatch(text)
    if found is None:
        return None
    host, boot, namespace, pid, start = found.groups()
    return Process(host, boot, namespace, int(pid), start)


def spoken(text: str) -> str:
    """What a person calls the holder of a lock: `host (process 4711)` where the text says that much."""
    process = parsed(text)
    return f"{process.host} (process {process.pid})" if process else text


@dataclass(frozen=True)
class ProcessTable:
    """The processes of this machine as this process sees them: `folder` is /proc but in tests."""

    folder: Path = Path("/proc")

    @cached_property
    def own(self) -> Process:
        """This process."""
        return self._named(os.getpid(), "self")

    def child(self, pid: int) -> Process:
        """A process that this one has just started."""
        return self._named(pid, str(pid) if self._ours else None)

    def gone(self, process: Process) -> bool:
        """Whether a process has certainly ended: it was counted in this namespace of this boot, and is no more.

        Of a process of another host, boot or namespace nothing can be said: False.
        """
        own = self.own
        here = (own.host, own.boot, own.namespace)
        if not (process.known and own.known) or (process.host, process.boot, process.namespace) != here:
            return False
        try:
            # Asked of the kernel, since /proc may be another namespace's, or hide the processes of other users.
            os.kill(process.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass  # it is there, and another user's
        if not self._ours:
            return False
        now = self._stat(str(process.pid))
        return now is not None and (now[0] in _ENDED or now[1] != process.start)

    @property
    def _ours(self) -> bool:
        """Whether /proc counts as this process counts: that of an outer namespace may still be mounted."""
        try:
            return str((self.folder / "self").readlink()) == str(os.getpid())
        except OSError:
            return False

    def _named(self, pid: int, entry: str | None) -> Process:
        stat = self._stat(entry) if entry else None
        return Process(
            socket.gethostname(),
            self._read("sys/kernel/random/boot_id"),
            self._namespace(),
            pid,
            stat[1] if stat else _UNKNOWN,
        )

    def _read(self, path: str) -> str:
        try:
            return (self.folder / path).read_text().strip() or _UNKNOWN
        except OSError:
            return _UNKNOWN

    def _namespace(self) -> str:
        """`pid:[4026531836]` gives `4026531836`."""
        try:
            link = str((self.folder / "self/ns/pid").readlink())
        except OSError:
            return _UNKNOWN
        return link.removeprefix("pid:[").removesuffix("]") or _UNKNOWN

    def _stat(self, entry: str) -> tuple[str, str] | None:
        """State and start of a process. Its name, in brackets, may hold anything, brackets and blanks too."""
        fields = self._read(f"{entry}/stat").rpartition(")")[2].split()
        return (fields[0], fields[19]) if len(fields) > 19 else None


TABLE = ProcessTable()
"""The machine's own."""
