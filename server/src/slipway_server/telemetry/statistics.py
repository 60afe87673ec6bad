"""Add up what requests and runs of the model took, as the protocol's statistics extension tells it."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

# Batches of more rows are not told one by one: a client could send a new size with every request.
_MAX_LISTED_ROWS = 256


@dataclass(slots=True)
class Tally:
    """How often something happened, and how many seconds it took in all."""

    count: int = 0
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one that took `seconds`."""
        self.count += 1
        self.seconds += seconds


@dataclass(slots=True)
class Statistics:
    """Since the server is ready.

    Attributes:
        succeeded: requests that were answered, from the headers to the end of the answer.
        failed: those that were not.
        queue: requests that waited for a run.
        reading: requests whose inputs were read.
        running: requests whose run ended; each counts the whole run, which it may have shared.
        writing: answers that were written.
        rows: all rows of all runs.
        runs: runs of the model by their rows.
        large_runs: runs of more rows than are told one by one.
        last_at: when the last request was answered, in seconds since 1970; 0 if none was.
    """

    succeeded: Tally = field(default_factory=Tally)
    failed: Tally = field(default_factory=Tally)
    queue: Tally = field(default_factory=Tally)
    reading: Tally = field(default_factory=Tally)
    running: Tally = field(default_factory=Tally)
    writing: Tally = field(default_factory=Tally)
    rows: int = 0
    runs: dict[int, Tally] = field(default_factory=dict)
    large_runs: int = 0
    last_at: float = 0.0

    def request(self, seconds: float, succeeded: bool) -> None:
        """Count a request of which the model was asked."""
        (self.succeeded if succeeded else self.failed).add(seconds)
        self.last_at = time.time()

    def run(self, rows: int, seconds: float, waited_s: Iterable[float]) -> None:
        """Count a run of the model; `waited_s`: how long each of its requests waited for it."""
        for wait_s in waited_s:
            self.queue.add(wait_s)
            self.running.add(seconds)
        self.rows += rows
        tally = self.runs.get(rows)
        if tally is not None:
            tally.add(seconds)
        elif rows <= _MAX_LISTED_ROWS:
            self.runs[rows] = Tally(1, seconds)
        else:
            self.large_runs += 1

    def document(self, name: str, version: str) -> dict[str, object]:
        """Return the answer of GET /v2/models/{name}/stats."""
        nothing = Tally()
        parts = {
            "success": self.succeeded,
            "fail": self.failed,
            "queue": self.queue,
            "compute_input": self.reading,
            "compute_infer": self.running,
            "compute_output": self.writing,
            "cache_hit": nothing,
            "cache_miss": nothing,
        }
        model = {
            "name": name,
            "version": version,
            "last_inference": int(self.last_at * 1000),
            "inference_count": self.rows,
            "execution_count": self.large_runs + sum(tally.count for tally in self.runs.values()),
            "inference_stats": {part: _count_and_ns(tally) for part, tally in parts.items()},
            "batch_stats": [
                {"batch_size": rows, "compute_infer": _count_and_ns(tally)} for rows, tally in sorted(self.runs.items())
            ],
        }
        return {"model_stats": [model]}


def _count_and_ns(tally: Tally) -> dict[str, int]:
    return {"count": tally.count, "ns": int(tally.seconds * 1e9)}
