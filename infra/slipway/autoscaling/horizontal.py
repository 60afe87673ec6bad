"""Play Kubernetes's HorizontalPodAutoscaler: from what metrics say to the next number of replicas.

As of Kubernetes 1.36 (pkg/controller/podautoscaler) and its documentation, for external metrics with AverageValue,
which is what KEDA gives it. What it makes of each pod's CPU, and scaling by itself to zero, is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from slipway.spec.scale import Scale

SYNC_S = 15
"""How often it looks (--horizontal-pod-autoscaler-sync-period)."""
TOLERANCE = 0.1
"""What it takes no notice of, up or down (--horizontal-pod-autoscaler-tolerance)."""

_UP_PERCENT, _UP_PODS, _UP_S = 100, 2, 30
"""More replicas come at once, but a burst that is over when they are ready must not leave hundreds: at most twice as
many every window of a rate, after which what the first ones changed can be seen; from one, three."""
_DOWN_PERCENT, _DOWN_PODS, _DOWN_S = 10, 1, 60
"""Fewer come slowly, so that a wrong guess costs one replica's share of latency, and is seen before the next goes."""


def behavior(scale: Scale) -> dict[str, Any]:
    """Return `spec.behavior` of the HorizontalPodAutoscaler.

    Replicas are added without waiting: whoever asks meanwhile waits or is turned away. One goes only when fewer have
    sufficed for all of `cool_down`: the most that was asked for in this time is kept.
    """
    return {
        "scaleUp": {
            "stabilizationWindowSeconds": 0,
            "selectPolicy": "Max",
            "policies": [
                {"type": "Percent", "value": _UP_PERCENT, "periodSeconds": _UP_S},
                {"type": "Pods", "value": _UP_PODS, "periodSeconds": _UP_S},
            ],
        },
        "scaleDown": {
            "stabilizationWindowSeconds": int(scale.cool_down),
            "selectPolicy": "Max",
            "policies": [
                {"type": "Percent", "value": _DOWN_PERCENT, "periodSeconds": _DOWN_S},
                {"type": "Pods", "value": _DOWN_PODS, "periodSeconds": _DOWN_S},
            ],
        },
    }


def of_kubernetes() -> dict[str, Any]:
    """Return the behavior of a HorizontalPodAutoscaler that names none (pkg/apis/autoscaling/v2/defaults.go)."""
    percent = {"type": "Percent", "value": 100, "periodSeconds": 15}
    pods = {"type": "Pods", "value": 4, "periodSeconds": 15}
    return {
        "scaleUp": {"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [percent, pods]},
        "scaleDown": {"stabilizationWindowSeconds": 300, "selectPolicy": "Max", "policies": [percent]},
    }


@dataclass(frozen=True)
class Metric:
    """What one metric says: of all replicas together, and what one of them should have; None: it could not be read."""

    total: float | None
    average: float


@dataclass
class Horizontal:
    """One autoscaler with its memory of what was recommended and done.

    Attributes:
        behavior: `spec.behavior`, both directions with all of their fields.
        least: `minReplicas`.
        most: `maxReplicas`.
    """

    behavior: dict[str, Any]
    least: int
    most: int
    _recommended: list[tuple[float, int]] = field(default_factory=list)
    _added: list[tuple[float, int]] = field(default_factory=list)
    _removed: list[tuple[float, int]] = field(default_factory=list)

    def sync(self, at: float, current: int, metrics: Sequence[Metric]) -> int:
        """Return how many replicas there shall be.

        Args:
            at: now, in seconds.
            current: replicas that there are, whether they are ready or not; with 0 it does nothing.
            metrics: what each of its metrics says.
        """
        if not self._recommended:
            self._recommended.append((at, current))
        if current == 0:
            return 0
        if current > self.most:
            wanted = self.most
        elif current < self.least:
            wanted = self.least
        else:
            proposed = proposal(current, metrics)
            if proposed is None:
                return current
            wanted = self._limited(at, current, self._stabilized(at, current, proposed))
        if wanted > current:
            self._added.append((at, wanted - current))
        elif wanted < current:
            self._removed.append((at, current - wanted))
        return wanted

    def _stabilized(self, at: float, current: int, proposed: int) -> int:
        """Return the number that was not exceeded lately on the way up, nor undercut on the way down."""
        up_s, down_s = (self.behavior[way]["stabilizationWindowSeconds"] for way in ("scaleUp", "scaleDown"))
        up = min([proposed, *(number for when, number in self._recommended if when > at - up_s)])
        down = max([proposed, *(number for when, number in self._recommended if when > at - down_s)])
        self._recommended = [item for item in self._recommended if item[0] >= at - max(up_s, down_s)]
        self._recommended.append((at, proposed))
        return min(max(current, up), down)

    def _limited(self, at: float, current: int, wanted: int) -> int:
        if wanted > current:
            limit = max(self._limit(at, current, "scaleUp", 1), current)
            return min(wanted, limit, self.most)
        if wanted < current:
            limit = min(self._limit(at, current, "scaleDown", -1), current)
            return max(wanted, limit, self.least)
        return wanted

    def _limit(self, at: float, current: int, way: str, sign: int) -> int:
        """Return how far the policies let it go now: each counts from the replicas at the start of its period."""
        rules = self.behavior[way]
        if rules["selectPolicy"] == "Disabled":
            return current
        proposals: list[int] = []
        for policy in rules["policies"]:
            since = at - policy["periodSeconds"]
            start = current - _changed(self._added, since) + _changed(self._removed, since)
            if policy["type"] == "Pods":
                proposals.append(start + sign * policy["value"])
            else:
                percent = start * (1 + sign * policy["value"] / 100)
                proposals.append(ceil(percent) if sign > 0 else int(percent))
        furthest = max if (sign > 0) == (rules["selectPolicy"] == "Max") else min
        return furthest(proposals)


def proposal(current: int, metrics: Sequence[Metric]) -> int | None:
    """Return the most that any metric asks for; None if that is unknown: no metric, or fewer replicas, could be read.

    With one that failed, the others may add replicas and take none away.
    """
    asked = [_asked(current, metric.total, metric.average) for metric in metrics if metric.total is not None]
    if not asked or (len(asked) < len(metrics) and max(asked) < current):
        return None
    return max(asked)


def _asked(current: int, total: float, average: float) -> int:
    """Return the replicas among which a total is the average; those that there are if they nearly have it."""
    # Both are told in whole thousandths: KEDA cuts off the rest.
    usage, target = int(total * 1000), int(average * 1000)
    if 1 - TOLERANCE <= usage / (target * current) <= 1 + TOLERANCE:
        return current
    return ceil(usage / target)


def _changed(events: Sequence[tuple[float, int]], since: float) -> int:
    return sum(number for when, number in events if when > since)
