"""Assemble the build context of an image: a tar on disk, with exactly the bytes that the plan saw."""

import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

from slipway.dockerfile.context import ContextFile
from slipway.errors.full_disk import disk_errors
from slipway.errors.images import FileChanged
from slipway.plan.image import ImageFile
from slipway.reading.files import BadFile, open_regular


def planned_context(
    files: Sequence[ImageFile],
    dockerfile: Callable[[], str],
    wheels: Sequence[tuple[str, Path]] = (),
    context_files: Mapping[str, ContextFile] = MappingProxyType({}),
) -> IO[bytes]:
    """Return a tar for a build: the files, then the Dockerfile, which is asked for when all files are in.

    `wheels`: folders of installed wheels, each after its path in the tar, where the image has some of its own.
    `context_files`: what a person's own Dockerfile copies, by path in the tar; a file named Dockerfile gives way to
    what is built.

    Every file is digested as it is written. Between plan and build it may have been changed, or a link on its way may
    have been turned; the tag of the image would then say what is not in it, for ever.

    Raises:
        FileChanged: a file does not have the bytes that were planned.
        NoSpace: see `_spool`.
    """
    with _spool() as tar:
        for file in sorted(files, key=lambda file: file.context_path):
            if file.text is not None:
                _add_bytes(tar, file.context_path, file.text.encode())
                continue
            for name, sha256 in sorted(file.digests.items()):
                path = file.source / name if name else file.source
                _add_planned(tar, f"{file.context_path}/{name}" if name else file.context_path, path, sha256)
        for name, one in sorted(context_files.items()):
            if name != "Dockerfile":
                _add_planned(tar, name, one.path, one.sha256, 0o555 if one.executable else 0o444)
        for name, folder in wheels:
            _add_folder(tar, name, folder)
        _add_bytes(tar, "Dockerfile", dockerfile().encode())
        return _at_start(tar)


def folder_context(dockerfile: str, name: str, folder: Path) -> IO[bytes]:
    """Return a tar for a build: a Dockerfile, and all of a folder under `name`.

    Raises:
        NoSpace: see `_spool`.
    """
    with _spool() as tar:
        _add_bytes(tar, "Dockerfile", dockerfile.encode())
        _add_folder(tar, name, folder)
        return _at_start(tar)


def _add_folder(tar: tarfile.TarFile, name: str, folder: Path) -> None:
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and _wanted(p)):
        with path.open("rb") as handle:
            stat = os.fstat(handle.fileno())
            entry = _entry(f"{name}/{path.relative_to(folder).as_posix()}", stat.st_size)
            entry.mode = 0o555 if stat.st_mode & 0o100 else 0o444
            tar.addfile(entry, handle)


@contextmanager
def _spool() -> Iterator[tarfile.TarFile]:
    """A tar in a file without a name, not in memory: weights may be larger than that.

    Times, owners and order are fixed, so that the same content gives the same layers on every machine.
    Raises `NoSpace` when the disk is full.
    """
    folder = tempfile.gettempdir()
    with disk_errors("the files of an image cannot be put together", f"{folder} (TMPDIR names another folder)"):
        spool: Any = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - the caller of the context's maker closes it
        try:
            yield tarfile.open(fileobj=spool, mode="w")  # noqa: SIM115 - `_at_start` closes it
        except BaseException:
            spool.close()
            raise


def _at_start(tar: tarfile.TarFile) -> IO[bytes]:
    """End the tar, and return its file, to be read from the start."""
    tar.close()
    spool: Any = tar.fileobj
    spool.seek(0)
    return spool  # type: ignore[no-any-return]


def _add_planned(tar: tarfile.TarFile, name: str, path: Path, sha256: str, mode: int = 0o444) -> None:
    try:
        with open_regular(path, "the file that was planned") as handle:
            read = _Digested(handle)
            size = os.fstat(handle.fileno()).st_size
            tar.addfile(_entry(name, size, mode), read)
    except BadFile as error:
        raise FileChanged(path, error.problem) from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise FileChanged(
            path, "became shorter while it was read"
        ) from None  # so says tarfile, with nothing but a text
    if read.digest.hexdigest() != sha256:
        raise FileChanged(path, f"has the sha256 {read.digest.hexdigest()[:16]} now, and {sha256[:16]} was planned")


class _Digested(io.RawIOBase):
    """A file whose digest is made as it is read."""

    def __init__(self, handle: BufferedReader) -> None:
        self._handle = handle
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._handle.read(size)
        self.digest.update(data)
        return data


def _wanted(path: Path) -> bool:
    """Compiled files carry times, so they would change a layer whose content is the same."""
    return path.suffix != ".pyc" and path.name != ".lock"


def _add_bytes(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    tar.addfile(_entry(name, len(data)), io.BytesIO(data))


def _entry(name: str, size: int, mode: int = 0o444) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size = size
    entry.mode = mode
    return entry
