"""Run `cache`: what is kept in the user's cache, how large it is, and what of it nobody used for long."""

import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from rich.filesize import decimal

from slipway import console
from slipway.errors.base import SlipwayError
from slipway.sources.cache import Cache
from slipway.values.user_cache import user_cache

_DAY_S = 86_400.0
_LOCK = ".lock"


class CacheNotPruned(SlipwayError):
    """Something in the cache cannot be removed."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"{path} cannot be removed: {error.strerror}; what came before it is gone; next: correct its permissions, "
            "then run the command again"
        )


@dataclass(frozen=True, slots=True)
class _Kind:
    """A folder of the cache. `last_used`: of an entry, in seconds since 1970."""

    name: str
    what: str
    folder: Path
    last_used: Callable[[Path], float]


def show_cache(days: int, *, prune: bool) -> None:
    """Print a row for each kind of what is kept; with `prune`, remove what was not used for `days` before.

    Raises:
        CacheNotPruned: something cannot be removed.
    """
    before = time.time() - days * _DAY_S
    rows, freed = [], 0
    for kind in _kinds():
        entries = [(path, _size(path), kind.last_used(path)) for path in _entries(kind.folder)]
        old = [(path, size) for path, size, used in entries if used < before]
        if prune:
            freed += sum(size for path, size in old if _removed(path))
        sizes = sum(size for _, size, _ in entries), sum(size for _, size in old)
        rows.append([kind.name, kind.what, str(len(entries)), *map(decimal, sizes)])
    console.table(("KIND", "WHAT", "ENTRIES", "SIZE", f"UNUSED FOR {days} DAYS"), rows)
    if prune:
        console.result(f"{decimal(freed)} are free again in {user_cache()}")
    else:
        console.message(f"in {user_cache()}; --prune removes what is unused, and everything can be had again")


def _kinds() -> tuple[_Kind, ...]:
    cache, home = Cache.of_user(), user_cache()
    weights = cache.folder
    return (
        _Kind("weights", "fetched, and made by steps", weights / "sha256", cache.last_used),
        _Kind("partial", "on their way here", weights / "partial", _changed),
        _Kind("steps", "which step made what", weights / "steps", _changed),
        _Kind("toolboxes", "environments of tools", home / "toolboxes", _changed),
        _Kind("wheels", "what images stand on", home / "wheels", _changed),
        _Kind("digests", "of large files", home / "digests", _changed),
    )


def _changed(path: Path) -> float:
    return path.stat().st_mtime


def _entries(folder: Path) -> Iterator[Path]:
    """What is in a folder, but for locks and what another process makes there just now."""
    if not folder.is_dir():
        return
    yield from sorted(one for one in folder.iterdir() if one.suffix != _LOCK and not one.name.startswith("."))


def _size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; links count for nothing."""
    if not path.is_dir() or path.is_symlink():
        return path.lstat().st_size
    files = (Path(folder) / name for folder, _, names in os.walk(path) for name in names)
    return sum(found.st_size for found in map(os.lstat, files) if stat.S_ISREG(found.st_mode))


def _removed(path: Path) -> bool:
    """Remove an entry; False where another process holds its lock."""
    lock = path.with_name(path.stem + _LOCK) if path.suffix == ".part" else path.with_name(path.name + _LOCK)
    try:
        with FileLock(lock, timeout=0, fallback_to_soft=False) if lock.exists() else nullcontext():
            _remove(path)
    except Timeout:
        return False
    except OSError as error:
        raise CacheNotPruned(path, error) from error
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
