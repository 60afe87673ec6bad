"""Files that lose power: what was synced stays, and of all else a part that chance decides.

Data are lost page by page or cut short since the last fsync of their file. As journalling file systems do, the order of
changes of names is kept, and the last ones since the last fsync of a folder are lost.
"""

import random
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

PAGE = 4096


class File:
    """What is seen of a file, and what is on the disk of it."""

    def __init__(self, data: bytes, mode: int) -> None:
        self.data, self.mode = bytearray(data), mode
        self.synced = bytes(data)

    def after_a_cut(self, chance: random.Random) -> bytes:
        """What is left: as it was, or cut short, or with pages of before."""
        data, before = bytes(self.data), self.synced
        if data == before or chance.random() < 1 / 3:
            return before
        if chance.random() < 1 / 2:
            return data[: chance.randint(0, len(data))]
        pages = range(0, len(data), PAGE)
        zeros = before.ljust(len(data), b"\0")
        return b"".join((data if chance.random() < 1 / 2 else zeros)[at : at + PAGE] for at in pages)


class LosingTree:
    """Files and folders by their path, `/` first; of folders the mode alone is kept."""

    def __init__(self, seed: int) -> None:
        """An empty one."""
        self._chance = random.Random(seed)
        self.seen: dict[str, File | int] = {"/": 0o755}
        self._durable: dict[str, File | int] = dict(self.seen)
        self._pending: list[Callable[[dict[str, File | int]], Any]] = []
        self.operations = 0

    def load(self, kept: Path) -> None:
        """Have what is in a folder, all of it synced."""
        for path in sorted(kept.rglob("*")):
            mode = stat.S_IMODE(path.stat().st_mode)
            self.seen[f"/{path.relative_to(kept)}"] = mode if path.is_dir() else File(path.read_bytes(), mode)
        self._durable = dict(self.seen)

    def name(self, change: Callable[[dict[str, File | int]], Any]) -> None:
        """Change names: seen at once, on the disk with the next sync of a folder."""
        change(self.seen)
        self._pending.append(change)

    def sync_names(self) -> None:
        """All names are on the disk from now on."""
        for change in self._pending:
            change(self._durable)
        self._pending = []

    def left(self, kept: Path) -> int:
        """Replace what is in a folder by what is left after a cut; returns how many changes were not synced by then."""
        files = [held for held in self.seen.values() if isinstance(held, File)]
        unsynced = len(self._pending) + sum(bytes(one.data) != one.synced for one in files)
        for change in self._pending[: self._chance.randint(0, len(self._pending))]:
            change(self._durable)
        for path in sorted(kept.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        for name, held in sorted(self._durable.items()):
            path = kept / name[1:]
            if isinstance(held, int):
                path.mkdir(exist_ok=True)
                path.chmod(held)
            else:
                path.write_bytes(held.after_a_cut(self._chance))
                path.chmod(held.mode)
        return unsynced
