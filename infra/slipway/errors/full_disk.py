"""Recognise a full disk, by the system's error or by what a program printed, and say where and what to do."""

import errno
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway.errors.failures import NoSpace

_SMALL = 16384
_FULL = (errno.ENOSPC, errno.EDQUOT)
_SAID = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_PATH = re.compile(r"(/[^\s`'\"]+)[`'\"]?: (?:no space left on device|disk quota exceeded)", re.IGNORECASE)


@contextmanager
def disk_errors(what: str, place: str | Path) -> Iterator[None]:
    """Raise `NoSpace` when the block, which does `what` at `place`, meets a full disk or a quota that is used up."""
    try:
        yield
    except OSError as error:
        if lack := full_disk(what, error, str(place)):
            raise lack from error
        raise


def full_disk(what: str, error: OSError, place: str = "") -> NoSpace | None:
    """The error for a system's error, when it tells of a full disk; the path is the one that it names, else `place`."""
    if error.errno not in _FULL:
        return None
    return NoSpace(what, str(error.filename or place or "where it writes to"), str(error.strerror))


def is_full(folder: Path) -> bool:
    """Whether the file system of a folder has no room even for a small file."""
    return folder.is_dir() and shutil.disk_usage(folder).free < _SMALL


def told(text: str) -> bool:
    """Whether a program's text tells of a full disk."""
    return _SAID.search(text) is not None


def full(what: str, place: str, said: Iterable[str]) -> NoSpace | None:
    """The error for what a program printed while it did `what`, when that tells of a full disk.

    The path is the one that the program named, else `place`. A `NoSpace` that came through a program, such as that of
    an image through the engine, has said where already and is not taken for another one.
    """
    for text in said:
        if NoSpace.TODO not in text and (found := _SAID.search(text)):
            path = _PATH.search(text)
            return NoSpace(what, path[1] if path else place, found[0])
    return None
