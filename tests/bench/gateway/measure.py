"""Measure every stage of the gateway at every rate, and two ways of balancing over pods of unequal speed."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.gateway.stages import Bed, Stage, cpu_s, right
from tests.support.open_loop import OpenLoop, Target, percentile
from tests.support.workbench import Workbench

RATES = (300, 1000)
BALANCED_RATE = 300
BALANCINGS = ("LeastRequest", "RoundRobin")
_TIMEOUT_S = 5.0
_WARM_UP_S = 3.0


@dataclass(frozen=True)
class Figure:
    """One stage at one rate: right answers per second, latencies in ms, CPU ms per request by part, lost requests."""

    stage: str
    rate: int
    answers_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_ms: dict[str, float]
    lost: int
    machine_load: float


@dataclass(frozen=True)
class Result:
    """Figures by stage and rate in the order of measuring, and by way of balancing."""

    stages: tuple[Figure, ...]
    balancing: tuple[Figure, ...]


def measure(seconds: float, say: Callable[[str], None]) -> Result:
    """Bring an environment up on the local cluster, measure in it, take it down. Raises RuntimeError."""
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        bench = Workbench(Path(folder) / "repo", f"bench{os.urandom(3).hex()}")
        try:
            bed = Bed(bench, say)
            figures = []
            for rate in RATES:
                for stage in bed.stages():
                    figures.append(_figure(bed, stage, rate, seconds))
                    say(_said(figures[-1]))
            balanced = []
            for way in BALANCINGS:
                with bed.uneven(way) as target:
                    balanced.append(_figure(bed, Stage(way, target, dict), BALANCED_RATE, seconds))
                    say(_said(balanced[-1]))
            return Result(tuple(figures), tuple(balanced))
        finally:
            bench.discard()


def _figure(bed: Bed, stage: Stage, rate: int, seconds: float) -> Figure:
    _attack(bed, stage.target, rate, _WARM_UP_S)
    parts = stage.parts()
    before = cpu_s(parts)
    load = _attack(bed, stage.target, rate, seconds)
    used = {name: total - before[name] for name, total in cpu_s(parts).items()}
    count = len(load.answers)
    lost = len(load.lost(lambda answer: right(answer.body)))
    took_s = load.answers[-1].sent_at - load.answers[0].sent_at
    return Figure(
        stage=stage.name,
        rate=rate,
        answers_per_s=(count - lost) / took_s,
        p50_ms=1e3 * percentile(load.answers, 0.5),
        p99_ms=1e3 * percentile(load.answers, 0.99),
        cpu_ms={name: 1e3 * total / count for name, total in used.items()},
        lost=lost,
        machine_load=os.getloadavg()[0],
    )


def _attack(bed: Bed, target: Target, rate: int, seconds: float) -> OpenLoop:
    with OpenLoop(target, rate, _TIMEOUT_S, bed.way.authority, duration_s=seconds) as load:
        pass
    return load


def _said(figure: Figure) -> str:
    cpu = ", ".join(f"{name} {value:.2f}" for name, value in figure.cpu_ms.items())
    return (
        f"{figure.stage}, {figure.rate}/s: p50 {figure.p50_ms:.2f} ms, p99 {figure.p99_ms:.2f} ms, {figure.lost} lost; "
        f"CPU ms a request: {cpu}; load {figure.machine_load:.1f}"
    )
