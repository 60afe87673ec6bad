"""Count what Envoy counted since a window began, out of samples of its counters."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from slipway_judge.judging.measures import SLOW_SHARE, highest_share, slow_allowed, slow_limit_ms
from slipway_judge.values.evidence import Calls
from slipway_judge.values.plan import Clusters, Rules

REQUESTS = "envoy_cluster_upstream_rq"
TIMES = "envoy_cluster_upstream_rq_time_bucket"
PRESENT = "envoy_cluster_membership_total"
"""There for each cluster from its beginning, so that "no calls" can be told from "no metrics"."""


@dataclass(frozen=True)
class Sample:
    """One counter of one Envoy at one moment."""

    labels: frozenset[tuple[str, str]]
    value: float

    def label(self, name: str) -> str:
        """Return a label's value; empty without it."""
        return next((value for key, value in self.labels if key == name), "")


class Counted:
    """How far each counter has risen since the first look: what Envoy, not Prometheus, remembers.

    A counter that was not there at the first look began at 0, one that fell began anew. So neither an outage of
    Prometheus nor the loss of all its data loses or invents a call.
    """

    def __init__(self, clusters: Clusters) -> None:
        self._sides = dict.fromkeys(clusters.old, "old") | dict.fromkeys(clusters.new, "new")
        self._last: dict[frozenset[tuple[str, str]], float] | None = None
        self._requests: dict[tuple[str, bool], float] = defaultdict(float)
        self._times: dict[str, dict[float, float]] = {"old": defaultdict(float), "new": defaultdict(float)}

    def look(self, samples: Iterable[Sample]) -> bool:
        """Take in all samples of a moment; False: there is none of these clusters, which says nothing."""
        known = [sample for sample in samples if sample.label("envoy_cluster_name") in self._sides]
        if not known:
            return False
        first = self._last is None
        last = self._last = self._last or {}
        for sample in known:
            before = last.get(sample.labels, 0.0)
            risen = sample.value - before if sample.value >= before else sample.value
            last[sample.labels] = sample.value
            if not first:
                self._count(sample, risen)
        return True

    def calls(self, rules: Rules) -> Calls:
        """Return the counts since the first look."""
        old = self._times["old"]
        share = highest_share(round(old.get(math.inf, 0.0)))
        highest = None if share is None else percentile(old, share)
        limit_ms = slow_limit_ms(rules, percentile(old, 0.95))
        allowed = slow_allowed(_above(old, limit_ms), old.get(math.inf, 0.0))
        return self._calls(limit_ms, slow_limit_ms(rules, highest), allowed)

    def calls_after(self, rules: Rules, before: Calls | None) -> Calls:
        """Return the same, with the limits of an earlier step where the old release has too few calls in this one.

        Never those of replayed calls: nobody else may be asking the old release then, and the new one has all clients.
        """
        own = self.calls(rules)
        if own.old >= rules.least_requests:
            return own
        if before is None:
            return self._calls(rules.p95_ms, rules.p95_ms, SLOW_SHARE)
        return self._calls(before.slow_limit_ms, before.surely_slow_limit_ms, before.slow_allowed)

    def _calls(self, limit_ms: float | None, sure_ms: float | None, allowed: float) -> Calls:
        times = self._times["new"]
        return Calls(
            old=round(self._requests["old", True] + self._requests["old", False]),
            new=round(self._requests["new", True] + self._requests["new", False]),
            old_errors=round(self._requests["old", False]),
            new_errors=round(self._requests["new", False]),
            old_p95_ms=percentile(self._times["old"], 0.95),
            new_p95_ms=percentile(times, 0.95),
            slow_limit_ms=limit_ms,
            surely_slow_limit_ms=sure_ms,
            slow_allowed=allowed,
            timed=round(times.get(math.inf, 0.0)),
            slow=round(_above(times, limit_ms)),
            surely_slow=round(_above(times, sure_ms)),
        )

    def _count(self, sample: Sample, risen: float) -> None:
        side = self._sides[sample.label("envoy_cluster_name")]
        name = sample.label("__name__")
        if name == REQUESTS:
            # What the caller did wrong (4xx) is no error of a release; replayed calls tell when only one refuses it.
            self._requests[side, not sample.label("envoy_response_code").startswith("5")] += risen
        elif name == TIMES:
            self._times[side][float(sample.label("le").replace("+Inf", "inf"))] += risen


def _above(times: dict[float, float], ms: float | None) -> float:
    return 0.0 if ms is None else times.get(math.inf, 0.0) - within(times, ms)


def within(times: dict[float, float], ms: float) -> float:
    """Return how many of a histogram's times are at most `ms`, taking those of a bucket as spread evenly over it."""
    low = below = 0.0
    for bound in sorted(times):
        if ms < bound:
            return below if math.isinf(bound) else below + (times[bound] - below) * (ms - low) / (bound - low)
        low, below = bound, times[bound]
    return below


def percentile(times: dict[float, float], share: float) -> float | None:
    """Return the time within which this share of a histogram lies, milliseconds; None without any.

    As PromQL's `histogram_quantile` does it: evenly within a bucket, and no more than the last finite bound.
    """
    total = times.get(math.inf, 0.0)
    if total <= 0:
        return None
    wanted = share * total
    low = below = 0.0
    for bound in sorted(times):
        if times[bound] >= wanted:
            return low if math.isinf(bound) else low + (bound - low) * (wanted - below) / (times[bound] - below)
        low, below = bound, times[bound]
    return low
