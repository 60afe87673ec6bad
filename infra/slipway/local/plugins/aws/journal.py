"""Write down every call to AWS's API: what, for which resource, by whom it was answered, how long it took."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """One call. `by` is `moto` or `kept` (the stand-in itself); `outcome` is `done` or what went wrong."""

    time: str
    service: str
    operation: str
    urn: str
    by: str
    seconds: float
    outcome: str


class Journal:
    """A file of JSON lines."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()

    def write(self, service: str, operation: str, urn: str, by: str, started: float, outcome: str) -> None:
        """Add a call that began at `started` of the monotonic clock."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        entry = Entry(now, service, operation, urn, by, round(time.monotonic() - started, 4), outcome)
        with self._lock, self._file.open("a") as stream:
            stream.write(json.dumps(asdict(entry)) + "\n")


def entries(file: Path) -> Iterator[Entry]:
    """Read a journal, oldest first."""
    if file.exists():
        for line in file.read_text().splitlines():
            yield Entry(**json.loads(line))
