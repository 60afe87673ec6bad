"""Keep fetched files on this machine under their sha256: whole, read-only, never half-written under that name."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Self

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from slipway.errors.failures import NoSpace
from slipway.reading.digests import sha256_of
from slipway.reading.files import BadFile
from slipway.values.quantities import format_bytes
from slipway.values.user_cache import user_cache

_LOCK_LIMIT_S = 3600.0
"""As long as the largest file may take on a slow line; who waits longer is told for whom."""
_SPARE = 64 * 2**20
"""What the disk keeps beside the file."""
_BLOCK = 2**20


class _Begun(BaseModel):
    """What is known of a file that is not whole yet: which one it was at its source, and its length in bytes."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    version: str | None
    total: int | None


class Part:
    """A file that is being fetched. What has arrived is digested as it is written, and outlives this process."""

    def __init__(self, path: Path) -> None:
        """Continue the file at `path`, or begin it."""
        self._path = path
        self._note = path.with_suffix(".json")
        self._stream: BinaryIO = path.open("ab")
        self._digest = hashlib.sha256()
        self.size = 0
        self.version: str | None = None
        self.total: int | None = None
        self.continued = False
        self._continue()

    def _continue(self) -> None:
        try:
            begun = _Begun.model_validate_json(self._note.read_bytes())
        except (OSError, ValidationError):
            self.restart()
            return
        self.version, self.total = begun.version, begun.total
        with self._path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                self._digest.update(block)
                self.size += len(block)
        self.continued = self.size > 0

    def restart(self) -> None:
        """Forget what has arrived."""
        self._stream.truncate(0)
        self._digest = hashlib.sha256()
        self.size, self.version, self.total, self.continued = 0, None, None, False

    def begin(self, version: str | None, total: int | None) -> None:
        """Note what is being fetched; raises `NoSpace` when the disk has no room for the rest of it."""
        self.version, self.total = version, total
        if total is not None:
            free, needed = shutil.disk_usage(self._path.parent).free, total - self.size + _SPARE
            if free < needed:
                reason = f"{format_bytes(needed)} are needed and {format_bytes(free)} are free"
                raise NoSpace(
                    "weights cannot be fetched", f"{self._path.parent} (XDG_CACHE_HOME names another)", reason
                )
        self._note.write_text(json.dumps({"version": version, "total": total}))

    def write(self, block: bytes) -> None:
        """Add what has arrived. Where the disk is full, what was there is given up, so that others have room again."""
        try:
            self._stream.write(block)
        except OSError:
            os.truncate(self._path, 0)  # not by the stream, which would write its buffer first
            self._note.unlink(missing_ok=True)
            raise
        self._digest.update(block)
        self.size += len(block)

    @property
    def sha256(self) -> str:
        """Of what has arrived so far."""
        return self._digest.hexdigest()

    def move(self, to: Path) -> None:
        """Give the file its final name, with every byte of it on the disk."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._path.chmod(0o444)
        self._path.replace(to)
        self._note.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()


class Cache:
    """The folder of fetched files: `sha256/HEX` has the bytes whose digest that is, `partial` what is on its way."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._whole = folder / "sha256"
        self._partial = folder / "partial"
        self._used = folder / "used"

    @classmethod
    def of_user(cls) -> "Cache":
        """The cache of this user: below XDG_CACHE_HOME, or ~/.cache where that is not set."""
        return cls(user_cache() / "artifacts")

    def place(self, sha256: str) -> Path:
        """Where the file with that digest is, or would be."""
        return self._whole / sha256

    def find(self, sha256: str) -> Path | None:
        """The file with that digest, if it is here whole and right; a damaged one is removed."""
        path = self.place(sha256)
        if not path.is_file():
            return None
        if sha256_of(path, "a fetched file") == sha256:
            self._mark(sha256)
            return path
        path.unlink(missing_ok=True)
        return None

    @contextmanager
    def part(self, address: str) -> Iterator[Part]:
        """The file of an address that is on its way here, which no other process touches meanwhile.

        Raises:
            BadFile: the folder cannot be written, or another process goes on fetching the same for an hour.
        """
        name = hashlib.sha256(address.encode()).hexdigest()
        try:
            for folder in (self._whole, self._partial):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            held = FileLock(self._partial / f"{name}.lock", timeout=_LOCK_LIMIT_S, fallback_to_soft=False).acquire()
        except Timeout:
            problem = f"is being fetched by another process, which did not finish in {_LOCK_LIMIT_S / 60:.0f} min"
            raise BadFile(problem, "one process that fetches it", "wait for that process, or end it") from None
        except OSError as error:
            problem = f"cannot be kept in {self.folder}: {error.strerror}"
            todo = "correct the folder's permissions, or name another by XDG_CACHE_HOME"
            raise BadFile(problem, "a folder that can be written", todo) from None
        with held, Part(self._partial / f"{name}.part") as part:
            yield part

    def keep(self, part: Part) -> Path:
        """Give a file that is whole the name of its digest."""
        path = self.place(part.sha256)
        part.move(path)
        self._mark(part.sha256)
        return path

    def take(self, path: Path) -> str:
        """Move a file that is whole, and on the same disk, to the name of its digest; returns the digest."""
        self._whole.mkdir(parents=True, exist_ok=True, mode=0o700)
        sha256 = sha256_of(path, "a file that a step wrote")
        path.chmod(0o444)
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
        path.replace(self.place(sha256))
        self._mark(sha256)
        return sha256

    def last_used(self, path: Path) -> float:
        """When a file was last asked for, in seconds since 1970; the file itself keeps its times, which are known."""
        try:
            return (self._used / path.name).stat().st_mtime
        except OSError:
            return path.stat().st_mtime

    def _mark(self, sha256: str) -> None:
        """Note that a file is of use. Where that cannot be written, it only looks older than it is."""
        with suppress(OSError):
            self._used.mkdir(parents=True, exist_ok=True, mode=0o700)
            (self._used / sha256).touch()
