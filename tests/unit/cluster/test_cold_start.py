"""A start is measured from what Kubernetes and the server say; what neither says is not measured."""

from typing import Any

import pytest

from slipway.cluster.cold_start import start_of

RELEASE = "0123456789abcdef"
METRICS = """# TYPE slipway_start_seconds gauge
slipway_start_seconds{part="load"} 1.2345
slipway_start_seconds{part="warm"} 2.5e-02
slipway_requests_total{route="/predict",status="200"} 3.0
"""


def pod(scheduled: str | None) -> dict[str, Any]:
    conditions = [{"type": "PodScheduled", "status": "True", "lastTransitionTime": scheduled}] if scheduled else []
    return {"metadata": {"creationTimestamp": "2026-11-26T01:00:00Z"}, "status": {"conditions": conditions}}


def pulled(message: str) -> list[dict[str, Any]]:
    return [{"reason": "Scheduled", "message": "assigned"}, {"reason": "Pulled", "message": message}]


def test_each_part_comes_from_who_knows_it() -> None:
    message = 'Successfully pulled image "r/i@sha256:0" in 1m2.5s (1m3s including waiting). Image size: 7 bytes.'
    start = start_of(pod("2026-11-26T01:00:04Z"), RELEASE, 80.0, pulled(message), METRICS)
    assert (start.node_s, start.pull_s, start.image_there) == (4.0, 63.0, False)
    assert (start.load_s, start.warm_s, start.total_s) == (1.23, 0.03, 80.0)


@pytest.mark.parametrize(
    "said",
    [
        'Container image "r/i@sha256:0" already present on machine',
        'Container image "r/i@sha256:0" already present on machine and can be accessed by the pod',
    ],
)
def test_an_image_that_was_there_took_no_time(said: str) -> None:
    start = start_of(pod(None), RELEASE, 5.0, pulled(said), "")
    assert (start.pull_s, start.image_there) == (0.0, True)


@pytest.mark.parametrize("said", ["", "Successfully pulled image", 'Successfully pulled image "i"'])
def test_what_nobody_says_is_not_measured(said: str) -> None:
    start = start_of(pod(None), RELEASE, 5.0, pulled(said), "slipway_start_seconds 3\n<html>")
    assert (start.node_s, start.pull_s, start.image_there, start.load_s, start.warm_s) == (None,) * 5
    assert start.total_s == 5.0


@pytest.mark.parametrize(
    ("took", "seconds"), [("850ms", 0.85), ("1.5s", 1.5), ("2h3m1s", 7381.0), ("12µs", 0.0), ("4m0.25s", 240.25)]
)
def test_times_are_read_as_go_writes_them(took: str, seconds: float) -> None:
    message = f'Successfully pulled image "i" in 1s ({took} including waiting). Image size: 7 bytes.'
    assert start_of(pod(None), RELEASE, 5.0, pulled(message), "").pull_s == seconds
