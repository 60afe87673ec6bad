"""Find the knee among rates: above it, requests wait much longer for little more that is answered."""

from collections.abc import Sequence

from slipway.measuring.findings import Point

_KEPT_UP = 0.95


def kept_up(point: Point, within_ms: float | None) -> bool:
    """Whether the server answered what came, all of it, and 95 of 100 within the limit if there is one."""
    if not point.steady or point.lost or point.answered < _KEPT_UP * point.rate or point.p95_ms is None:
        return False
    return within_ms is None or point.p95_ms <= within_ms


def knee(points: Sequence[Point], within_ms: float | None) -> float | None:
    """Return the rate at the knee; None where none was kept up with.

    With a limit for the p95 it is the highest rate within. Without, it is where power is highest, which is the rate
    over the mean time of a request (L. Kleinrock, "Power and deterministic rules of thumb for probabilistic problems in
    computer communications", ICC 1979): for a single queue with exponential times that is half of what it manages.
    """
    good = [point for point in points if kept_up(point, within_ms)]
    if not good:
        return None
    if within_ms is not None:
        return max(point.rate for point in good)
    return max(good, key=lambda point: point.rate / (point.mean_ms or float("inf"))).rate
