"""Keep the results of a run in a folder: whole parts, and what they are of, so that another run goes on behind them.

A part has its name only once all of it is on the disk. What was written halfway has another name, and is removed by the
next run.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

ABOUT = "batch.json"
"""What the parts are of."""
DONE = "done.json"
"""Is there once all of them are."""
_LOCK = ".lock"
_HALF = ".half"


class BatchError(Exception):
    """The run cannot go on; the message says why, and what to do."""


@dataclass(frozen=True)
class About:
    """What parts of one run have in common.

    Attributes:
        input: sha256 of the input, in hex.
        rows: of the input.
        rows_per_part: of each part but the last.
        model: name of the model.
        version: its version.
        release: its release.
    """

    input: str
    rows: int
    rows_per_part: int
    model: str
    version: str
    release: str

    @property
    def parts(self) -> int:
        """How many parts there are in the end."""
        return -(-self.rows // self.rows_per_part)

    def rows_of(self, number: int) -> range:
        """Return which rows of the input a part has."""
        first = number * self.rows_per_part
        return range(first, min(first + self.rows_per_part, self.rows))

    def done(self) -> bytes:
        """Return what says that all parts are there."""
        return (json.dumps({"rows": self.rows, "parts": self.parts}) + "\n").encode()

    def name(self, number: int, suffix: str) -> str:
        """Return how a part is called; `suffix`: with its dot."""
        return f"part-{number:06d}{suffix}"


class Parts:
    """The folder of one run.

    Attributes:
        about: what it is of.
        mine: numbers of the parts that this run makes, which are all of them.
    """

    def __init__(self, folder: Path, about: About, suffix: str) -> None:
        """Go on in a folder, or begin.

        Args:
            folder: made if it is not there.
            about: what this run is of.
            suffix: of the parts' names, with its dot.

        Raises:
            BatchError: the folder has the results of another input, model or size of parts.
        """
        self._folder, self._suffix = folder, suffix
        self.about, self.mine = about, range(about.parts)
        for half in folder.glob(f"*{_HALF}"):
            half.unlink()
        path = folder / ABOUT
        if path.is_file():
            _refuse_another(path, about)
        elif any(one.name != _LOCK for one in folder.iterdir()):
            raise BatchError(f"{folder}: has other files; allowed: an empty folder, or one of an earlier run")
        else:
            self._write(ABOUT, (json.dumps(asdict(about), indent=2) + "\n").encode())

    def missing(self) -> Iterator[int]:
        """Yield the numbers of parts that are not there, from 0."""
        for number in self.mine:
            if not (self._folder / self._name(number)).is_file():
                yield number

    def write(self, number: int, data: bytes) -> None:
        """Keep a part."""
        self._write(self._name(number), data)

    def finish(self) -> None:
        """Say that all parts are there."""
        self._write(DONE, self.about.done())

    def _name(self, number: int) -> str:
        return self.about.name(number, self._suffix)

    def _write(self, name: str, data: bytes) -> None:
        half = self._folder / f"{name}{_HALF}"
        with half.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        half.replace(self._folder / name)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder, which is made if need be; BatchError if there is one in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / _LOCK).open("wb")
    except OSError as error:
        raise BatchError(f"{folder}: cannot be written: {error.strerror}; allowed: a folder of your own") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BatchError(f"{folder}: another run writes there; allowed: one run at a time") from None
        yield


def _refuse_another(path: Path, about: About) -> None:
    try:
        found = json.loads(path.read_bytes())
    except ValueError:
        raise BatchError(f"{path}: is not JSON; allowed: what an earlier run wrote, or an empty folder") from None
    for name, wanted in asdict(about).items():
        there = found.get(name) if isinstance(found, dict) else None
        if there != wanted:
            raise BatchError(
                f"{path}: {name} is {there!r}, and this run's is {wanted!r}; allowed: the run that began there; "
                "next: name another folder"
            )
