"""Add up what devices let out of their private counts, and say how far noise may have moved each sum."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, sqrt
from typing import Any

from slipway.edge.store import Kept

_KEPT_WINDOWS = 3
"""A device's last counts are added as long as it was heard of within so many windows."""


@dataclass(frozen=True, slots=True)
class Sum:
    """One value's count over devices.

    Attributes:
        model: whose answers.
        value: the answer, or `other`.
        count: the sum of what devices told; noise may put it below 0.
        error: the standard error of it that noise makes: the square root of the sum of the noises' variances.
        devices: how many told.
        per_s: seconds that each of them counted.
    """

    model: str
    value: str
    count: int
    error: float
    devices: int
    per_s: int


def sums(devices: Iterable[Kept], now: float) -> list[Sum]:
    """The last window of each device, added; counts of other windows, outputs or lengths are not mixed.

    Where devices count differently, as while a change goes round, those that were heard of last decide.
    """
    told: dict[str, list[tuple[float, dict[str, Any]]]] = {}
    for device in devices:
        for one in (device.report or {}).get("aggregates", ()):
            if device.seen is not None and now - device.seen <= _KEPT_WINDOWS * one["per_s"]:
                told.setdefault(one["model"], []).append((device.seen, one))
    return [each for model, ones in sorted(told.items()) for each in _of_one(model, ones)]


def _of_one(model: str, ones: list[tuple[float, dict[str, Any]]]) -> list[Sum]:
    _, newest = max(ones, key=lambda one: one[0])
    like = [one for _, one in ones if _kind(one) == _kind(newest)]
    return [
        Sum(
            model,
            value,
            sum(one["counts"][value] for one in like),
            sqrt(sum(variance(one["epsilon"]) for one in like)),
            len(like),
            newest["per_s"],
        )
        for value in newest["counts"]
    ]


def _kind(one: dict[str, Any]) -> tuple[object, ...]:
    return one["output"], one["per_s"], sorted(one["counts"])


def variance(epsilon: float) -> float:
    """Of the discrete Laplace distribution that devices draw noise from: x is as likely as e^(-epsilon |x|)."""
    share = exp(-epsilon)
    return 2 * share / (1 - share) ** 2
