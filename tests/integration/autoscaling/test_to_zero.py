"""A model that sleeps: calls wait while one replica starts, and none is lost."""

import time

import pytest

from tests.support.behind_gateway import factor, way_in, with_gateway
from tests.support.monitoring import until, with_monitoring
from tests.support.open_loop import OpenLoop
from tests.support.workbench import Workbench

pytestmark = [pytest.mark.integration, pytest.mark.serial]

_LIMIT_S = 180.0


@pytest.fixture
def asleep(bench: Workbench) -> Workbench:
    """An environment with a gateway and a public model that has no replica after ten seconds without a request."""
    with_gateway(bench, 1)
    with_monitoring(bench)
    bench.write(
        "sums",
        resources={"cpu": "100m", "memory": "256Mi"},
        scale={"min": 1, "max": 2, "target": {"concurrency": 4}, "to_zero": {"after": "10s"}},
        endpoint={"public": True, "timeout": "10s"},
    )
    up = bench.up()
    assert up.returncode == 0, up.stderr
    until("the model sleeps", lambda: _pods(bench) == set(), _LIMIT_S)
    return bench


def test_calls_to_a_sleeping_model_wait_for_one_start_and_are_all_answered(asleep: Workbench) -> None:
    way = way_in(asleep, "sums")
    with OpenLoop(way.to("sums"), 50, 60, way.authority, duration_s=1) as load:
        pass
    assert len(load.answers) == 50
    assert load.lost(lambda answer: factor(answer) == 2.0) == []
    assert len(_pods(asleep)) == 1, "one start"

    until("the model sleeps again", lambda: _pods(asleep) == set(), _LIMIT_S)
    with OpenLoop(way.to("sums"), 1, 60, way.authority, duration_s=2) as again:
        pass
    assert again.lost(lambda answer: factor(answer) == 2.0) == []


def test_a_release_of_a_sleeping_model_is_judged_by_its_answer(asleep: Workbench) -> None:
    asleep.write(
        "sums",
        3.0,
        version="1.1.0",
        resources={"cpu": "100m", "memory": "256Mi"},
        scale={"min": 1, "max": 2, "target": {"concurrency": 4}, "to_zero": {"after": "10s"}},
        endpoint={"public": True, "timeout": "10s"},
    )
    up = asleep.up()
    assert up.returncode == 0, up.stderr
    assert "1.1.0" in up.stdout + up.stderr
    until("the model sleeps again", lambda: _pods(asleep) == set(), _LIMIT_S)
    time.sleep(1)
    again = asleep.up()
    assert again.returncode == 0, again.stderr
    assert _pods(asleep) == set(), "nothing changed, so nothing was woken"


def _pods(bench: Workbench) -> set[str]:
    return {pod["metadata"]["name"] for pod in bench.cluster.list("Pod", "app.kubernetes.io/name=sums")}
