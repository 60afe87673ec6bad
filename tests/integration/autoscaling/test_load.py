"""More load, more replicas; less load, fewer; no metrics, the same."""

import json
import time

import pytest

from tests.support.looking import looking, until
from tests.support.monitoring import with_monitoring, without_prometheus
from tests.support.open_loop import OpenLoop, Target, percentile
from tests.support.workbench import Workbench, computing

pytestmark = [pytest.mark.integration, pytest.mark.serial]

_BODY = json.dumps({"inputs": {"a": [[1, 1, 1]], "b": [[0, 0, 0]]}}).encode()
_COOL_DOWN_S = 20
_LIMIT_S = 240.0
"""Metrics are half a minute old, the autoscaler looks each quarter, a pod starts in seconds: many times that."""
_WITHOUT_S = 90.0
"""With metrics a replica less is asked for after the cool-down and half a minute of them: nearly twice as long."""


@pytest.fixture
def work(bench: Workbench) -> Target:
    """A model of which a replica answers 15 requests a second, and that is scaled by the time they take."""
    with_monitoring(bench)
    bench.write(
        "work",
        1.0,
        nodes=computing(2500),
        resources={"cpu": "300m", "memory": "256Mi"},
        scale={"min": 1, "max": 3, "target": {"p95_ms": 250}, "cool_down": f"{_COOL_DOWN_S}s"},
    )
    up = bench.up()
    assert up.returncode == 0, up.stderr
    url = f"http://127.0.0.1:{bench.port('work')}/predict"
    return Target(url, _BODY, headers={"Content-Type": "application/json"})


def test_replicas_follow_the_load_and_stay_where_they_are_without_metrics(bench: Workbench, work: Target) -> None:
    assert _ready(bench) == 1
    with OpenLoop(work, 18, 20, keep_alive=False) as rising:
        until("there are more replicas", lambda: _ready(bench) > 1, _LIMIT_S)
        time.sleep(45)  # what waited while there were too few is answered, and the autoscaler looks twice more
    with OpenLoop(work, 18, 20, keep_alive=False, duration_s=20) as high:
        pass
    assert percentile(high.answers, 0.95) < percentile(rising.answers, 0.95)
    assert [answer.error for answer in high.answers if answer.status != 200] == []

    with OpenLoop(work, 2, 20, keep_alive=False):
        with without_prometheus():
            many = _ready(bench)
            seen: list[int] = []
            with looking(lambda: seen.append(_ready(bench)), every_s=1):
                time.sleep(_WITHOUT_S)
        assert many > 1
        assert min(seen) >= many
        until("there is one replica, since metrics came back", lambda: _ready(bench) == 1, _LIMIT_S)


def _ready(bench: Workbench) -> int:
    deployment = bench.cluster.read("Deployment", "work")
    assert deployment is not None
    return int((deployment.get("status") or {}).get("readyReplicas", 0))
