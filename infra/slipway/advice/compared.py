"""Hold versions, variants and environments of one model beside each other; what nobody knows of one is unknown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from slipway.advice.figures import Figure, derived, figure_json, shown
from slipway.advice.processing import Processing, measured
from slipway.advice.scatter import Point, scattered, svg_of
from slipway.capacity.binding import bind, hourly
from slipway.capacity.estimates import monthly
from slipway.capacity.packing import demand, part
from slipway.environments.planning.pool import Pool
from slipway.measuring.findings import Finding
from slipway.simulation.page import Table
from slipway.spec.model import ModelSpec
from slipway.values.quantities import format_bytes

COMPARED = "Compared"
_UNKNOWN = "unknown"
_LABEL = "a scatter of cost against p95; the table below says the same in words"
_SIZE = (9.0, 5.0)


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a model does and costs; None is unknown.

    Attributes:
        p95_ms: at the knee, the highest rate that a replica kept up with.
        month_usd: dollars a month with the fewest replicas.
        thousand_usd: dollars for a thousand requests, at the knee.
        pool: that it was priced on.
    """

    p95_ms: Figure | None = None
    month_usd: Figure | None = None
    thousand_usd: Figure | None = None
    pool: str | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """One of those that are compared.

    Attributes:
        name: as it was asked for.
        version: of the model.
        where: `files`, an environment, where the trained weights are, or environment and day of the history's entry.
        metrics: as the gate measured them; empty where there was none.
        memory: bytes that a replica may have; None is unknown.
        size: bytes of its weights; None is unknown.
        numbers: what it does and costs.
    """

    name: str
    version: str
    where: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    memory: int | None = None
    size: int | None = None
    numbers: Numbers = field(default_factory=Numbers)

    def to_json(self) -> dict[str, Any]:
        """As JSON values; null is unknown."""
        return {
            "name": self.name,
            "version": self.version,
            "where": self.where,
            "metrics": dict(self.metrics) or None,
            "memoryBytes": self.memory,
            "sizeBytes": self.size,
            "p95Ms": figure_json(self.numbers.p95_ms),
            "monthUsd": figure_json(self.numbers.month_usd),
            "thousandRequestsUsd": figure_json(self.numbers.thousand_usd),
            "pool": self.numbers.pool,
        }


def numbers(spec: ModelSpec, version: str, findings: Sequence[Finding], pools: Sequence[Pool]) -> Numbers:
    """What a version of a model costs and does.

    Args:
        spec: with what the version asked of a node.
        version: whose findings count.
        findings: of `slipway measure` about the model.
        pools: of the environment whose prices count; none for unknown prices.
    """
    did = measured([finding for finding in findings if finding.version == version], spec)
    bound = bind(pools, spec)
    rate = hourly(bound.pool) if bound is not None else None
    if bound is None or rate is None:
        return Numbers(p95_ms=did.ms if did is not None else None, pool=bound.pool.name if bound else None)
    share = part(demand(spec.resources), bound.pool)
    replica = rate * share.numerator / share.denominator
    of = f"of a {bound.pool.instance_types[0]}"
    spot = bound.pool.spot_hourly_usd is not None
    month = Figure(float(monthly(replica * spec.scale.fewest)), "assumed" if spot else "catalogue", of)
    return Numbers(
        p95_ms=did.ms if did is not None else None,
        month_usd=month,
        thousand_usd=_thousand(replica, did, month),
        pool=bound.pool.name,
    )


def _thousand(replica_usd: Decimal, did: Processing | None, month: Figure) -> Figure | None:
    """Dollars an hour of a replica, for each thousand of the requests that it answers in one at its knee."""
    if did is None:
        return None
    return derived(float(replica_usd) / (did.rps.value * 3600) * 1000, [month, did.rps], "at the knee of a replica")


def table(rows: Sequence[Compared]) -> Table:
    """All of them, a row each; the metrics that any of them has are columns."""
    names = sorted({name for row in rows for name in row.metrics})
    columns = ["NAME", "VERSION", "WHERE", *(name.upper() for name in names)]
    columns += ["P95 MS", "$/1,000", "$/MONTH", "MEMORY", "SIZE"]
    return COMPARED, columns, [[*_facts(row, names), *_figures(row)] for row in rows]


def _facts(row: Compared, metrics: Sequence[str]) -> list[str]:
    values = [f"{row.metrics[name]:g}" if name in row.metrics else _UNKNOWN for name in metrics]
    return [row.name, row.version, row.where, *values]


def _figures(row: Compared) -> list[str]:
    known = row.numbers
    found = [(known.p95_ms, 1), (known.thousand_usd, 6), (known.month_usd, 2)]
    return [
        *(_UNKNOWN if figure is None else shown(figure, places) for figure, places in found),
        _UNKNOWN if row.memory is None else format_bytes(row.memory),
        _UNKNOWN if row.size is None else f"{row.size:,}",
    ]


def draw(rows: Sequence[Compared]) -> bytes:
    """SVG: p95 to the right, dollars for a thousand requests upwards."""
    import matplotlib as mpl  # noqa: PLC0415 - an extra, and it takes half a second
    from matplotlib.figure import Figure as Picture  # noqa: PLC0415

    points = [
        Point(row.name, p95.value, usd.value)
        for row in rows
        if (p95 := row.numbers.p95_ms) is not None and (usd := row.numbers.thousand_usd) is not None
    ]
    # The same rows give the same bytes.
    with mpl.rc_context({"svg.hashsalt": "slipway", "svg.fonttype": "none"}):
        figure = Picture(figsize=_SIZE, layout="constrained")
        scattered(figure.subplots(), points, ("p95 at the knee, ms", "$ for a thousand requests"))
        return svg_of(figure, _LABEL)
