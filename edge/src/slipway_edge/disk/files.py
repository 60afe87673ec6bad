"""Write files so that a power cut leaves the old one or the new one."""

import os
from pathlib import Path
from typing import Protocol


class Disk(Protocol):
    """What an operating system offers; tests put one here that loses power between any two of these."""

    def create(self, path: Path, data: bytes, mode: int) -> None:
        """Make a new file; until it is synced, a power cut may leave any part of the data, or no file."""

    def sync(self, path: Path) -> None:
        """The file's data outlive a power cut from now on."""

    def rename(self, path: Path, to: Path) -> None:
        """Give a file another name; until the folder is synced, a power cut may undo it."""

    def unlink(self, path: Path) -> None:
        """Remove a file, if it is there; until the folder is synced, a power cut may undo it."""

    def sync_folder(self, path: Path) -> None:
        """The names in the folder outlive a power cut from now on."""

    def read(self, path: Path) -> bytes | None:
        """The bytes of a file; None: it is not there."""

    def names(self, folder: Path) -> list[str]:
        """The files in a folder; none where there is no such folder."""

    def size(self, path: Path) -> int | None:
        """Bytes of a file; None: it is not there."""

    def append(self, path: Path, data: bytes) -> None:
        """Add to a file; until it is synced, a power cut may leave less of it, or zeros in its place."""

    def read_at(self, path: Path, offset: int, length: int) -> bytes:
        """Bytes of a file from `offset` on: `length`, or what there is."""

    def truncate(self, path: Path, size: int) -> None:
        """Leave the first `size` bytes of a file; until it is synced, a power cut may undo it."""


class Files:
    """Whole files on a disk."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def write(self, path: Path, data: bytes, mode: int) -> None:
        """Replace a file; when this returns, the new one outlives a power cut. Write beside, sync, rename, sync.

        Raises:
            OSError: the disk is full or broken; the file before stays.
        """
        beside = path.with_name(f".{path.name}.new")
        # Taken away first: a file that is there would keep its own mode.
        self._disk.unlink(beside)
        self._disk.create(beside, data, mode)
        self._disk.sync(beside)
        self._disk.rename(beside, path)
        self._disk.sync_folder(path.parent)

    def read(self, path: Path) -> bytes | None:
        """The bytes of a file; None: it is not there."""
        return self._disk.read(path)

    def names(self, folder: Path) -> list[str]:
        """Of the files in a folder, in no order."""
        return self._disk.names(folder)

    def remove(self, path: Path) -> None:
        """Take a file away, if it is there; a power cut soon after may bring it back."""
        self._disk.unlink(path)


class RealDisk:
    """The operating system's."""

    def create(self, path: Path, data: bytes, mode: int) -> None:
        """Make a new file, which nobody but whom `mode` names can ever read."""
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(number, "wb") as file:
            file.write(data)

    def sync(self, path: Path) -> None:
        """Wait until the file's data are on the disk."""
        _synced(path, os.O_RDONLY)

    def rename(self, path: Path, to: Path) -> None:
        """Give a file another name, in place of whatever has it."""
        path.rename(to)

    def unlink(self, path: Path) -> None:
        """Remove a file, if it is there."""
        path.unlink(missing_ok=True)

    def sync_folder(self, path: Path) -> None:
        """Wait until the folder's names are on the disk."""
        _synced(path, os.O_RDONLY | os.O_DIRECTORY)

    def read(self, path: Path) -> bytes | None:
        """The bytes of a file; None: it is not there."""
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def names(self, folder: Path) -> list[str]:
        """The files in a folder; none where there is no such folder."""
        return sorted(one.name for one in folder.iterdir()) if folder.is_dir() else []

    def size(self, path: Path) -> int | None:
        """Bytes of a file; None: it is not there."""
        try:
            return path.stat().st_size
        except FileNotFoundError:
            return None

    def append(self, path: Path, data: bytes) -> None:
        """Add to a file that is there."""
        number = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        with os.fdopen(number, "wb") as file:
            file.write(data)

    def read_at(self, path: Path, offset: int, length: int) -> bytes:
        """Bytes of a file from `offset` on: `length`, or what there is."""
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def truncate(self, path: Path, size: int) -> None:
        """Leave the first `size` bytes of a file."""
        os.truncate(path, size)


def real_files() -> Files:
    """Files on the operating system's disk."""
    return Files(RealDisk())


def _synced(path: Path, flags: int) -> None:
    number = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)
