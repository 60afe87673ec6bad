"""Say how long the model takes for one request: as given, or drawn from what a trace shows of its quiet times."""

import re
from dataclasses import dataclass

import numpy as np

from slipway.autoscaling.rates import Array
from slipway.values.quantities import parse_seconds, refusal

_LEAST_S = 0.0001
_CV = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,6})?")
_ALLOWED = "a time, and after a comma how much it varies: standard deviation over mean, from 0 to 10"
_EXAMPLE = "write for example 20ms, or 20ms,0.5"


@dataclass(frozen=True)
class ServiceTime:
    """How long the model takes for requests: gamma-distributed, or drawn from what was seen.

    Attributes:
        mean_s: mean of all requests.
        variation: standard deviation over mean; 0 where each takes the same, 1 is the exponential distribution.
        seen: times that are drawn from instead, or None.
    """

    mean_s: float
    variation: float
    seen: Array | None = None

    @classmethod
    def of(cls, seen: Array) -> "ServiceTime":
        """Return the distribution of times that were seen, in seconds."""
        times = np.maximum(seen, _LEAST_S)
        mean_s = float(times.mean())
        return cls(mean_s, float(times.std()) / mean_s, times)

    def draw(self, random: np.random.Generator, number: int) -> Array:
        """Return so many times in seconds."""
        if self.seen is not None:
            return random.choice(self.seen, number)
        if self.variation == 0:
            return np.full(number, self.mean_s)
        shape = self.variation**-2
        return np.maximum(random.gamma(shape, self.mean_s / shape, number), _LEAST_S)


def parse_service_time(text: str) -> ServiceTime:
    """`20ms`, or `20ms,0.5` with its variation."""
    time, comma, variation = text.replace(" ", "").partition(",")
    mean_s = parse_seconds(time)
    if not comma:
        return ServiceTime(mean_s, 0.0)
    if not _CV.fullmatch(variation) or float(variation) > 10:
        raise refusal("does not say how much the time varies", _ALLOWED, _EXAMPLE)
    return ServiceTime(mean_s, float(variation))
