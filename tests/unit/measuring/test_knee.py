"""Where the knee is among rates."""

from slipway.measuring.knee import knee
from tests.unit.measuring.found import point


def test_without_a_limit_it_is_where_the_rate_over_the_time_is_highest() -> None:
    points = [point(30, mean_ms=10), point(50, mean_ms=12), point(90, mean_ms=60)]
    assert knee(points, None) == 50


def test_a_queue_with_exponential_times_has_its_knee_at_half_of_what_it_manages() -> None:
    points = [point(share, mean_ms=1000 / (100 - share)) for share in (10, 30, 50, 70, 90)]
    assert knee(points, None) == 50


def test_with_a_limit_it_is_the_highest_rate_within() -> None:
    assert knee([point(30, 10), point(50, 40), point(90, 200)], 50) == 50


def test_a_rate_that_lost_requests_or_fell_behind_is_none() -> None:
    points = [point(30, lost=1), point(50, steady=False), point(60).model_copy(update={"answered": 40})]
    assert knee(points, None) is None


def test_where_no_rate_is_within_the_limit_there_is_none() -> None:
    assert knee([point(30, 100)], 50) is None
