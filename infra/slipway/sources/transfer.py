"""Bring one file here: in pieces, from where it broke off, and only while its source keeps going."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from slipway.reading.files import BadFile
from slipway.sources.cache import Part
from slipway.sources.refusals import SourceBroke, broke

Report = Callable[[str], None]
"""Is told how far a transfer is, for people."""
_GOOD_TRY = 2**20
"""Bytes of progress after which a source that breaks off gets all its tries again."""
_WORTH_SAYING_S = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What is waited for, and how long.

    Attributes:
        connect_s: until a connection stands.
        silence_s: until the next bytes come.
        window_s: time in which `window_bytes` have to come, or the source is too slow.
        window_bytes: see there.
        tries: how often in a row a transfer may break off without progress.
        pause_s: after the first that broke off; doubled after each further one.
    """

    connect_s: float = 10
    silence_s: float = 60
    window_s: float = 60
    window_bytes: int = 2**16
    tries: int = 5
    pause_s: float = 1


@dataclass(frozen=True, slots=True)
class Opened:
    """A source that sends.

    Attributes:
        start: which byte comes first: 0 where everything is sent again.
        total: length of the file in bytes, None where the source does not say.
        version: what tells this file from a later one at the same address (an ETag), None where the source has nothing.
        blocks: the bytes.
    """

    start: int
    total: int | None
    version: str | None
    blocks: Iterator[bytes]


class Origin(Protocol):
    """A file at its source."""

    def open(self, offset: int, version: str | None, /) -> AbstractContextManager[Opened]:
        """Have the file sent from byte `offset` on, or from 0 when it is not `version` any more.

        Raises:
            BadFile: the source refuses.
            SourceBroke: it did not answer, or broke off; it may do so later.
        """


def transfer(origin: Origin, part: Part, limits: Limits, report: Report, most: int | None = None) -> None:
    """Bring the rest of a file; `most`: bytes that it may have, any number for None.

    Raises:
        BadFile: the source refuses, has more than `most` bytes, or broke off too often.
        NoSpace: the disk has no room.
    """
    failures, furthest = 0, part.size
    while True:
        try:
            _once(origin, part, limits, report, most)
            return
        except SourceBroke as error:
            if part.size >= furthest + _GOOD_TRY:
                failures, furthest = 0, part.size
            failures += 1
            if failures >= limits.tries:
                raise broke(str(error), failures, part.size, part.total) from None
            report(f"{error}; trying again")
            time.sleep(limits.pause_s * 2 ** (failures - 1))


def _once(origin: Origin, part: Part, limits: Limits, report: Report, most: int | None) -> None:
    if part.total is not None and part.size == part.total:
        return
    with origin.open(part.size, part.version) as opened:
        if opened.start != part.size:
            part.restart()
        _refuse_larger(opened.total or 0, part, most)
        part.begin(opened.version, opened.total)
        for block in _paced(opened.blocks, limits):
            part.write(block)
            _refuse_larger(part.size, part, most)
            if opened.total is not None and part.size > opened.total:
                part.restart()
                raise SourceBroke(f"more than the {opened.total} bytes came that were announced")
            report(progress(part.size, opened.total))
    if opened.total is not None and part.size < opened.total:
        raise SourceBroke(f"it ended after {part.size} of {opened.total} bytes")


def _refuse_larger(size: int, part: Part, most: int | None) -> None:
    if most is not None and size > most:
        part.restart()
        allowed = f"a file of at most {most} bytes, with larger weights as external data"
        raise BadFile(f"has more than {most} bytes", allowed, "export it with external data, or correct the address")


def _paced(blocks: Iterator[bytes], limits: Limits) -> Iterator[bytes]:
    """The blocks, as long as enough of them come: a source that sends a byte a minute would never end."""
    began, came = time.monotonic(), 0
    for block in blocks:
        yield block
        came += len(block)
        took = time.monotonic() - began
        if took > limits.window_s:
            if came < limits.window_bytes:
                raise SourceBroke(f"only {came} bytes came in {took:.0f} s")
            began, came = time.monotonic(), 0


def progress(size: int, total: int | None) -> str:
    """`12 of 48 MiB`; in steps that are worth a line in a log."""
    mebi = size // 2**20
    if total is None:
        return f"{mebi - mebi % 64} MiB" if mebi >= 64 else "fetched"
    tenth = size * 10 // total * 10 if total else 100
    return f"{tenth} % of {total / 2**20:.1f} MiB" if total >= 2**20 else f"{tenth} % of {total / 2**10:.1f} KiB"
