"""Read how the replicas of live models are set, and whether that works, from autoscalers and KEDA's ScaledObjects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slipway.cluster.autoscalers import HPA, SCALED_OBJECT, may_sleep, trouble_of_scaler
from slipway.cluster.pod_trouble import condition
from slipway.values.names import SCALE_TARGET_ANNOTATION


@dataclass(frozen=True, slots=True)
class Scaling:
    """How the replicas of a live model are set.

    Attributes:
        by: kind of the object that sets them: `Deployment` where they are fixed.
        least: bounds of the replicas, both as the object has them; `least` is 0 for a model that may sleep.
        most: see `least`.
        target: what is held steady, as `SIGNAL=VALUE`; None where they are fixed.
        current: what the autoscaler saw last: the signal of a replica, or the replicas that a latency target asks for.
        trouble: why nothing is scaled now, for people; empty when all is well.
        since: when that began, as Kubernetes writes times; None where it does not say.
    """

    by: str
    least: int
    most: int
    target: str | None = None
    current: float | None = None
    trouble: str = ""
    since: str | None = None

    def text(self) -> str:
        """For people, in one cell of a table: `1-8, p95_ms=100 (wants 2.4 replicas)`."""
        if self.target is None:
            return str(self.least)
        bounds = f"{self.least}-{self.most}, {self.target}"
        if self.trouble:
            return f"{bounds}: {self.trouble}" + (f" since {self.since}" if self.since else "")
        if self.current is None:
            return bounds
        if self.target.startswith(_LATENCIES):
            return f"{bounds} (wants {_short(self.current)} replicas)"
        return f"{bounds} (now {_short(self.current)})"


_LATENCIES = ("p95_ms=", "mean_ms=")
"""Their queries give the replicas that are wanted: a latency says nothing of how many that are."""
_NO_METRICS = frozenset({"FailedGetExternalMetric", "FailedGetResourceMetric", "FailedComputeMetricsReplicas"})
_FIRST_TRIGGER = "s0-"
"""How KEDA begins the name of its metric."""
_WHOLE_FROM = 100
_SUFFIXES = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9}


def scaling_of(replicas: int, autoscaler: Mapping[str, Any] | None, scaled_object: Mapping[str, Any] | None) -> Scaling:
    """How the replicas of a Deployment that wants so many are set, by objects of its name; None for one that is not."""
    if scaled_object is not None:
        return _of_keda(scaled_object, autoscaler, replicas)
    if autoscaler is None:
        return Scaling("Deployment", replicas, replicas)
    spec = autoscaler["spec"]
    percent = (_cpu(spec.get("metrics")).get("target") or {}).get("averageUtilization")
    seen = _percent_seen(autoscaler)
    trouble, since = _no_metrics(autoscaler)
    target = f"cpu_percent={percent}"
    return Scaling(HPA, spec.get("minReplicas", 1), spec["maxReplicas"], target, seen, trouble, since)


def _of_keda(scaled_object: Mapping[str, Any], autoscaler: Mapping[str, Any] | None, replicas: int) -> Scaling:
    spec = scaled_object["spec"]
    annotations = scaled_object["metadata"].get("annotations") or {}
    target = annotations.get(SCALE_TARGET_ANNOTATION, "metrics")
    trouble, since = _trouble_of_keda(scaled_object, autoscaler, replicas)
    current = _percent_seen(autoscaler) if target.startswith("cpu_percent=") else _average_seen(autoscaler)
    if current is not None and target.startswith(_LATENCIES):
        current *= replicas  # an average over those that are there
    return Scaling(
        SCALED_OBJECT,
        0 if may_sleep(scaled_object) else spec.get("minReplicaCount", 0),
        spec.get("maxReplicaCount", 100),
        target,
        None if replicas == 0 else current,
        trouble,
        since,
    )


def _trouble_of_keda(
    scaled_object: Mapping[str, Any], autoscaler: Mapping[str, Any] | None, replicas: int
) -> tuple[str, str | None]:
    """What is wrong, and since when; the autoscaler knows the time, KEDA's conditions have none."""
    said = trouble_of_scaler(scaled_object)
    if condition(dict(scaled_object), "Paused").get("status") == "True":
        return "paused by an annotation", None
    if replicas == 0:  # without a pod there are no metrics, which KEDA calls an error of their trigger
        return "", None
    if autoscaler is not None and (found := _no_metrics(autoscaler))[0]:
        return found
    if condition(dict(scaled_object), "Fallback").get("status") == "True":
        return "fallback: its metrics cannot be had", None
    return said, None


def _no_metrics(autoscaler: Mapping[str, Any]) -> tuple[str, str | None]:
    active = condition(dict(autoscaler), "ScalingActive")
    if active.get("status") == "False" and active.get("reason") in _NO_METRICS:
        return "no metrics", active.get("lastTransitionTime")
    return "", None


def _seen(autoscaler: Mapping[str, Any] | None) -> Sequence[Mapping[str, Any]]:
    """What an autoscaler saw last; a metric that it did not get is there without anything in it."""
    return ((autoscaler or {}).get("status") or {}).get("currentMetrics") or ()


def _cpu(metrics: Sequence[Mapping[str, Any]] | None) -> Mapping[str, Any]:
    """The metric of the processor in a list of an autoscaler's; empty when there is none."""
    return next((metric["resource"] for metric in metrics or () if metric.get("resource")), {})


def _percent_seen(autoscaler: Mapping[str, Any] | None) -> float | None:
    percent = (_cpu(_seen(autoscaler)).get("current") or {}).get("averageUtilization")
    return None if percent is None else float(percent)


def _average_seen(autoscaler: Mapping[str, Any] | None) -> float | None:
    """What KEDA gave for the first trigger, which is the target's: floors and demand come after it."""
    for metric in _seen(autoscaler):
        external = metric.get("external") or {}
        average = (external.get("current") or {}).get("averageValue")
        if average is not None and (external.get("metric") or {}).get("name", "").startswith(_FIRST_TRIGGER):
            return _number(average)
    return None


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= _WHOLE_FROM else f"{value:.3g}"


def _number(quantity: str) -> float:
    """A quantity as the API server writes values of metrics, `1500m`: Kubernetes' own package takes a second for it."""
    suffix = quantity[-1:]
    return float(quantity[:-1]) * _SUFFIXES[suffix] if suffix in _SUFFIXES else float(quantity)
