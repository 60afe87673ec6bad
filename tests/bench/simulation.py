"""Replay many requests with `slipway simulate`, from a CSV file and from a gateway's log, each in its own process."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

GOAL_S = 60.0
_ROOT = Path(__file__).parents[2]
_DAY_S = 86_400
_BEGAN_AT = 1_777_852_800.0
_TARGET = ("--target", "p95_ms=100", "--max", "8")


@dataclass(frozen=True)
class Replayed:
    """One kind of trace: medians in seconds, start of Python and reading included, and the most memory in MiB."""

    what: str
    requests: int
    wall_s: float
    cpu_s: float
    memory_mib: float


def measure(requests: int, rounds: int, say: Callable[[str], None]) -> list[Replayed]:
    """Measure both kinds over a day of so many requests, which take 30 ms each."""
    kinds = {"CSV, `time,duration_ms`": _csv, "a gateway's log, JSON": _log}
    found = []
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as name:
        for what, text in kinds.items():
            file = Path(name) / "trace"
            with file.open("w") as out:
                out.writelines(text(requests))
            say(f"{what}: {rounds} rounds")
            measured = [_process(file) for _ in range(rounds)]
            wall, cpu, memory = (statistics.median(values) for values in zip(*measured, strict=True))
            found.append(Replayed(what, requests, wall, cpu, memory))
    return found


def _moments(requests: int) -> Iterator[str]:
    moments = np.sort(np.random.default_rng(1).uniform(0, _DAY_S, requests)) + _BEGAN_AT
    for moment in moments.tolist():
        yield datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


def _csv(requests: int) -> Iterator[str]:
    yield "time,duration_ms\n"
    for moment in _moments(requests):
        yield f"{moment},30\n"


def _log(requests: int) -> Iterator[str]:
    said = {
        "request_id": "7c1f0a52-94be-4d1c-8a55-2d1f5a0f4f7e", "traceparent": None, "key": "k-1234567890",
        "method": "POST", "host": "models.example.com", "path": "/models/digits/predict", "protocol": "HTTP/1.1",
        "status": 200, "details": "via_upstream", "flags": "-", "bytes_in": 200, "bytes_out": 120,
        "duration_ms": 30, "attempts": 1, "route": "httproute/slipway/digits/rule/0/match/0/models_example_com",
        "upstream": "10.0.0.9:8080",
    }  # fmt: skip
    for moment in _moments(requests):
        yield json.dumps({"start_time": moment, **said, "client": "203.0.113.7"}) + "\n"


def _process(trace: Path) -> tuple[float, float, float]:
    """Run the command once; gives wall and CPU seconds, and the most memory in MiB."""
    command = [sys.executable, "-c", "from slipway.cli import main; main()", "simulate", "local", "digits"]
    started = time.perf_counter()
    process = subprocess.Popen([*command, "--trace", str(trace), *_TARGET], cwd=_ROOT, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"slipway simulate ended with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
