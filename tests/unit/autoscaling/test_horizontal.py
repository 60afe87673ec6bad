"""The HorizontalPodAutoscaler as it is documented: tolerance, several metrics, stabilization, policies, bounds."""

from typing import Any

import pytest

from slipway.autoscaling.horizontal import Horizontal, Metric, behavior, of_kubernetes, proposal
from slipway.spec.scale import Scale


def rules(
    *, up: list[tuple[str, int, int]] | None = None, down: list[tuple[str, int, int]] | None = None, up_s: int = 0,
    down_s: int = 0, select: str = "Max",
) -> dict[str, Any]:  # fmt: skip
    """A behavior with these policies; without, as fast as can be."""

    def way(policies: list[tuple[str, int, int]] | None, seconds: int) -> dict[str, Any]:
        policies = policies or [("Percent", 100_000, 15)]
        listed = [{"type": kind, "value": value, "periodSeconds": period} for kind, value, period in policies]
        return {"stabilizationWindowSeconds": seconds, "selectPolicy": select, "policies": listed}

    return {"scaleUp": way(up, up_s), "scaleDown": way(down or [("Percent", 100, 15)], down_s)}


def wants(number: float) -> list[Metric]:
    return [Metric(number, 1.0)]


@pytest.mark.parametrize(
    ("current", "total", "average", "asked"),
    [
        (3, 60.0, 20.0, 3),
        (3, 66.0, 20.0, 3),  # 10 % above is within the tolerance
        (3, 66.1, 20.0, 4),
        (3, 54.0, 20.0, 3),  # 10 % below, too
        (3, 53.9, 20.0, 3),  # 2.695 is rounded up
        (4, 53.9, 20.0, 3),
        (3, 0.0, 20.0, 0),
        (1, 1000.0, 0.3, 3334),
        (2, 0.0009, 0.001, 0),  # KEDA cuts thousandths off
    ],
)
def test_a_metric_asks_for_so_many_that_each_has_the_average(
    current: int, total: float, average: float, asked: int
) -> None:
    assert proposal(current, [Metric(total, average)]) == asked


def test_the_metric_that_asks_for_most_wins() -> None:
    assert proposal(3, [Metric(60, 20), Metric(5, 1), Metric(0, 1)]) == 5


def test_a_metric_that_failed_lets_the_others_add_and_not_take_away() -> None:
    assert proposal(3, [Metric(None, 20), Metric(5, 1)]) == 5
    assert proposal(3, [Metric(None, 20), Metric(3, 1)]) == 3
    assert proposal(3, [Metric(None, 20), Metric(2, 1)]) is None
    assert proposal(3, [Metric(None, 20)]) is None


def test_without_metrics_replicas_stay() -> None:
    scaler = Horizontal(rules(), 1, 10)
    assert [scaler.sync(15.0 * i, 4, [Metric(None, 1)]) for i in range(40)] == [4] * 40


def test_bounds_hold_whatever_metrics_say() -> None:
    assert Horizontal(rules(), 2, 8).sync(0, 4, wants(100)) == 8
    assert Horizontal(rules(), 2, 8).sync(0, 4, wants(0)) == 2
    assert Horizontal(rules(), 2, 8).sync(0, 20, [Metric(None, 1)]) == 8
    assert Horizontal(rules(), 2, 8).sync(0, 1, [Metric(None, 1)]) == 2


def test_nothing_is_done_at_zero() -> None:
    assert Horizontal(rules(), 2, 8).sync(0, 0, wants(5)) == 0


@pytest.mark.parametrize(
    ("policies", "select", "current", "wanted", "reached"),
    [
        ([("Pods", 4, 60), ("Percent", 10, 60)], "Max", 80, 10, 72),  # the documentation's own example
        ([("Pods", 4, 60), ("Percent", 10, 60)], "Max", 72, 10, 64),  # 64.8 is cut off
        ([("Pods", 4, 60), ("Percent", 10, 60)], "Max", 30, 10, 26),
        ([("Pods", 4, 60), ("Percent", 10, 60)], "Min", 80, 10, 76),
        ([("Pods", 4, 60)], "Disabled", 80, 10, 80),
        ([("Percent", 100, 15)], "Max", 80, 10, 10),
    ],
)
def test_policies_limit_the_way_down(
    policies: list[tuple[str, int, int]], select: str, current: int, wanted: int, reached: int
) -> None:
    scaler = Horizontal(rules(down=policies, select=select), 1, 100)
    # What it remembers of its first look is over.
    scaler.sync(0, current, wants(current))
    assert scaler.sync(100, current, wants(wanted)) == reached


@pytest.mark.parametrize(
    ("policies", "current", "reached"),
    [
        ([("Percent", 100, 15), ("Pods", 4, 15)], 1, 5),
        ([("Percent", 100, 15), ("Pods", 4, 15)], 10, 20),
        ([("Percent", 200, 60)], 10, 30),
        ([("Percent", 10, 60)], 4, 5),  # rounded up, or it would never grow
        ([("Pods", 1, 60)], 3, 4),
    ],
)
def test_policies_limit_the_way_up(policies: list[tuple[str, int, int]], current: int, reached: int) -> None:
    assert Horizontal(rules(up=policies), 1, 1000).sync(0, current, wants(1000)) == reached


def test_a_policy_counts_from_the_replicas_at_the_start_of_its_period() -> None:
    scaler = Horizontal(rules(up=[("Percent", 100, 60)]), 1, 1000)
    assert scaler.sync(0, 10, wants(1000)) == 20
    assert scaler.sync(15, 20, wants(1000)) == 20
    assert scaler.sync(59, 20, wants(1000)) == 20
    assert scaler.sync(60, 20, wants(1000)) == 40


def test_fewer_come_only_after_the_most_that_was_asked_for_in_the_window_is_over() -> None:
    scaler = Horizontal(rules(down_s=60), 1, 100)
    assert scaler.sync(0, 5, wants(5)) == 5
    assert scaler.sync(15, 5, wants(2)) == 5
    assert scaler.sync(30, 5, wants(4)) == 5
    assert scaler.sync(59, 5, wants(2)) == 5
    assert scaler.sync(60, 5, wants(2)) == 4  # of what was asked for after 0 s, 4 at 30 s is the most
    assert scaler.sync(90, 4, wants(2)) == 2


def test_more_come_only_if_they_were_asked_for_all_the_time() -> None:
    scaler = Horizontal(rules(up_s=30), 1, 100)
    assert scaler.sync(0, 2, wants(2)) == 2
    assert scaler.sync(15, 2, wants(6)) == 2
    assert scaler.sync(31, 2, wants(8)) == 6


def test_ours_doubles_at_once_and_gives_up_one_or_a_tenth_a_minute_after_cooling_down() -> None:
    scale = Scale.model_validate({"max": 50, "target": {"p95_ms": 100}, "cool_down": "2m"})
    scaler = Horizontal(behavior(scale), 1, 50)
    assert scaler.sync(0, 1, wants(40)) == 3
    assert scaler.sync(15, 3, wants(40)) == 3
    assert scaler.sync(30, 3, wants(40)) == 6
    assert scaler.sync(60, 6, wants(40)) == 12
    assert scaler.sync(90, 12, wants(40)) == 24
    assert scaler.sync(120, 24, wants(40)) == 40
    later = [scaler.sync(135.0 + 15 * i, 40, wants(1)) for i in range(7)]
    assert later == [40] * 7
    assert scaler.sync(240, 40, wants(1)) == 36
    assert scaler.sync(255, 36, wants(1)) == 36
    assert scaler.sync(300, 36, wants(1)) == 32


def test_that_of_kubernetes_waits_five_minutes_and_then_goes_down_at_once() -> None:
    scaler = Horizontal(of_kubernetes(), 1, 50)
    assert scaler.sync(0, 2, wants(20)) == 6
    assert scaler.sync(15, 6, wants(20)) == 12
    assert scaler.sync(30, 12, wants(20)) == 20
    assert {scaler.sync(45.0 + 15 * i, 20, wants(1)) for i in range(19)} == {20}
    assert scaler.sync(330, 20, wants(1)) == 1
