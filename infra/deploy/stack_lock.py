"""Tell who holds a stack's lock, and whether that run is still there.

The backend's lock is a file that names user, host and process. A run that was killed leaves it, and the CLI then
asks a person to remove it. When the process was on this host and is gone, nobody needs to be asked.
"""

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_HOLDER = re.compile(r"created by (?P<user>\S*)@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)")


@dataclass(frozen=True)
class Holder:
    """The process that made a lock file. `since` is the backend's text of the time."""

    user: str
    host: str
    pid: int
    since: str

    def __str__(self) -> str:
        return f"{self.user}@{self.host} (process {self.pid}, since {self.since})"


def holder_of(errors: Iterable[str]) -> Holder | None:
    """Find the holder in the engine's errors; None when they are about something else."""
    for text in errors:
        if "currently locked" in text and (found := _HOLDER.search(text)):
            return Holder(found["user"], found["host"], int(found["pid"]), found["since"])
    return None


def abandoned(holder: Holder, host: str | None = None, processes: Path = Path("/proc")) -> bool:
    """Whether the holder was on this host and is gone. Of other hosts nothing can be said: False.

    A process number that now belongs to another program counts as gone: only `pulumi` makes these locks.
    """
    if holder.host != (host or socket.gethostname()) or not processes.is_dir():
        return False
    try:
        name = (processes / str(holder.pid) / "comm").read_text().strip()
    except OSError:
        return True
    return "pulumi" not in name
