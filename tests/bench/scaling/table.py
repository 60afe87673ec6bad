"""Lay what was foretold beside what happened."""

from collections.abc import Sequence

from tests.bench.scaling.interval import Interval
from tests.bench.tables import table

NEAR = 1.0
"""Replicas by which a prediction may be off and still count as right."""


def of(real: Sequence[Interval], foretold: Sequence[Interval], target_s: float, quiet_s: float) -> str:
    """The table, and below it how much of it was foretold."""
    rows = [
        [
            f"{one.start_s:.0f}",
            str(one.arrivals),
            f"{one.replicas:.1f}",
            f"{other.replicas:.1f}",
            _ms(one.p95_s),
            _ms(other.p95_s),
            str(one.lost),
            str(other.lost),
        ]
        for one, other in zip(real, foretold, strict=False)
    ]
    head = ["s", "requests", "replicas", "foretold", "p95 ms", "foretold", "lost", "foretold"]
    near = [abs(one.replicas - other.replicas) <= NEAR for one, other in zip(real, foretold, strict=False)]
    share = sum(near) / len(near)
    verdict = "met" if share >= 0.9 else "missed"
    over = [_over(run, target_s) for run in (real, foretold)]
    return (
        f"{table(head, rows)}\n\n"
        f"A quiet replica takes {quiet_s * 1000:.0f} ms for a request; the target of p95 is {target_s * 1000:.0f} ms. "
        f"Within one replica in {share:.0%} of {len(near)} intervals (goal 90 %: {verdict}). "
        f"Intervals above the target: {over[0]}; foretold: {over[1]}."
    )


def _over(run: Sequence[Interval], target_s: float) -> int:
    return sum(one.p95_s is not None and one.p95_s > target_s for one in run)


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.0f}"
