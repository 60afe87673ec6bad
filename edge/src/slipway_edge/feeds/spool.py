"""Answers that wait on the disk for their sink: bounded, oldest dropped first, whole or absent after a power cut."""

import re
from collections import deque
from pathlib import Path

from slipway_edge.disk.files import Files
from slipway_edge.values.errors import Away

_NAME = re.compile(r"(?P<number>[0-9]{16})-(?P<bytes>[0-9]{1,12})-(?P<id>[0-9a-f]{32})\.json")
_BLOCK = 4096
"""What a file takes of a disk at least: many small answers are bounded, too."""


class Spool:
    """A file for each answer, whose name says its place, its size and the input's id."""

    def __init__(self, folder: Path, limit: int, files: Files) -> None:
        self._folder = folder
        self._limit = limit
        self._files = files
        self.dropped = 0
        names = files.names(folder)
        for name in names:
            if name.endswith(".new"):  # was being written when the power went
                files.remove(folder / name)
        self._waiting = deque(sorted(name for name in names if _NAME.fullmatch(name)))
        self._bytes = sum(_size(name) for name in self._waiting)
        self._next = int(self._waiting[-1][:16]) + 1 if self._waiting else 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, input_id: str, answer: bytes) -> None:
        """Keep an answer: when this returns, it outlives a power cut.

        Raises:
            Away: the disk is full or broken.
        """
        name = f"{self._next:016}-{len(answer)}-{input_id}.json"
        while self._waiting and self._bytes + _size(name) > self._limit:
            self.drop_first()
            self.dropped += 1
        try:
            self._files.write(self._folder / name, answer, 0o600)
        except OSError as error:
            raise Away(f"answers cannot be kept: {error.strerror or error}") from None
        self._next += 1
        self._waiting.append(name)
        self._bytes += _size(name)

    def first(self) -> tuple[str, bytes] | None:
        """Id and bytes of the answer that waits longest; None: none does."""
        while self._waiting:
            name = self._waiting[0]
            answer = self._files.read(self._folder / name)
            # A name whose file is gone or torn: the disk is not what it was.
            if answer is not None and f"-{len(answer)}-" in name:
                return name[-37:-5], answer
            self.drop_first()
            self.dropped += 1
        return None

    def drop_first(self) -> None:
        """It was sent. Not synced: after a power cut it may be sent again."""
        name = self._waiting.popleft()
        self._bytes -= _size(name)
        self._files.remove(self._folder / name)


def _size(name: str) -> int:
    found = _NAME.fullmatch(name)
    size = int(found["bytes"]) if found is not None else 0
    return -(-size // _BLOCK) * _BLOCK
