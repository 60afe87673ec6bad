"""Bring one file: in blocks, digested as they arrive, from where it broke off; only a right one gets its name."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slipway_weights.store import ModelStore, StoreBroke, StoreRefused
from slipway_weights.wanted import File

_BLOCK = 2**20
_GOOD_TRY = 2**20
"""Bytes of progress after which a store that breaks off gets all its tries again."""

Tell = Callable[[str], None]


class WrongBytes(Exception):
    """The store has another file under the key than the release names. `str()` names both digests."""


@dataclass(frozen=True, slots=True)
class Tries:
    """How often in a row a store may break off without progress, and the seconds after the first, doubled each time."""

    most: int = 6
    pause_s: float = 1.0


def bring(file: File, folder: Path, store: ModelStore, tell: Tell, tries: Tries | None = None) -> None:
    """Have a file in the folder.

    What arrived before this container ended lies beside it under another name, and is digested again: nothing else
    knows whether all of it reached the disk.

    Raises:
        WrongBytes: the object is another; what arrived of it is removed.
        StoreRefused: it cannot be had, or the store broke off too often.
    """
    tries = tries or Tries()
    target = folder / file.name
    if target.is_file() and target.stat().st_size == file.size:
        tell(f"{file.name}: is here")
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = _Part(target.with_name(f".{target.name}.part"), file)
    failures, furthest = 0, part.size
    while part.size < file.size:
        try:
            for block in store.read(file.key, part.size, file.size):
                part.write(block)
                tell(f"{file.name}: {_progress(part.size, file.size)}")
            if part.size < file.size:
                raise StoreBroke(f"it ended after {part.size} of {file.size} bytes")
        except StoreBroke as error:
            if part.size >= furthest + _GOOD_TRY:
                failures, furthest = 0, part.size
            failures += 1
            if failures >= tries.most:
                text = f"{file.name}: {error}, {failures} times; {part.size} of {file.size} bytes are here, and stay"
                raise StoreRefused(text) from None
            tell(f"{file.name}: waiting for the model store: {error}")
            time.sleep(tries.pause_s * 2 ** (failures - 1))
    part.become(target)


class _Part:
    """What has arrived of a file, on the disk, and its digest."""

    def __init__(self, path: Path, file: File) -> None:
        self._path, self._file = path, file
        self._digest = hashlib.sha256()
        self.size = 0
        if path.is_file() and path.stat().st_size <= file.size:
            with path.open("rb") as stream:
                while block := stream.read(_BLOCK):
                    self._digest.update(block)
                    self.size += len(block)
        self._stream = path.open("ab" if self.size else "wb", buffering=0)

    def write(self, block: bytes) -> None:
        self._stream.write(block)
        self._digest.update(block)
        self.size += len(block)
        if self.size > self._file.size:
            self._refuse(f"more than {self._file.size} bytes")

    def become(self, target: Path) -> None:
        self._stream.close()
        found = self._digest.hexdigest()
        if found != self._file.sha256:
            self._refuse(f"the sha256 {found}")
        self._path.chmod(0o444)
        self._path.replace(target)

    def _refuse(self, found: str) -> None:
        self._stream.close()
        self._path.unlink(missing_ok=True)
        raise WrongBytes(
            f"{self._file.name}: the store has {found} at {self._file.key}, and the release wants the sha256 "
            f"{self._file.sha256} of {self._file.size} bytes: the model does not start; "
            "next: delete that object, then `slipway up` with --refresh uploads the right one"
        )


def _progress(size: int, total: int) -> str:
    """In steps that are worth a line in a log."""
    tenth = size * 10 // total * 10 if total else 100
    return f"{tenth} % of {total / 2**20:.1f} MiB"
