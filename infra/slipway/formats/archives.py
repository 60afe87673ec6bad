"""Unpack archives of weights: nothing outside of the folder, no links out of it, no more than is told and allowed."""

import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

from slipway.errors.full_disk import disk_errors
from slipway.reading.files import BadFile, inside
from slipway.values.quantities import format_bytes

MAX_MEMBERS = 10_000
MAX_BYTES = 64 * 2**30
_MAX_RATIO = 200
"""Weights hardly compress: numbers that do so 200 times are a bomb, or zeros that nobody needs."""
_SMALL = 2**20
_KIND = "an archive with the folder of a SavedModel"


def is_tar(path: Path) -> bool:
    """Whether a file is a tar file, compressed or not."""
    try:
        return tarfile.is_tarfile(path)
    except (OSError, EOFError):
        return False


def tar_names(path: Path) -> set[str]:
    """The names in a tar file, without a leading `./`; raises `BadFile` for too many."""
    names: set[str] = set()
    with tarfile.open(path) as archive:
        for member in archive:
            names.add(member.name.removeprefix("./"))
            _count(len(names))
    return names


def zip_names(path: Path) -> set[str]:
    """The names in a zip file; raises `BadFile` for too many."""
    with zipfile.ZipFile(path) as archive:
        _count(len(archive.infolist()))
        return {info.filename.removeprefix("./") for info in archive.infolist()}


def unpack(path: Path, folder: Path, max_bytes: int = MAX_BYTES) -> str:
    """Unpack an archive of a SavedModel, or copy its folder, into a folder that is empty.

    Args:
        path: a tar file, a zip file, or a folder, whose links may lead to files below itself only.
        folder: takes the files.
        max_bytes: as much may they be together.

    Returns:
        Where saved_model.pb is, relative to `folder`: the name of a folder in it, or ".".

    Raises:
        BadFile: a member would leave the folder, is a device or a link out of it, or there are too many or too large.
        NoSpace: the disk is full.
    """
    with disk_errors("weights were not unpacked", folder):
        if path.is_dir():
            _copy(path, folder, max_bytes)
        elif zipfile.is_zipfile(path):
            _unzip(path, folder, max_bytes)
        else:
            _untar(path, folder, max_bytes)
    found = sorted(folder.rglob("saved_model.pb"))
    if len(found) != 1:
        todo = "pack the folder of one SavedModel"
        raise BadFile(f"has {len(found)} files saved_model.pb", _KIND, todo)
    return str(found[0].parent.relative_to(folder))


def _untar(path: Path, folder: Path, max_bytes: int) -> None:
    """Python's own filter for this is not in every 3.11 (Debian 12 has none), so each member is written by `_write`."""
    try:
        with tarfile.open(path) as archive:
            total = 0
            for count, member in enumerate(archive, 1):
                _count(count)
                to = _way(folder, member.name, plain=member.isreg() or member.isdir())
                total += member.size
                _bound(member.name, total, path.stat().st_size, max_bytes)
                if (stream := archive.extractfile(member)) is not None:
                    with stream:
                        _write(stream, to, member.name)
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise BadFile(f"is a broken tar file: {error}", _KIND, _AGAIN) from None


def _unzip(path: Path, folder: Path, max_bytes: int) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            total = 0
            for count, info in enumerate(archive.infolist(), 1):
                _count(count)
                to = _way(folder, info.filename, plain=not stat.S_ISLNK(info.external_attr >> 16))
                total += info.file_size
                _bound(info.filename, total, path.stat().st_size, max_bytes)
                if not info.is_dir():
                    with archive.open(info) as stream:  # gives no more than the size that was told, and checks the sum
                        _write(stream, to, info.filename)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise BadFile(f"is a zip file that cannot be read: {error}", _KIND, _AGAIN) from None


def _way(folder: Path, name: str, *, plain: bool) -> Path:
    """Where a member belongs. Links are refused whole: no SavedModel has one, and none is needed to leave a folder."""
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or "\\" in name or "\0" in name:
        raise BadFile(f"is refused: its member {name!r} leads out of the folder", "names below the folder", _AGAIN)
    if not plain:
        raise BadFile(f"is refused: its member {name!r} is a link or a device", "files and folders", _AGAIN)
    return folder / parts


def _write(stream: IO[bytes], to: Path, name: str) -> None:
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        with to.open("xb") as target:
            shutil.copyfileobj(stream, target, _SMALL)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise BadFile(f"is refused: it has {name!r} twice", "one member for each file", _AGAIN) from None


def _copy(source: Path, folder: Path, max_bytes: int) -> None:
    total = 0
    for count, path in enumerate(sorted(source.rglob("*")), 1):
        _count(count)
        try:
            real = inside(path, source)
        except BadFile as error:
            name = path.relative_to(source)
            raise BadFile(f"has {str(name)!r}, which {error.problem}", error.allowed, error.todo) from None
        to = folder / path.relative_to(source)
        if real.is_file():
            total += real.stat().st_size
            _bound(path.name, total, total, max_bytes)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(real, to)
        elif not real.is_dir():
            raise BadFile(f"has {path.name!r}, which is no file", "files and folders", "remove it")
        elif path.is_symlink():
            raise BadFile(f"has {path.name!r}, a link to a folder", "files and folders", "copy the folder there")


def _count(members: int) -> None:
    if members > MAX_MEMBERS:
        raise BadFile(f"has more than {MAX_MEMBERS} members", _KIND, "pack the folder of one SavedModel")


def _bound(name: str, total: int, packed: int, max_bytes: int) -> None:
    if total > max_bytes:
        problem = f"would be more than {format_bytes(max_bytes)} when it is unpacked (at {name!r})"
        raise BadFile(problem, _KIND, "pack the folder of one SavedModel")
    if total > _SMALL and total > packed * _MAX_RATIO:
        problem = f"would be {total // packed} times as large when it is unpacked (at {name!r})"
        raise BadFile(problem, f"{_MAX_RATIO} times at most", "pack it without compression if its numbers are right")


_AGAIN = "pack the folder again: tar -czf model.tar.gz -C FOLDER ."
