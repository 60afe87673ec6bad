"""Digest files of any size without holding them in memory."""

import hashlib
from functools import lru_cache
from pathlib import Path

from slipway.reading.files import open_regular
from slipway.reading.known_digests import remembered


def sha256_of(path: Path, kind: str) -> str:
    """The sha256 of a file in hex; one that did not change is read once per process, and a large one once at all.

    Args:
        path: the file, all links followed.
        kind: what the file should be, for messages.

    Raises:
        BadFile: it is not there, not regular, or not readable.
    """
    with open_regular(path, kind):  # says what is wrong with it
        status = path.stat()
    return _sha256(path, status.st_size, status.st_mtime_ns, kind)


@lru_cache(maxsize=4096)
def _sha256(path: Path, size: int, mtime_ns: int, kind: str) -> str:  # noqa: ARG001 - size and time are keys of the cache
    def read() -> str:
        with open_regular(path, kind) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    return remembered(path, path.stat(), read)
