"""Find who holds a stack's lock.

The backend's lock is a file that names user, host and process. A run that was killed leaves it, and the CLI then
asks a person to remove it. Whether that run is gone is told by its note (engine_notes.py): a host's name and a
process's number are the same in another container.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

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


def holder_of(errors: Iterable[str], gone: Callable[[Holder], bool]) -> Holder | None:
    """Find who holds the stack in the engine's errors; None when they are about something else.

    Of several the first that is not `gone`: all locks are removed together, so that none may be of a living run.
    """
    found = [
        Holder(match["user"], match["host"], int(match["pid"]), match["since"])
        for text in errors
        if "currently locked" in text
        for match in _HOLDER.finditer(text)
    ]
    return next((holder for holder in found if not gone(holder)), found[0] if found else None)
