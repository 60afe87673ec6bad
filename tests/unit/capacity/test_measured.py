"""The next cold start is expected to take what the last one took, but for a node and an image that were there."""

from slipway.capacity.estimates import ColdStart
from slipway.capacity.measured import MeasuredStart, expected_s

FIXED = ColdStart(node_s=0, image_s=6, weights_s=1, load_s=3)
GROWING = ColdStart(node_s=90, image_s=6, weights_s=1, load_s=3)
RELEASE = "0123456789abcdef"


def test_nothing_measured_is_the_estimate() -> None:
    assert expected_s(FIXED, None) == 10.0


def test_on_nodes_that_are_always_there_the_next_start_is_like_the_last() -> None:
    assert expected_s(FIXED, MeasuredStart(RELEASE, total_s=4.0, node_s=0.0, pull_s=0.0, image_there=True)) == 4.0


def test_where_nodes_come_and_go_a_node_and_an_image_that_were_there_tell_nothing() -> None:
    found = MeasuredStart(RELEASE, total_s=4.0, node_s=0.0, pull_s=0.0, image_there=True)
    assert expected_s(GROWING, found) == 90 + 7 + 4
    brought = MeasuredStart(RELEASE, total_s=150.0, node_s=120.0, pull_s=20.0, image_there=False)
    assert expected_s(GROWING, brought) == 150.0


def test_parts_that_were_not_measured_are_estimated_where_nodes_come_and_go() -> None:
    assert expected_s(GROWING, MeasuredStart(RELEASE, total_s=5.0)) == 90 + 7 + 5
