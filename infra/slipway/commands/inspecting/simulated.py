"""Show what `simulate` found: as tables for a screen or a page, and as one JSON document."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slipway.plan.model import ModelPlan
from slipway.simulation.engine import Conditions
from slipway.simulation.outcome import Outcome
from slipway.simulation.rows import Row
from slipway.simulation.traces.trace import Trace

ROWS = 40
"""Most rows of a table: a screen."""

_COLUMNS = ("TIME", "REQUESTS", "LOST", "REPLICAS", "READY", "P50 MS", "P95 MS")


def span(seconds: float) -> str:
    """`40` gives `40 s`, `5400` gives `1 h 30 min`, `90000` gives `1 d 1 h`."""
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    whole = round(seconds)
    index = next((i for i, (_, length) in enumerate(units) if whole >= length), len(units) - 1)
    (name, length), rest = units[index], units[index + 1 : index + 2]
    more = [f"{whole % length // finer} {unit}" for unit, finer in rest if whole % length // finer]
    return " ".join([f"{whole // length} {name}", *more])


def intervals(result: Outcome) -> tuple[Sequence[str], list[list[str]]]:
    """Return columns and rows of one replay, by intervals."""
    rows = [
        [
            _time(result, row),
            f"{row.arrivals:,}",
            f"{row.lost:,}" if row.lost else "",
            f"{row.replicas:.1f}",
            f"{row.ready:.1f}",
            _ms(row.p50_s),
            _ms(row.p95_s),
        ]
        for row in result.rows
    ]
    return _COLUMNS, rows


def screen(rows: list[list[str]]) -> list[list[str]]:
    """Return so many of the rows as a screen holds: the first and the last."""
    if len(rows) <= ROWS:
        return rows
    half = ROWS // 2
    left_out = [f"... {len(rows) - ROWS:,} rows are left out; --json has all", *[""] * (len(_COLUMNS) - 1)]
    return [*rows[:half], left_out, *rows[-half:]]


def _time(result: Outcome, row: Row) -> str:
    time = result.time(row)
    if time is None:
        return span(row.start_s)
    return f"{time:%m-%d %H:%M}" if result.interval_s >= 60 and not row.start_s % 60 else f"{time:%m-%d %H:%M:%S}"


def summary(outcomes: Sequence[Outcome], objective_s: float | None) -> tuple[Sequence[str], list[list[str]]]:
    """Return columns and rows that compare replays."""
    within = f"WITHIN {objective_s * 1000:g} MS" if objective_s else "WITHIN"
    columns = ("TARGET", "REPLICAS", "MOST", "STARTS", "P50 MS", "P95 MS", within, "LOST", "$")
    rows = [
        [
            result.target,
            f"{result.replicas:.2f}",
            str(result.most),
            str(result.starts),
            _ms(result.p50_s),
            _ms(result.p95_s),
            "-" if result.within is None else f"{result.within:.2%}",
            f"{result.lost:,}",
            "-" if result.usd is None else f"{result.usd:,.2f}",
        ]
        for result in outcomes
    ]
    return columns, rows


def _ms(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.1f}" if seconds < 0.01 else f"{seconds * 1000:,.0f}"


def document(
    model: ModelPlan,
    trace: Trace,
    conditions: Conditions,
    objective_s: float | None,
    outcomes: Sequence[Outcome],
    trace_file: Path,
) -> dict[str, Any]:
    """Return all of it as JSON values."""
    return {
        "environment": model.environment,
        "model": model.name,
        "trace": {
            "file": str(trace_file),
            "requests": int(trace.moments.size),
            "seconds": round(trace.duration_s, 3),
            "passedOver": trace.passed_over,
            "spread": trace.spread,
        },
        "conditions": {
            "serviceSeconds": round(conditions.service_time.mean_s, 6),
            "serviceVariation": round(conditions.service_time.variation, 4),
            "coldStartSeconds": conditions.cold_start_s,
            "timeoutSeconds": conditions.timeout_s,
            "objectiveSeconds": objective_s,
            "intervalSeconds": outcomes[0].interval_s,
            "seed": conditions.seed,
        },
        "runs": [result.to_json() for result in outcomes],
    }
