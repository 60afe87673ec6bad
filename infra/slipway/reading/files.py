"""Open the files that a person names: regular, inside the repository, and no pointer to something else."""

import os
import re
import stat
from io import BufferedReader
from pathlib import Path

_LFS_HEAD = b"version https://git-lfs.github.com/spec/"
_LFS_LIMIT = 1024
"""A pointer of Git LFS is shorter than that, https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md."""
_LFS_OBJECT = re.compile(rb"^oid sha256:([0-9a-f]{64})$", re.MULTILINE)

_LINKS = 40
"""As many does the system follow on one way."""


class BadFile(ValueError):
    """A file cannot be used: what is wrong with it, what is allowed, what to do next."""

    def __init__(self, problem: str, allowed: str, todo: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.allowed = allowed
        self.todo = todo


def inside(path: Path, root: Path) -> Path:
    """Return where a file really is, all links followed.

    A link may lead anywhere below `root`, as those of a Hugging Face cache do. One that leads out of it would carry a
    file of this machine, such as a key, into an image and out in answers.

    Raises:
        BadFile: it is not below `root`.
    """
    real, top = _real(path), _real(root)
    if real.is_relative_to(top):
        return real
    link = _leaving(path, top)
    named = link.relative_to(top) if link else None
    problem = f"leads out of {top}: {named} is a link to {link.readlink()}" if link else f"is not below {top}"
    allowed = f"files below {top}; a link may lead to one of these"
    raise BadFile(problem, allowed, "copy the file to where the link is" if link else "move the file into that folder")


def _real(path: Path) -> Path:
    # Unlike Path.resolve it raises nothing for a loop of links; opening the path says then what is wrong.
    return Path(os.path.realpath(path))


def _leaving(path: Path, top: Path) -> Path | None:
    """The link on the way of `path` that leaves `top`: the last one, where one leads to another."""
    found = None
    for _ in range(_LINKS):
        ways = (_real(part.parent) / part.name for part in (*reversed(path.parents), path) if part.name)
        link = next((way for way in ways if _leaves(way, top)), None)
        if link is None:
            break
        found, path = link, link.parent / link.readlink()
    return found


def _leaves(way: Path, top: Path) -> bool:
    return way.parent.is_relative_to(top) and os.path.islink(way) and not _real(way).is_relative_to(top)  # noqa: PTH114


def open_inside(path: Path, root: Path, kind: str) -> BufferedReader:
    """Open a regular file below `root`; see `inside` and `open_regular`."""
    real = inside(path, root)
    if os.path.islink(path) and not os.path.exists(real):  # noqa: PTH110, PTH114 - these take any name
        raise BadFile("is a link to a file that is not there", kind, "correct the link")
    return open_regular(real, kind)


def open_regular(path: Path, kind: str) -> BufferedReader:
    """Open a regular file to read its bytes; a pipe or a device is refused without waiting for it.

    Args:
        path: the file; `inside` has followed its links.
        kind: what the file should be, for messages.

    Raises:
        BadFile: missing, a folder, no regular file, or not readable.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise BadFile("does not exist", kind, "correct the name") from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, error, kind) from None
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise not_regular(mode, kind)


def _unreadable(path: Path, error: Exception, kind: str) -> BadFile:
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        mode = stat.S_IFREG
    if not stat.S_ISREG(mode):  # a socket cannot even be opened
        return not_regular(mode, kind)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return BadFile(f"cannot be read: {reason}", kind, "correct its name or permissions")


def not_regular(mode: int, kind: str) -> BadFile:
    """The refusal of a folder, pipe, device or socket."""
    if stat.S_ISDIR(mode):
        return BadFile("is a folder", kind, "name a file in it")
    return BadFile("is not a regular file", kind, "name a file")


def refuse_pointer(data: bytes, kind: str) -> None:
    """Raise BadFile if the bytes of a file are what Git LFS leaves in its place until the file is fetched."""
    if len(data) < _LFS_LIMIT and data.startswith(_LFS_HEAD):
        raise BadFile("is a Git LFS pointer, not the file itself", kind, "`git lfs pull` fetches the file")


def pointed_to(data: bytes) -> str | None:
    """The sha256 of the file that a Git LFS pointer stands for; None for bytes that are none."""
    if len(data) >= _LFS_LIMIT or not data.startswith(_LFS_HEAD):
        return None
    found = _LFS_OBJECT.search(data)
    return found[1].decode() if found else None
