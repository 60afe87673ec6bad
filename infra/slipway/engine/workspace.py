"""Give the engine a folder of its own for a run, and remove those that killed runs left."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway.engine.process import TABLE, ProcessTable, parsed
from slipway.errors.full_disk import disk_errors

_PREFIX = "slipway-"
_OWNER = "owner"


@contextmanager
def workspace() -> Iterator[Path]:
    """An empty folder in $TMPDIR that only this user reads, while the block runs; it says whose it is."""
    base = Path(tempfile.gettempdir())
    remove_left(base)
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name:
        folder = Path(name)
        with disk_errors("the engine's folder cannot be written", folder):
            (folder / _OWNER).write_text(str(TABLE.own))
        yield folder


def remove_left(base: Path, table: ProcessTable = TABLE) -> None:
    """Remove folders of runs that are certainly gone: made by this user, here, and by a process that is no more.

    One that cannot be judged, or that another run removes just now, is left.
    """
    for folder in base.glob(f"{_PREFIX}*"):
        if _is_left(folder, table):
            shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path, table: ProcessTable) -> bool:
    try:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            return False
        owner = parsed((folder / _OWNER).read_text())
    except (OSError, ValueError):
        return False
    return owner is not None and table.gone(owner)
