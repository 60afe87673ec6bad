"""What the formulas ask for, where the answer is known from what queues do, and what a query looks like."""

import numpy as np
import pytest
from slipway_server.telemetry import metrics

from slipway.autoscaling.rates import Array, quantile
from slipway.autoscaling.signals import EDGES_S, estimated, query, threshold
from slipway.spec.scale import Scale, Target

FIXED = Scale(min=2, max=2)


def scale(**target: float) -> Scale:
    return Scale(min=1, max=8, target=Target.model_validate(target))


def test_buckets_are_those_of_the_model_server() -> None:
    assert metrics._SECONDS == EDGES_S


def test_a_replica_gets_its_target_and_latency_is_asked_in_replicas() -> None:
    assert threshold(scale(requests_per_second=20)) == 20
    assert threshold(scale(concurrency=1.5)) == 1.5
    assert threshold(scale(cpu_percent=70)) == 70
    assert threshold(scale(p95_ms=100)) == threshold(scale(mean_ms=50)) == 1


def test_cpu_has_no_query() -> None:
    with pytest.raises(ValueError, match="HorizontalPodAutoscaler"):
        query(scale(cpu_percent=70), namespace="shop", model="digits", cores=1)


def test_without_a_target_nothing_is_measured() -> None:
    with pytest.raises(ValueError, match="without a target"):
        threshold(FIXED)


@pytest.mark.parametrize("target", [{"requests_per_second": 20}, {"concurrency": 4}, {"queue": 1}, {"p95_ms": 100}])
def test_each_series_of_a_query_is_of_the_model_and_its_namespace(target: dict[str, float]) -> None:
    text = query(scale(**target), namespace="shop", model="digits", cores=0.5)
    selectors = text.count("{")
    assert selectors > 1
    assert text.count('{namespace="shop",model="digits"') == selectors


def counts(*numbers: float) -> Array:
    return np.array([*numbers, *[numbers[-1]] * (len(EDGES_S) + 1 - len(numbers))], dtype=float)


def test_a_quantile_is_between_the_edges_of_its_bucket() -> None:
    assert quantile(0.95, EDGES_S, counts(0, 0, 0, 0, 0, 0, 100)) == pytest.approx(0.05 + 0.95 * 0.05)
    assert quantile(0.5, EDGES_S, counts(100)) == pytest.approx(0.0005)
    assert quantile(0.95, EDGES_S, counts(*[0] * 14, 10)) == EDGES_S[-1]


@pytest.mark.parametrize(
    ("target", "near"),
    [
        ({"p95_ms": 80}, "50 or 100"),
        ({"p95_ms": 0.5}, "1"),
        ({"p95_ms": 250}, None),
        ({"p95_ms": 2.5}, None),
        ({"mean_ms": 80}, None),
    ],
)
def test_a_p95_between_two_edges_is_told_to_be_an_estimate(target: dict[str, float], near: str | None) -> None:
    said = estimated(scale(**target))
    assert said is None if near is None else f"in buckets; {near} ms is exact" in (said or "")
