"""What has arrived of a file: which pieces are whole, and what came after them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from slipway_edge.disk.files import Disk
from slipway_edge.fetching.pieces import bounds
from slipway_edge.values.document import WeightsFile

_MODE = 0o644
"""A server in its container reads it as another user; the folder is for the agent alone."""


class Part:
    """A file that grows beside where it will be.

    After a start nothing is believed of it: each piece is digested, and all from the first wrong or torn one on is
    fetched anew. A link that was cut costs nothing of that: what arrived is known to be there.
    """

    def __init__(self, disk: Disk, path: Path, file: WeightsFile, digests: Sequence[bytes]) -> None:
        self._disk, self._path, self._file, self._digests = disk, path, file, digests
        self.whole = 0
        """How many pieces are here and right, from the first one on."""
        if disk.size(path) is None:
            disk.create(path, b"", _MODE)
            disk.sync_folder(path.parent)
        self.size = min(disk.size(path) or 0, file.bytes)
        while self.whole < len(digests) and self.size >= self._bounds[1] and self._is_right():
            self.whole += 1
        # The beginning of a piece may have been torn, which would be found out only when the rest had come, too.
        self._shorten(file.bytes if self.complete else self._bounds[0])

    @property
    def complete(self) -> bool:
        """Whether all pieces are here and right."""
        return self.whole == len(self._digests)

    @property
    def missing(self) -> tuple[int, int]:
        """From which byte on, and up to which, the next piece is not here."""
        return self.size, self._bounds[1]

    def append(self, block: bytes) -> None:
        """Add what arrived; not synced."""
        self._disk.append(self._path, block)
        self.size += len(block)

    def close_piece(self) -> bool:
        """Verify the piece that has just become whole, and have it on the disk; False: it is wrong, and gone."""
        if not self._is_right():
            self._shorten(self._bounds[0])
            return False
        self._disk.sync(self._path)
        self.whole += 1
        return True

    def digest(self) -> str:
        """SHA-256 of all of it, hex."""
        found = hashlib.sha256()
        for number in range(len(self._digests)):
            first, last = bounds(self._file.bytes, number)
            found.update(self._disk.read_at(self._path, first, last - first))
        return found.hexdigest()

    def become(self, path: Path) -> None:
        """Give it its name, for good."""
        self._disk.sync(self._path)
        self._disk.rename(self._path, path)
        self._disk.sync_folder(path.parent)

    def _shorten(self, size: int) -> None:
        if self._disk.size(self._path) != size:
            self._disk.truncate(self._path, size)
        self.size = size

    @property
    def _bounds(self) -> tuple[int, int]:
        return bounds(self._file.bytes, self.whole)

    def _is_right(self) -> bool:
        first, last = self._bounds
        return hashlib.sha256(self._disk.read_at(self._path, first, last - first)).digest() == self._digests[self.whole]
