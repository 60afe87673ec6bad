"""Note which process of the engine works on which stack, so that the lock of a killed one is known for what it is.

Pulumi's lock names user, host and process number, which are the same in a container that shares the host's name. The
note of the run that made the lock says the rest: only with it, and when that process is gone, is a lock removed.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from slipway.engine.process import TABLE, Process, ProcessTable, parsed
from slipway.engine.stack_lock import Holder, holder_of

_KEPT_S = 30 * 24 * 3600.0
"""The note of a killed run is of use until its stack is touched again."""


def folder() -> Path:
    """Where the notes of this user's runs are: $XDG_STATE_HOME/slipway/engines."""
    base = os.environ.get("XDG_STATE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".local/state") / "slipway" / "engines"


def write(backend: str, stack: str, process: Process) -> Path | None:
    """Note that `process` works on a stack; gives the note, which goes when the process has ended in order.

    None where nothing can be written: a lock that such a run leaves has to be removed by a person.
    """
    note = folder() / f"{_digest(backend, stack)}-{process.pid}-{process.start}.json"
    try:
        note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _forget_old(note.parent)
        note.write_text(json.dumps({"process": str(process)}))
    except OSError:
        return None
    return note


def holder(backend: str, stack: str, errors: Iterable[str]) -> Holder | None:
    """Who keeps a command from its stack, by the command's errors; one that is still there before one that is gone."""
    return holder_of(errors, partial(abandoned, backend, stack))


def abandoned(backend: str, stack: str, holder: Holder, table: ProcessTable = TABLE) -> bool:
    """Whether a run of this machine noted the process that holds a stack's lock, and that process is gone."""
    return any(
        process.pid == holder.pid and process.host == holder.host and table.gone(process)
        for _, process in _of_stack(backend, stack)
    )


def forget(backend: str, stack: str, table: ProcessTable = TABLE) -> None:
    """Remove the notes about locks that were removed."""
    for note, process in _of_stack(backend, stack):
        if table.gone(process):
            note.unlink(missing_ok=True)


def _of_stack(backend: str, stack: str) -> Iterator[tuple[Path, Process]]:
    for note in sorted(folder().glob(f"{_digest(backend, stack)}-*.json")):
        try:
            process = parsed(json.loads(note.read_text())["process"])
        except (OSError, ValueError, TypeError, KeyError):
            continue  # cut off by a full disk: it says nothing
        if process is not None:
            yield note, process


def _forget_old(notes: Path) -> None:
    for note in notes.glob("*.json"):
        with suppress(FileNotFoundError):
            if time.time() - note.stat().st_mtime > _KEPT_S:
                note.unlink()


def _digest(backend: str, stack: str) -> str:
    return hashlib.sha256(f"{backend}\n{stack}".encode()).hexdigest()[:16]
