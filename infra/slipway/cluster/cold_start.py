"""Measure a replica's start from what Kubernetes noted of its pod and what its server says of itself."""

import re
from collections.abc import Sequence
from datetime import datetime

from slipway.capacity.measured import MeasuredStart
from slipway.cluster.pod_trouble import condition
from slipway.values.aliases import Json

METRICS_PATH = "/metrics"
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)")
"""A part of a time as Go writes it: `1m2.5s`."""
_UNITS_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PULLED = re.compile(r"^Successfully pulled image .* in (?P<alone>\S+) \((?P<with_waiting>\S+) including waiting\)")
_THERE = re.compile(r"^Container image .* already present on machine")
"""The kubelet's own words, of its events with the reason `Pulled`."""
_PART = re.compile(r'^slipway_start_seconds\{part="(load|warm)"\} (\d+(?:\.\d+)?(?:e[-+]?\d+)?)$', re.MULTILINE)


def start_of(pod: Json, release: str, total_s: float, events: Sequence[Json], metrics: str) -> MeasuredStart:
    """What the start of a pod of `release` took, which was ready `total_s` after it was made.

    `events`: of the pod. `metrics`: of a server of that release, in Prometheus's text format. What is missing in either
    is not measured.
    """
    pull_s, there = _pull(events)
    parts = {name: round(float(seconds), 2) for name, seconds in _PART.findall(metrics)}
    return MeasuredStart(
        release=release,
        total_s=total_s,
        node_s=_node(pod),
        pull_s=pull_s,
        load_s=parts.get("load"),
        warm_s=parts.get("warm"),
        image_there=there,
    )


def _node(pod: Json) -> float | None:
    """Seconds from the pod's being made to its having a node."""
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") != "True" or not scheduled.get("lastTransitionTime"):
        return None
    created = datetime.fromisoformat(pod["metadata"]["creationTimestamp"])
    return max(0.0, (datetime.fromisoformat(scheduled["lastTransitionTime"]) - created).total_seconds())


def _pull(events: Sequence[Json]) -> tuple[float | None, bool | None]:
    """Seconds that the image took, waiting for other pulls included, and whether the node had it."""
    for event in events:
        message = str(event.get("message", ""))
        if event.get("reason") != "Pulled":
            continue
        if _THERE.match(message):
            return 0.0, True
        if found := _PULLED.match(message):
            seconds = sum(float(amount) * _UNITS_S[unit] for amount, unit in _DURATION.findall(found["with_waiting"]))
            return round(seconds, 2), False
    return None, None
