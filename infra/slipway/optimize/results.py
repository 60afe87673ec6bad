"""Keep what steps made: their files by digest among the fetched ones, and which they were by what a step began with.

A step whose input, files, tools and settings are the same gives what it gave: it is run once on a machine, and a chain
that was interrupted goes on where it was.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from slipway.errors.full_disk import disk_errors
from slipway.optimize.weights import Weights
from slipway.reading.files import BadFile
from slipway.sources.cache import Cache
from slipway.values.quantities import compact_json

_LOCK_LIMIT_S = 4 * 3600.0
"""As long as the longest step may take; who waits for another process is told for what."""


class MadeFile(BaseModel):
    """A file that a step wrote."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    name: str
    size: int
    sha256: str


class Made(BaseModel):
    """What a step gave: its files, the main one first, and what it says about itself."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    main: str
    format: str
    files: list[MadeFile]
    tools: dict[str, str]
    settings: dict[str, Any]
    deterministic: bool
    notes: list[str]

    @property
    def digests(self) -> dict[str, str]:
        """The digest of each file by its name."""
        return {file.name: file.sha256 for file in self.files}


class Results:
    """The results of steps on this machine."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._records = cache.folder / "steps"

    @contextmanager
    def work(self) -> Iterator[Path]:
        """A folder on the same disk, which is gone when the work is done."""
        with disk_errors("no step can run", f"{self._cache.folder} (XDG_CACHE_HOME names another folder)"):
            self._records.mkdir(parents=True, exist_ok=True, mode=0o700)
            with TemporaryDirectory(dir=self._cache.folder, prefix="work-", ignore_cleanup_errors=True) as folder:
                yield Path(folder)

    @contextmanager
    def held(self, key: str) -> Iterator[None]:
        """Run one step in one process at a time. Raises `BadFile` where another one takes longer than any may."""
        try:
            held = FileLock(self._records / f"{key}.lock", timeout=_LOCK_LIMIT_S, fallback_to_soft=False).acquire()
        except Timeout:
            problem = f"is run by another process, which did not finish in {_LOCK_LIMIT_S / 3600:.0f} h"
            raise BadFile(problem, "one process that runs it", "wait for that process, or end it") from None
        with held:
            yield

    def find(self, key: str) -> Made | None:
        """What the step gave, if all its files are still here whole."""
        try:
            made = Made.model_validate_json((self._records / f"{key}.json").read_bytes())
        except (OSError, ValidationError):
            return None
        return made if all(self._cache.find(file.sha256) for file in made.files) else None

    def keep(self, key: str, weights: Weights, result: Mapping[str, Any]) -> Made:
        """Keep what a step gave; its files are moved away from where it wrote them."""
        made = Made(
            main=weights.main,
            format=weights.format,
            files=[MadeFile(name=file.name, size=file.size, sha256=file.sha256) for file in weights.files],
            tools=dict(result["tools"]),
            settings=dict(result["settings"]),
            deterministic=result["deterministic"],
            notes=list(result.get("notes", ())),
        )
        for file in made.files:
            self._cache.take(weights.folder / file.name)
        record = self._records / f"{key}.json"
        beside = record.with_suffix(f".{os.getpid()}")
        beside.write_text(made.model_dump_json())
        beside.replace(record)
        return made

    def lay(self, made: Made, folder: Path) -> Weights:
        """Lay the files of a result into an empty folder, under their names and without a copy where links are."""
        for file in made.files:
            lay_file(self._cache.place(file.sha256), folder / file.name)
        return Weights(folder, made.main, made.format)

    def keep_files(self, weights: Weights) -> None:
        """Keep the files of weights that no step made, which stay where they are too."""
        for file in weights.files:
            if self._cache.find(file.sha256) is None:
                copy = weights.folder.parent / f"{file.sha256}.copy"
                shutil.copyfile(weights.folder / file.name, copy)
                self._cache.take(copy)

    def has(self, sha256: str) -> bool:
        """Whether the file with that digest is here, whole."""
        return self._cache.find(sha256) is not None


def lay_file(source: Path, target: Path) -> None:
    """Have a file of the cache under another name: the same bytes on the disk where the disk can."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def key_of(what: Mapping[str, Any]) -> str:
    """The name of a result: the sha256 of all that decides about it."""
    return hashlib.sha256(compact_json(what).encode()).hexdigest()
