"""Write and read the files of a backup, in a folder or a bucket; what is read is held against its digest first."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from slipway.backup.errors import BackupRefused, BackupUnread, BackupUnwritten, NoBackup, PlaceRefused
from slipway.backup.manifest import FORMAT, MANIFEST, Manifest, Stored
from slipway.history.backend import Backend, open_backend
from slipway.history.errors import NoHistory

_ALLOWED = "a folder, or the URL of a bucket as Pulumi takes it: s3://BUCKET/PATH?region=REGION, gs:// or azblob://"
_SCHEME = re.compile(r"(s3|gs|azblob|file)://[^?]")
_MANIFEST_MOST = 2**20
_PIECE = 2**20


class BackupPlace:
    """One backup: a folder of files, in a folder of this machine or in a bucket."""

    def __init__(self, backend: Backend, address: str) -> None:
        """`address`: what `--from` takes to name it."""
        self._backend = backend
        self.address = address

    def write(self, name: str, file: BinaryIO) -> Stored:
        """Write one file, from where `file` stands; raises `BackupUnwritten`."""
        import obstore  # noqa: PLC0415 - not for `--help`
        from obstore.exceptions import BaseError  # noqa: PLC0415 - as above

        start = file.tell()
        digest, size = hashlib.sha256(), 0
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
        file.seek(start)
        try:
            obstore.put(self._backend.store, self._key(name), file, mode="overwrite")
        except (BaseError, OSError, ValueError) as error:
            raise BackupUnwritten(self.file(name), _first_line(error)) from error
        return Stored(sha256=digest.hexdigest(), size=size)

    def read(self, name: str, stored: Stored, into: BinaryIO) -> None:
        """Read one file, and stand at its beginning; raises `BackupUnread`, or `BackupRefused` for another content."""
        digest, size = hashlib.sha256(), 0
        for piece in self._pieces(name):
            digest.update(piece)
            size += len(piece)
            into.write(piece)
        todo = "take another backup, or another version of this file where the bucket has versions"
        if size != stored.size:
            problem, allowed = "is not its size: it was cut off", str(stored.size)
            raise BackupRefused(self.file(name), "size", size, problem, allowed, todo)
        if digest.hexdigest() != stored.sha256:
            problem, allowed = "is not its digest: it changed", f"{stored.sha256}, as {MANIFEST} says"
            raise BackupRefused(self.file(name), "sha256", digest.hexdigest(), problem, allowed, todo)
        into.seek(0)

    def manifest(self) -> Manifest:
        """What the backup contains; raises `BackupUnread`, or `BackupRefused` for one that is not whole."""
        data = b""
        for piece in self._pieces(MANIFEST):
            data += piece
            if len(data) > _MANIFEST_MOST:
                break
        try:
            return Manifest.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            problem = f"is no manifest of a backup: {first['msg']}"
            allowed, todo = f"format {FORMAT}, whole", "take another backup, or the Slipway that wrote it"
            raise BackupRefused(self.file(MANIFEST), where, None, problem, allowed, todo) from error

    def file(self, name: str) -> str:
        """What a file is called in messages."""
        return self._backend.place(self._key(name))

    def _key(self, name: str) -> str:
        return f"{self._backend.prefix}/{name}".lstrip("/")

    def _pieces(self, name: str) -> Iterator[bytes]:
        import obstore  # noqa: PLC0415 - as above
        from obstore.exceptions import BaseError  # noqa: PLC0415 - as above

        try:
            for piece in obstore.get(self._backend.store, self._key(name)).stream(min_chunk_size=_PIECE):
                yield bytes(piece)
        except FileNotFoundError as error:
            raise NoBackup(self.file(name)) from error
        except (BaseError, OSError, ValueError) as error:
            raise BackupUnread(self.file(name), _first_line(error)) from error


def new_backup(to: str, name: str) -> BackupPlace:
    """Where a new backup is written: the folder `name` at `to`, a folder or a bucket; raises `PlaceRefused`."""
    todo = "write a folder, for example backups"
    _check("--to", to, todo)
    path, mark, query = to.partition("?") if "://" in to else (to, "", "")
    return _opened("--to", f"{path.rstrip('/')}/{name}{mark}{query}", todo)


def backup_at(address: str) -> BackupPlace:
    """The backup that is at an address, as `backup` printed it; raises `PlaceRefused`."""
    folder = address.removeprefix("file://").partition("?")[0]
    if "://" not in folder and not Path(folder).expanduser().is_dir():
        todo = "write what `slipway backup` printed"
        raise PlaceRefused("--from", address, "is no folder", "the folder or URL of one backup", todo)
    todo = "write what `slipway backup` printed"
    _check("--from", address, todo)
    return _opened("--from", address, todo)


def _check(option: str, address: str, todo: str) -> None:
    if not address.strip() or ("://" in address and not _SCHEME.match(address)):
        raise PlaceRefused(option, address, "is no place for a backup", _ALLOWED, todo)


def _opened(option: str, address: str, todo: str) -> BackupPlace:
    url = address if "://" in address else f"file://{Path(address).expanduser().absolute()}"
    try:
        return BackupPlace(open_backend(url, ""), address)
    except NoHistory as error:
        raise PlaceRefused(option, address.partition("?")[0], error.reason, _ALLOWED, todo) from error


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0].strip()[:400] or type(error).__name__
