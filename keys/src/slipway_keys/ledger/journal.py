"""A queue of lines on the pod's disk: what is in it survives a kill of the process.

Lines are appended with write() before the call is answered. The kernel has them from then on, whatever becomes of the
process; only the loss of the node or of the pod loses those that are not in the database yet.
"""

import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from slipway_keys.telemetry.log import log

MOST_BYTES = 256 * 1024 * 1024
_SEGMENT_BYTES = 4 * 1024 * 1024
_BATCH_BYTES = 512 * 1024
_SUFFIX = ".ndjson"


class JournalError(Exception):
    """A line could not be written: the disk or the journal's share of it is full."""


@dataclass(slots=True)
class _Segment:
    path: Path
    size: int
    done: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines from the head of the queue, and how many bytes of it they are."""

    lines: list[bytes]
    size: int


class Journal:
    """The queue. Not for threads: all calls come from the event loop's."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES, segment_bytes: int = _SEGMENT_BYTES) -> None:
        """Open the journal in a folder, with what an earlier process left there at its head.

        Raises:
            OSError: the folder cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._most_bytes = most_bytes
        self._segment_bytes = segment_bytes
        paths = sorted(folder.glob(f"*{_SUFFIX}"))
        self._segments = deque(_Segment(path, path.stat().st_size) for path in paths)
        self.replayed_bytes = self.pending_bytes
        self._number = int(paths[-1].stem) if paths else 0
        self._file = -1
        self._full = False
        self._roll()

    @property
    def pending_bytes(self) -> int:
        """How much is not in the database yet."""
        return sum(segment.size - segment.done for segment in self._segments)

    def append(self, line: bytes) -> None:
        """Write a line (one JSON document, without a line end) to the end.

        Raises:
            JournalError: there is no room; nothing of the line stays.
        """
        current = self._segments[-1]
        if len(self._segments) * self._segment_bytes > self._most_bytes:
            raise self._no_room(f"{self._most_bytes} bytes wait for the database")
        data = line + b"\n"
        try:
            written = os.write(self._file, data)
        except OSError as error:
            raise self._no_room(error.strerror or "error") from None
        if written != len(data):
            os.ftruncate(self._file, current.size)
            raise self._no_room("the disk is full")
        self._full = False
        current.size += written
        if current.size >= self._segment_bytes:
            self._roll_if_possible()

    def batch(self) -> Batch | None:
        """Return lines from the head without taking them away, or None when there are none."""
        while True:
            head = self._segments[0]
            if head.done < head.size:
                break
            if head is self._segments[-1]:
                return None
            head.path.unlink(missing_ok=True)
            self._segments.popleft()
        with head.path.open("rb") as file:
            file.seek(head.done)
            data = file.read(min(_BATCH_BYTES, head.size - head.done))
        end = data.rfind(b"\n") + 1
        if end == 0:
            # A process that was killed in the middle of a line, which it therefore had not answered for.
            log("journal line incomplete", bytes=len(data))
            return Batch([], len(data))
        return Batch([line for line in data[:end].split(b"\n") if line], end)

    def done(self, batch: Batch) -> None:
        """Take a batch away: the database has it."""
        head = self._segments[0]
        head.done += batch.size
        if head.done == head.size:
            if head is not self._segments[-1]:
                self._segments.popleft()
                head.path.unlink(missing_ok=True)
            elif head.size >= self._segment_bytes // 4:
                self._roll_if_possible()

    def close(self) -> None:
        """Close the file; a journal with nothing left in it leaves no file."""
        os.close(self._file)
        if self.pending_bytes == 0:
            for segment in self._segments:
                segment.path.unlink(missing_ok=True)

    def _roll_if_possible(self) -> None:
        try:
            self._roll()
        except OSError as error:
            log("journal segment not begun", reason=error.strerror)

    def _roll(self) -> None:
        number = self._number + 1
        path = self._folder / f"{number:012d}{_SUFFIX}"
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        if self._file >= 0:
            os.close(self._file)
        self._number, self._file = number, file
        self._segments.append(_Segment(path, 0))

    def _no_room(self, reason: str) -> JournalError:
        if not self._full:
            log("journal full", reason=reason, pending_bytes=self.pending_bytes)
        self._full = True
        return JournalError(reason)
