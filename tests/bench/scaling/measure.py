"""Send a load that changes to a model on the local cluster, and have `slipway simulate` foretell the same.

The simulator gets the arrivals, and what a quiet run before showed of one request and of one start. The rates of the
real run stood before it was run, and nothing of the simulator follows them.
"""

import json
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.bench.scaling import plot, table
from tests.bench.scaling.interval import Interval
from tests.support.behind_gateway import Way, way_in, with_gateway
from tests.support.looking import looking
from tests.support.monitoring import with_monitoring
from tests.support.open_loop import Answer, OpenLoop, percentile
from tests.support.workbench import Workbench, computing

MODEL = "work"
TARGET_S = 0.25
INTERVAL_S = 15
STEPS = ((60, 8), (90, 22), (60, 10), (90, 40), (60, 55), (120, 18), (120, 4))
"""Seconds, and requests in each."""
_QUICK_STEPS = ((45, 5), (60, 25), (60, 5))
_QUIET_S, _QUIET_RATE = 30, 2
_TIMEOUT_S = 30
_TURNS = 1250
_CORES = "200m"


def run(*, quick: bool, say: Callable[[str], None]) -> str:
    """Measure, compare, and return a table; a whole run draws the plot of the docs, too."""
    steps = _QUICK_STEPS if quick else STEPS
    with tempfile.TemporaryDirectory(prefix="scaling-") as folder:
        bench = Workbench(Path(folder) / "repo", f"b{uuid.uuid4().hex[:8]}")
        try:
            say("an environment with a gateway and a model")
            with_gateway(bench, 1)
            with_monitoring(bench)
            bench.write(
                MODEL,
                1.0,
                nodes=computing(_TURNS),
                resources={"cpu": _CORES, "memory": "256Mi"},
                scale={"min": 1, "max": 4, "target": {"p95_ms": TARGET_S * 1000}, "cool_down": "60s"},
                endpoint={"public": True, "timeout": f"{_TIMEOUT_S - 5}s"},
            )
            bench.well("up", bench.environment, "--yes")
            way = way_in(bench, MODEL)
            say("a quiet time")
            quiet = _quiet(way)
            say(f"the load, for {sum(seconds for seconds, _ in steps)} s")
            answers, replicas = _loaded(bench, way, steps)
            say("slipway simulate")
            real = _intervals(answers, replicas)
            foretold = _foretold(bench, answers, quiet)
        finally:
            bench.discard()
    if not quick:
        plot.draw(real, foretold, INTERVAL_S, TARGET_S)
    return table.of(real, foretold, TARGET_S, quiet)


def _quiet(way: Way) -> float:
    """What one request takes while there is hardly any other, in seconds."""
    with OpenLoop(way.to(MODEL), _QUIET_RATE, _TIMEOUT_S, way.authority, duration_s=_QUIET_S) as load:
        pass
    return percentile(load.answers, 0.5)


def _loaded(
    bench: Workbench, way: Way, steps: Sequence[tuple[int, int]]
) -> tuple[list[Answer], list[tuple[float, int]]]:
    """Every answer of the load, and the replicas that were wanted at each time, by the Deployment itself."""
    answers: list[Answer] = []
    replicas: list[tuple[float, int]] = []

    def look() -> None:
        deployment = bench.cluster.read("Deployment", MODEL) or {}
        replicas.append((time.time(), int(deployment.get("spec", {}).get("replicas", 0))))

    with looking(look, every_s=1):
        for seconds, rate in steps:
            with OpenLoop(way.to(MODEL), rate, _TIMEOUT_S, way.authority, duration_s=seconds) as load:
                pass
            answers += load.answers
    return answers, replicas


def _intervals(answers: Sequence[Answer], replicas: Sequence[tuple[float, int]]) -> list[Interval]:
    begun = answers[0].sent_at
    found = []
    for index in range(int((answers[-1].sent_at - begun) // INTERVAL_S)):
        start, end = begun + index * INTERVAL_S, begun + (index + 1) * INTERVAL_S
        within = [answer for answer in answers if start <= answer.sent_at < end]
        right = [answer for answer in within if answer.status == 200]
        found.append(
            Interval(
                start_s=start - begun,
                arrivals=len(within),
                replicas=statistics.fmean(number for at, number in replicas if start <= at < end),
                p95_s=percentile(right, 0.95) if right else None,
                lost=len(within) - len(right),
            )
        )
    return found


def _foretold(bench: Workbench, answers: Sequence[Answer], quiet_s: float) -> list[Interval]:
    """What `slipway simulate` says of the same arrivals, with a start as long as the one that was measured."""
    trace = bench.folder / "trace.csv"
    trace.write_text("time\n" + "".join(f"{answer.sent_at:.6f}\n" for answer in answers))
    live = json.loads(bench.well("plan", bench.environment, "--live", "--json"))
    options = ["--trace", str(trace), "--interval", f"{INTERVAL_S}s", "--service-time", f"{quiet_s * 1000:.1f}ms"]
    options += ["--cold-start", f"{live['coldStarts'][MODEL]['expected']}s"]
    (run,) = json.loads(bench.well("simulate", bench.environment, MODEL, *options, "--json"))["runs"]
    return [_row(row) for row in run["intervals"]]


def _row(row: dict[str, Any]) -> Interval:
    p95_ms = row["p95_ms"]
    return Interval(
        start_s=row["second"],
        arrivals=row["arrivals"],
        replicas=row["replicas"],
        p95_s=None if p95_ms is None else p95_ms / 1000,
        lost=row["lost"],
    )
