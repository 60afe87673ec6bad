"""Replays of made-up arrivals, for tests."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from slipway.autoscaling.rates import Array
from slipway.simulation.engine import Conditions, replay
from slipway.simulation.rows import Rows
from slipway.simulation.service_time import ServiceTime
from slipway.spec.scale import Scale

OFFICE_DAY = 1_777_880_000.0
"""A Monday, 4 May 2026, at 7:33 UTC."""


def poisson(*phases: tuple[float, float], seed: int = 1) -> Array:
    """Moments of independent requests: so many a second for so many seconds, phase after phase."""
    random = np.random.default_rng(seed)
    began = 0.0
    moments = []
    for rate, lasts in phases:
        moments.append(began + random.uniform(0, lasts, random.poisson(rate * lasts)))
        began += lasts
    return np.sort(np.concatenate(moments))


def replayed(
    scale: Mapping[str, Any], moments: Array, service_time: ServiceTime, *, interval_s: float = 60,
    objective_s: float | None = None, cold_start_s: float = 20, timeout_s: float = 10, hold_s: float = 120,
    seed: int = 1,
) -> Rows:  # fmt: skip
    """The rows of a replay."""
    rows = Rows(interval_s, objective_s)
    conditions = Conditions(
        scale=Scale.model_validate(dict(scale)), service_time=service_time, cold_start_s=cold_start_s,
        timeout_s=timeout_s, drain_s=10, hold_s=hold_s, cores=1, began_at=OFFICE_DAY, seed=seed,
    )  # fmt: skip
    replay(iter(np.array_split(moments, 3)), conditions, rows)
    return rows
