"""Remember digests of large files between runs: a plan would else read gigabytes to find that nothing changed.

A file is known by its path, its size, its inode and the times of its last changes, of which nobody can set the second
(ctime). What is deployed is digested again on its way, so that a wrong memory could refuse a deployment and never
serve other bytes.
"""

import contextlib
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from slipway.values.user_cache import user_cache

LARGE = 64 * 2**20
"""Smaller files are read in less time than a person notices."""
_SETTLED_S = 2.0
"""A file that changed so lately may change again within one tick of its file system's clock."""


def remembered(path: Path, status: os.stat_result, read: Callable[[], str]) -> str:
    """The digest of a file: as an earlier run found it, if the file is large and the same; else what `read` finds."""
    if status.st_size < LARGE:
        return read()
    about = f"{path.resolve()} {status.st_size} {status.st_ino} {status.st_mtime_ns} {status.st_ctime_ns}"
    file = _folder() / hashlib.sha256(about.encode()).hexdigest()
    with contextlib.suppress(OSError):
        known = file.read_text()
        if len(known) == 64:
            return known
    settled = time.time() - max(status.st_mtime, status.st_ctime) > _SETTLED_S
    digest = read()
    if settled:
        _remember(file, digest)
    return digest


def _folder() -> Path:
    return user_cache() / "digests"


def _remember(file: Path, digest: str) -> None:
    # A memory that cannot be kept costs the next run some seconds, and nothing else.
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = file.with_name(f".{file.name}.{os.getpid()}")
        new.write_text(digest)
        new.replace(file)
