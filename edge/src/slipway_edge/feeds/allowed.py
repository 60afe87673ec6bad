"""What feeds may touch on the device: folders below one that the device's owner named, and one folder of secrets.

A document says which folder; who signs it must not be able to read anything else of the machine with it.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway_edge.values.errors import Away

_SECRET_LIMIT = 64 * 1024


class Allowed:
    """`below`: `--feeds`, None where it was not given; `secrets`: files that documents may name and never say."""

    def __init__(self, below: Path | None, secrets: Path) -> None:
        self._below = below
        self._secrets = secrets

    @contextmanager
    def folder(self, path: str) -> Iterator[int]:
        """A folder's descriptor while the block runs: what is done by it happens there, whatever the path becomes.

        Raises:
            Away: it is not below `--feeds`, not there, or no folder.
        """
        if self._below is None:
            raise Away(f"folder {path}: this agent was started without --feeds")
        try:
            base, found = self._below.resolve(strict=True), Path(path).resolve(strict=True)
            if found != base and base not in found.parents:
                raise Away(f"folder {path} is not below {base}, which --feeds allows")
            number = os.open(found, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise Away(f"folder {path}: {error.strerror}") from None
        try:
            # Links that were made since then are found out by where the descriptor is.
            there = Path(f"/proc/self/fd/{number}").readlink()
            if there != base and base not in there.parents:
                raise Away(f"folder {path} is not below {base}, which --feeds allows")
            yield number
        finally:
            os.close(number)

    def secret_path(self, name: str) -> Path:
        """The file of a secret, which its owner alone may read.

        Raises:
            Away: it is not there, or others may read it.
        """
        path = self._secrets / name
        try:
            mode = path.lstat().st_mode
        except OSError as error:
            raise Away(f"secret {path}: {error.strerror}") from None
        if not stat.S_ISREG(mode) or mode & 0o077:
            raise Away(f"secret {path}: allowed: a file that its owner alone may read; next: chmod 600 {path}")
        return path

    def secret(self, name: str) -> str:
        """What is in it, without the end of the line."""
        path = self.secret_path(name)
        try:
            text = path.read_bytes()[: _SECRET_LIMIT + 1].decode()
        except (OSError, ValueError) as error:
            raise Away(f"secret {path}: {type(error).__name__}") from None
        return text.rstrip("\r\n")
