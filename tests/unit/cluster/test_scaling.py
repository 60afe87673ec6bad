"""What a person is told about how replicas are set, and whether that works."""

from typing import Any

import pytest

from slipway.cluster.scaling import scaling_of

Json = dict[str, Any]
SINCE = "2026-11-26T12:00:00Z"


def hpa(current: Json | None = None, **condition: str) -> Json:
    metric = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 70}}}
    status: Json = {"conditions": [condition] if condition else []}
    if current is not None:
        status["currentMetrics"] = [{"type": "", **{}}, {"type": "Resource", **current}]
    return {"spec": {"minReplicas": 2, "maxReplicas": 8, "metrics": [metric]}, "status": status}


def scaled_object(target: str = "concurrency=4", conditions: list[Json] | None = None, **spec: Any) -> Json:
    ready = {"type": "Ready", "status": "True", "reason": "ScaledObjectReady"}
    return {
        "metadata": {"annotations": {"slipway.dev/scale-target": target}},
        "spec": {"minReplicaCount": 1, "maxReplicaCount": 8, **spec},
        "status": {"conditions": conditions if conditions is not None else [ready]},
    }


def external(value: str) -> Json:
    return {"external": {"metric": {"name": "s0-prometheus"}, "current": {"averageValue": value}}}


def test_what_was_seen_of_floors_and_of_demand_is_not_the_target() -> None:
    seen = hpa()
    demand = {"metric": {"name": "s1-metric-api-waiting"}, "current": {"averageValue": "7"}}
    seen["status"]["currentMetrics"] = [{"type": ""}, {"type": "External", "external": demand}]
    assert scaling_of(3, seen, scaled_object()).current is None
    processor = {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 35}}}
    seen["status"]["currentMetrics"] = [processor, {"type": "External", "external": demand}]
    assert scaling_of(3, seen, scaled_object("cpu_percent=70")).text() == "1-8, cpu_percent=70 (now 35)"


def failed(reason: str) -> dict[str, str]:
    return {"type": "ScalingActive", "status": "False", "reason": reason, "lastTransitionTime": SINCE}


def test_replicas_that_are_fixed_are_a_number() -> None:
    assert scaling_of(3, None, None).text() == "3"


def test_an_autoscaler_by_cpu_shows_bounds_target_and_what_it_saw() -> None:
    seen = {"resource": {"name": "cpu", "current": {"averageUtilization": 35}}}
    assert scaling_of(3, hpa(seen), None).text() == "2-8, cpu_percent=70 (now 35)"
    assert scaling_of(3, hpa(), None).text() == "2-8, cpu_percent=70"


@pytest.mark.parametrize(
    ("target", "value", "text"),
    [
        ("concurrency=4", "1500m", "1-8, concurrency=4 (now 1.5)"),
        ("requests_per_second=20", "17", "1-8, requests_per_second=20 (now 17)"),
        ("requests_per_second=2000", "1k", "1-8, requests_per_second=2000 (now 1000)"),
        ("p95_ms=100", "800m", "1-8, p95_ms=100 (wants 2.4 replicas)"),
    ],
)
def test_a_scaled_object_shows_what_kedas_autoscaler_saw(target: str, value: str, text: str) -> None:
    assert scaling_of(3, hpa(external(value)), scaled_object(target)).text() == text


@pytest.mark.parametrize("reason", ["FailedGetExternalMetric", "FailedGetResourceMetric"])
def test_missing_metrics_are_told_since_when(reason: str) -> None:
    found = scaling_of(3, hpa(external("1"), **failed(reason)), scaled_object())
    assert found.text() == f"1-8, concurrency=4: no metrics since {SINCE}"
    assert scaling_of(3, hpa(None, **failed(reason)), None).trouble == "no metrics"


def test_an_autoscaler_that_is_off_because_its_model_sleeps_is_no_trouble() -> None:
    found = scaling_of(0, hpa(None, **failed("ScalingDisabled")), scaled_object(idleReplicaCount=0))
    assert found.text() == "0-8, concurrency=4"


@pytest.mark.parametrize(
    ("conditions", "trouble"),
    [
        (
            [{"type": "Ready", "status": "False", "reason": "TriggerError", "message": "it errs"}],
            "KEDA says TriggerError: it errs",
        ),
        ([{"type": "Paused", "status": "True"}], "paused by an annotation"),
        ([{"type": "Ready", "status": "True"}, {"type": "Fallback", "status": "True"}], "fallback: "),
        ([], "KEDA has not said anything about its ScaledObject"),
    ],
)
def test_what_keda_says_is_told(conditions: list[Json], trouble: str) -> None:
    assert scaling_of(3, None, scaled_object(conditions=conditions)).trouble.startswith(trouble)
