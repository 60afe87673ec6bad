"""Findings as a measurement has them, for tests."""

from slipway.measuring.findings import Finding, Machine, Point, Step

MI = 2**20
MACHINE = Machine(cpu="AMD EPYC, family 26 model 2", cores=2, memory=2**34, kernel="6.1", flags=("avx2",))


def point(rate: float, p95_ms: float = 20.0, *, mean_ms: float = 10.0, lost: int = 0, steady: bool = True) -> Point:
    """What came of a rate that the server kept up with, unless said otherwise."""
    return Point(
        rate=rate,
        answered=rate,
        mean_ms=mean_ms,
        p50_ms=mean_ms,
        p95_ms=p95_ms,
        p99_ms=p95_ms,
        lost=lost,
        cores=0.4,
        client_cores=0.05,
        other_cores=0.0,
        steady=steady,
    )


def step(cpu: int, knee: float, p95_ms: float = 20.0, memory: int = 256 * MI) -> Step:
    """What was found under limits, with one rate, which is the knee."""
    return Step(
        cpu=cpu,
        memory=memory,
        startup_s=1.0,
        idle_bytes=90 * MI,
        peak_bytes=100 * MI,
        alone_ms=2.0,
        most=2 * knee,
        points=(point(knee, p95_ms),),
        knee=knee,
        shared=False,
    )


def finding(of: Step, runtime: str = "onnxruntime", cpu: str = MACHINE.cpu) -> Finding:
    """A finding about a step."""
    return Finding(
        date="2026-11-26",
        version="1.0.0",
        release="0" * 64,
        runtime=runtime,
        how="process",
        image=None,
        machine=MACHINE.model_copy(update={"cpu": cpu}),
        seconds=1,
        within_ms=None,
        step=of,
    )
