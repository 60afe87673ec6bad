"""Draw a real run beside its prediction: load, replicas, latency over time."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from tests.bench.scaling.interval import Interval

PICTURE = Path(__file__).parents[3] / "docs" / "explanation" / "scaling-run.png"
_REAL, _FORETOLD = "#0b5394", "#cc4125"


def draw(real: Sequence[Interval], foretold: Sequence[Interval], interval_s: float, target_s: float) -> None:
    """Write PICTURE."""
    figure = Figure(figsize=(9, 7), layout="constrained")
    load, replicas, latency = figure.subplots(3, 1, sharex=True)
    load.step([one.start_s for one in real], [one.arrivals / interval_s for one in real], where="post", color="black")
    load.set_ylabel("requests/s")
    for run, name, color in ((real, "real run", _REAL), (foretold, "slipway simulate", _FORETOLD)):
        times = [one.start_s for one in run]
        replicas.step(times, [one.replicas for one in run], where="post", color=color, label=name)
        slowest = [float("nan") if one.p95_s is None else one.p95_s * 1000 for one in run]
        latency.step(times, slowest, where="post", color=color, label=name)
    replicas.set_ylabel("replicas")
    replicas.set_ylim(bottom=0)
    replicas.legend(loc="upper left")
    latency.set_ylabel("p95, ms")
    latency.set_yscale("log")
    latency.axhline(target_s * 1000, color="grey", linestyle="--", label="target")
    latency.legend(loc="upper right")
    latency.set_xlabel("seconds")
    figure.savefig(PICTURE, dpi=110)
