"""Keep weights on the device: a file under its digest, fetched piece by piece, deleted when no version needs it."""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from slipway_edge.disk.files import Disk, Files
from slipway_edge.fetching.bucket import Bucket
from slipway_edge.fetching.part import Part
from slipway_edge.fetching.pieces import digests, is_list, list_bytes
from slipway_edge.values.clock import Clock
from slipway_edge.values.document import Pull, Weights, WeightsFile
from slipway_edge.values.errors import Away

RESERVE = 256 * 2**20
"""Bytes of the disk that weights leave free: for images, logs of containers, and the record."""
TURN_S = 20.0
"""So long, then the control side is asked whether the same is still desired, and other models get their turn."""
_OURS = re.compile(r"\.?([0-9a-f]{64})(|\.part|\.pieces|\.pieces\.new)")
_PAUSE_S, _PAUSE_MOST_S = 60.0, 6 * 3600.0
"""After a wrong piece, doubled each time: each costs the link 4 MiB, and the next one is hardly better."""


class Source(Protocol):
    """Where weights come from."""

    def read(self, sha256: str, first: int, last: int, bytes_per_s: int | None, /) -> Iterator[bytes]:
        """Yield the bytes of a file from `first` up to before `last`, as they arrive.

        `bytes_per_s`: what is taken off the link, so that blocks are small where that is little.

        Raises:
            Away: they cannot be had, or it broke off; what was yielded is good to keep.
        """
        ...


class Unfinished(Away):
    """Some of it is here, and it can go on at once."""


class WeightsStore:
    """A folder on the device's disk.

    Args:
        disk: what the folder is on.
        folder: for nothing else.
        source: where weights come from.
        clock: for the rate, and for turns.
        free: bytes that the disk has left.
    """

    def __init__(self, disk: Disk, folder: Path, source: Source, clock: Clock, free: Callable[[], int]) -> None:
        self._disk, self._files, self._folder = disk, Files(disk), folder
        self._source, self._clock, self._free = source, clock, free
        self._bucket = Bucket(clock)
        self._parts: dict[str, Part] = {}
        """What was verified since this agent started is not read again."""
        self._wrong: dict[str, tuple[float, float]] = {}
        """By digest: not before when it is tried again, and how long was waited."""

    def has(self, weights: Weights) -> bool:
        """Whether all files are here: a file has its name once its digest was verified."""
        return all(self._has(file) for file in weights.files)

    def bring(self, weights: Weights, pull: Pull, between: Callable[[], None]) -> None:
        """Have all files; `between` is called as bytes arrive.

        Raises:
            Unfinished: the turn is over.
            Away: they cannot be had now, or the disk has no room.
        """
        until = self._clock.now() + TURN_S
        try:
            for file in weights.files:
                if not self._has(file):
                    self._fetch(file, pull, between, until)
        except OSError as error:
            self._parts.clear()
            raise Away(f"weights cannot be written: {error.strerror or error}") from None

    def tidy(self, wanted: Sequence[Weights]) -> None:
        """Delete the files, whole or not, that none of these needs; what is not ours stays.

        Raises:
            Away: the disk is broken.
        """
        keep = {file.sha256 for weights in wanted for file in weights.files}
        try:
            for name in self._disk.names(self._folder):
                ours = _OURS.fullmatch(name)
                # A power cut may leave the list of pieces of a file that is whole.
                left_over = ours is not None and ours[2] and self._disk.size(self._folder / ours[1]) is not None
                if ours is not None and (ours[1] not in keep or left_over):
                    self._parts.pop(ours[1], None)
                    self._disk.unlink(self._folder / name)
        except OSError as error:
            raise Away(f"weights cannot be deleted: {error.strerror or error}") from None

    def _has(self, file: WeightsFile) -> bool:
        return self._disk.size(self._folder / file.sha256) == file.bytes

    def _fetch(self, file: WeightsFile, pull: Pull, between: Callable[[], None], until: float) -> None:
        not_before, _ = self._wrong.get(file.sha256, (0.0, 0.0))
        if self._clock.now() < not_before:
            wait = not_before - self._clock.now()
            raise Away(f"{file.name}: the control side sent wrong bytes; tried again in {wait:.0f} s")
        part = self._part(file, pull, between)
        self._must_fit(file, part)
        while not part.complete:
            self._fetch_piece(file, part, pull, between)
            if not part.complete and self._clock.now() >= until:
                raise Unfinished(f"{file.name}: {_progress(part.size, file.bytes)} is here")
        if part.digest() != file.sha256:
            self._drop(file)
            raise self._sent_wrong(file, "all pieces are right, and the whole is not")
        part.become(self._folder / file.sha256)
        self._disk.unlink(self._folder / f"{file.sha256}.pieces")
        self._parts.pop(file.sha256)
        self._wrong.pop(file.sha256, None)

    def _fetch_piece(self, file: WeightsFile, part: Part, pull: Pull, between: Callable[[], None]) -> None:
        number, (first, last) = part.whole, part.missing
        try:
            for block in self._read(file.sha256, first, last, pull, between):
                part.append(block)
        except Away as away:
            raise Away(f"{file.name}: {away}; {_progress(part.size, file.bytes)} is here and stays") from None
        if not part.close_piece():
            raise self._sent_wrong(file, f"piece {number} has another digest")

    def _read(self, sha256: str, first: int, last: int, pull: Pull, between: Callable[[], None]) -> Iterator[bytes]:
        """As the source does; it ends with all bytes, or raises `Away`."""
        left = last - first
        for block in self._source.read(sha256, first, last, pull.bytes_per_s):
            if len(block) > left:
                raise Away("the control side sent more than was asked for")
            left -= len(block)
            yield block
            self._bucket.take(len(block), pull.bytes_per_s)
            between()
        if left:
            raise Away("the control side broke off")

    def _part(self, file: WeightsFile, pull: Pull, between: Callable[[], None]) -> Part:
        if file.sha256 not in self._parts:
            listed = self._listed(file, pull, between)
            path = self._folder / f"{file.sha256}.part"
            self._parts[file.sha256] = Part(self._disk, path, file, digests(file, listed))
        return self._parts[file.sha256]

    def _listed(self, file: WeightsFile, pull: Pull, between: Callable[[], None]) -> bytes:
        """The list of its pieces: the one that is here, if a power cut left it whole, or fetched."""
        if file.pieces is None:
            return b""
        path = self._folder / f"{file.sha256}.pieces"
        held = self._files.read(path)
        if held is not None and is_list(file, held):
            return held
        found = b"".join(self._read(file.pieces, 0, list_bytes(file), pull, between))
        if not is_list(file, found):
            raise self._sent_wrong(file, f"its list of pieces has the sha256 {hashlib.sha256(found).hexdigest()[:16]}")
        self._files.write(path, found, 0o600)
        return found

    def _must_fit(self, file: WeightsFile, part: Part) -> None:
        free, need = self._free(), file.bytes - part.size
        if free < need + RESERVE:
            why = f"{free} bytes of the disk are free; {need} are still needed beside {RESERVE} that stay free"
            raise Away(f"{file.name}: {why}")

    def _drop(self, file: WeightsFile) -> None:
        self._parts.pop(file.sha256, None)
        for end in ("part", "pieces"):
            self._disk.unlink(self._folder / f"{file.sha256}.{end}")

    def _sent_wrong(self, file: WeightsFile, what: str) -> Away:
        _, waited = self._wrong.get(file.sha256, (0.0, 0.0))
        wait = min(max(_PAUSE_S, 2 * waited), _PAUSE_MOST_S)
        self._wrong[file.sha256] = (self._clock.now() + wait, wait)
        return Away(f"{file.name}: the control side sent wrong bytes: {what}; tried again in {wait:.0f} s")


def _progress(size: int, total: int) -> str:
    return f"{100 * size // total} % of {total / 2**20:.1f} MiB"
