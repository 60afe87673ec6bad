"""Run one process to its end, or end it with all that it started: by time, by an interrupt, or by our own end."""

import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

_PROGRESS = "progress: "
_LAST_LINES = 15
_LINE = 4096
_LOOK_S = 0.2
_DRAIN_S = 2.0
"""How long the last lines of a group that was killed may take; one that left its group may hold its output open."""


@dataclass(frozen=True)
class Limits:
    """How long it may take, in seconds."""

    time_s: float


@dataclass(frozen=True)
class Ended:
    """How a process ended. `code`: negative for a signal. `how`: what we ended it for; None where it ended itself."""

    code: int
    said: tuple[str, ...]
    how: str | None = None


def finished(command: Sequence[str], environment: dict[str, str], limits: Limits, tell: Callable[[str], None]) -> Ended:
    """A command run to its end in a group of its own; lines of progress are told, the last of the others kept.

    It begins in its HOME, where it has one: libraries leave files wherever they are.
    """
    until = time.monotonic() + limits.time_s
    last: deque[str] = deque(maxlen=_LAST_LINES)
    lines: queue.Queue[str | None] = queue.Queue(maxsize=1000)
    with subprocess.Popen(
        command,
        env=environment,
        cwd=environment.get("HOME"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - piped, just above
        threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
        how = None
        try:
            while process.poll() is None:
                if time.monotonic() > until:
                    how = f"did not end within {limits.time_s:g} s"
                    break
                _take(lines, last, tell, _LOOK_S)
        finally:
            _kill(process.pid)
        process.wait()
        drained = time.monotonic() + _DRAIN_S
        while time.monotonic() < drained and _take(lines, last, tell, _LOOK_S):
            pass
    return Ended(process.returncode, tuple(last), how)


def _take(lines: "queue.Queue[str | None]", last: deque[str], tell: Callable[[str], None], wait_s: float) -> bool:
    """Take one line; False after the last one."""
    try:
        line = lines.get(timeout=wait_s)
    except queue.Empty:
        return True
    if line is None:
        return False
    if line.startswith(_PROGRESS):
        tell(line.removeprefix(_PROGRESS))
    elif line:
        last.append(line)
    return True


def _read(stream: IO[bytes], lines: "queue.Queue[str | None]") -> None:
    with suppress(ValueError, OSError):  # closed, because its process was ended
        while data := stream.readline(_LINE):
            text = data.decode(errors="replace").rstrip()
            lines.put("".join(c for c in text if c.isprintable()))
    lines.put(None)


def _kill(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # it is gone; on macOS a group of the dead may not be signalled
        os.killpg(group, signal.SIGKILL)
