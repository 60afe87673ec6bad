"""Locations and findings that tests of advice build by hand."""

from decimal import Decimal
from typing import Any

from slipway.advice.locations import Location
from slipway.capacity.packing import Load
from slipway.catalog.aws_traffic import VolumePrices
from slipway.environments.planning.pool import Pool
from slipway.environments.planning.protocol import VolumeTerms
from slipway.measuring.findings import Finding, Machine, Point, Step
from slipway.spec.model import ModelSpec
from tests.support.pools import CPU, loaded, spec

GIB = 2**30
PRICES = VolumePrices(
    internet=((None, Decimal("0.09")),), zone=Decimal("0.02"), nat=Decimal("0.05"), logs=Decimal("0.5")
)
AWS = VolumeTerms(prices=PRICES, zones=2, internet=True, nat=True, control_plane_logs=0)


def location(
    model: ModelSpec | None = None, pool: Pool = CPU, *, beside: tuple[Load, ...] = (), **changes: Any
) -> Location:
    """A pool of an environment on AWS with two zones and a gateway on the internet, unless told otherwise."""
    fields: dict[str, Any] = {
        "gateway": True,
        "open_to_internet": True,
        "terms": AWS,
        "disk_gib": 100,
        "disk_usd": Decimal("0.10"),
        "budget_usd": 1000,
    }
    variant = loaded(model or spec()).base
    return Location("prod", pool, variant, beside, **(fields | changes))


def finding(**changes: Any) -> Finding:
    """What was measured of the least spec with its own limits: 40 requests a second, 95 of 100 within 30 ms."""
    fields: dict[str, Any] = {
        "cpu": 1000, "memory": GIB, "rate": 40.0, "p95_ms": 30.0, "date": "2026-11-01", "runtime": "onnxruntime",
        "flags": ("avx2", "sse4_1"), "version": "1.0.0",
    }  # fmt: skip
    known = fields | changes
    point = Point(
        rate=known["rate"], answered=known["rate"], mean_ms=20, p50_ms=20, p95_ms=known["p95_ms"], p99_ms=40, lost=0,
        cores=1, client_cores=0.1, other_cores=0, steady=True,
    )  # fmt: skip
    step = Step(cpu=known["cpu"], memory=known["memory"], points=(point,), knee=known["rate"])
    machine = Machine(cpu="EPYC", cores=2, memory=8 * GIB, kernel="6.8", flags=known["flags"])
    return Finding(
        date=known["date"], version=known["version"], release="a" * 64, runtime=known["runtime"], how="process",
        image=None, machine=machine, seconds=10, within_ms=None, step=step,
    )  # fmt: skip
