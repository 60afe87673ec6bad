"""Mend what a full disk leaves in a backend that is a folder: files of Pulumi's that are there and not whole.

The CLI writes beside a file and renames, but renames as well when there was no room to write. From then on every
command that meets such a lock, state or note on one ends in `unexpected end of JSON input` or `EOF`, until a person
removes it.
"""

import json
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

_WRITING_S = 2.0
_PAUSE_S = 0.2
_SAID = ("unexpected end of JSON input", "EOF")
_NOTES = ".attrs"
"""Type and digest of the file without this ending, beside it; the CLI does without."""
_BEFORE = ".bak"
"""The state that the one without this ending followed."""


def complained(errors: Iterable[str]) -> bool:
    """Whether errors of the CLI are those of a file that is not whole."""
    return any(text.strip().endswith(_SAID) for text in errors)


def mend(backend: str, project: str, stack: str | None = None) -> list[str]:
    """Remove torn files of a stack, or of all stacks of a project, and go back to the state before; says what was done.

    Nothing is touched where `backend` (PULUMI_BACKEND_URL) is no folder. What is removed was never written, so that no
    run can hold such a lock. A state that was saved once more before the disk was full is lost with it: objects that it
    alone knew are found by their names when the stack is brought up again.
    """
    root = folder_of(backend)
    if root is None:
        return []
    folder = root / ".pulumi"
    states = sorted((folder / "stacks" / project).glob(f"{stack or '*'}.json*"))
    locks = sorted((folder / "locks" / "organization" / project).glob(f"{stack or '*'}/*.json*"))
    done = [_remove(path) for path in locks if not _whole(path)]
    done += [_remove(path) for path in states if path.suffix in (_NOTES, _BEFORE) and not _whole(path)]
    done += [_step_back(path) for path in states if path.suffix == ".json" and not _whole(path)]
    return done


def unlock(backend: str, project: str, stack: str) -> bool:
    """Remove every lock of a stack; False where `backend` is no folder, or the stack has none."""
    root = folder_of(backend)
    locks = sorted((root / ".pulumi/locks/organization" / project / stack).glob("*.json")) if root else []
    for lock in locks:
        lock.unlink(missing_ok=True)
    return bool(locks)


def folder_of(backend: str) -> Path | None:
    """The folder that a backend's URL (PULUMI_BACKEND_URL) names, or None when it is another kind of backend."""
    parts = urlsplit(backend)
    return Path(parts.path) if parts.scheme == "file" and not parts.netloc else None


def _whole(path: Path) -> bool:
    """Whether a file is JSON to its end; one that is just being written gets time, one that went away is no trouble."""
    while True:
        try:
            json.loads(path.read_bytes())
        except FileNotFoundError:
            return True
        except ValueError:
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _WRITING_S:
                    return False
            time.sleep(_PAUSE_S)
        else:
            return True


def _remove(path: Path) -> str:
    path.unlink(missing_ok=True)
    return f"{path} is incomplete, as after a full disk: it has been removed"


def _step_back(state: Path) -> str:
    before = state.with_name(state.name + _BEFORE)
    if not before.exists():
        return _remove(state)
    state.with_name(state.name + _NOTES).unlink(missing_ok=True)  # they are of the state that is lost
    before.replace(state)
    return f"{state} is incomplete, as after a full disk: the state before it is used"
