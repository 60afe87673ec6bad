"""Sum up a replay: what its rows come to, in the units that people read, and as JSON values."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from slipway.simulation.rows import Row, Rows
from slipway.spec.scale import Scale

_CALENDAR = 10**8
"""Seconds from here on are of the calendar that begins in 1970; below, a trace counts from its own beginning."""


@dataclass(frozen=True)
class Outcome:
    """What came of a replay.

    Attributes:
        scale: the rules.
        rows: its intervals.
        interval_s: length of an interval.
        began_at: the first request, in seconds since 1970 or since what the trace counts from.
        answered: requests that were answered.
        lost: those that were not.
        p50_s: median of what the answered took, to 1 %; None if there is none.
        p95_s: 95th percentile of that.
        within: part of all requests that were answered within the objective; None without one.
        replicas: mean number of replicas.
        most: most replicas at once.
        starts: replicas that were started.
        usd: what the replicas' parts of nodes cost; None where nothing is charged by the hour.
    """

    scale: Scale
    rows: tuple[Row, ...]
    interval_s: float
    began_at: float
    answered: int
    lost: int
    p50_s: float | None
    p95_s: float | None
    within: float | None
    replicas: float
    most: int
    starts: int
    usd: float | None

    @property
    def arrivals(self) -> int:
        """All requests."""
        return self.answered + self.lost

    @property
    def target(self) -> str:
        """The target as `--target` takes it, or `none`."""
        target = self.scale.target
        return f"{target.signal}={target.value:g}" if target else "none"

    def time(self, row: Row) -> datetime | None:
        """Return when an interval began; None where the trace counts from its own beginning."""
        at = self.began_at + row.start_s
        return datetime.fromtimestamp(at, UTC) if self.began_at >= _CALENDAR else None

    def to_json(self) -> dict[str, Any]:
        """As JSON values; times of requests in milliseconds."""
        return {
            "target": self.target,
            "min": self.scale.min,
            "max": self.scale.max,
            "summary": {
                "arrivals": self.arrivals,
                "answered": self.answered,
                "lost": self.lost,
                "p50_ms": _ms(self.p50_s),
                "p95_ms": _ms(self.p95_s),
                "within": None if self.within is None else round(self.within, 6),
                "replicas": round(self.replicas, 3),
                "most": self.most,
                "starts": self.starts,
                "usd": None if self.usd is None else round(self.usd, 4),
            },
            "intervals": [self._row(row) for row in self.rows],
        }

    def _row(self, row: Row) -> dict[str, Any]:
        time = self.time(row)
        return {
            "time": time.isoformat() if time else None,
            "second": round(row.start_s, 3),
            "arrivals": row.arrivals,
            "answered": row.answered,
            "lost": row.lost,
            "replicas": round(row.replicas, 3),
            "ready": round(row.ready, 3),
            "most": row.most,
            "p50_ms": _ms(row.p50_s),
            "p95_ms": _ms(row.p95_s),
        }


def outcome(scale: Scale, rows: Rows, began_at: float, objective: bool, hourly_usd: float | None) -> Outcome:
    """Return what rows that are complete come to; `hourly_usd`: price of one replica."""
    done = rows.done
    answered, lost = sum(row.answered for row in done), sum(row.lost for row in done)
    hours = sum(row.replicas for row in done) * rows.interval_s / 3600
    return Outcome(
        scale=scale,
        rows=tuple(done),
        interval_s=rows.interval_s,
        began_at=began_at,
        answered=answered,
        lost=lost,
        p50_s=rows.quantile(0.5),
        p95_s=rows.quantile(0.95),
        within=rows.within / (answered + lost) if objective else None,
        replicas=sum(row.replicas for row in done) / len(done),
        most=max(row.most for row in done),
        starts=rows.starts,
        usd=None if hourly_usd is None else hours * hourly_usd,
    )


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
