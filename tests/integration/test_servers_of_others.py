"""Servers of others behind a gateway: judged in a pod, asked through the gateway, drained without a loss under load."""

import json
import time
import urllib.request
from typing import Any

import pytest

from slipway.runtimes.others.base import METRICS_PORT
from slipway.values.names import RELEASE_LABEL, selector
from tests.support.behind_gateway import way_in, with_gateway
from tests.support.open_loop import Answer, OpenLoop
from tests.support.rounds import FULL
from tests.support.workbench import Workbench

pytestmark = [
    pytest.mark.integration,
    pytest.mark.serial,
    pytest.mark.skipif(not FULL, reason="their images have 300 MB of wheels: make soak runs this"),
]

RATE = 20
TIMEOUT_S = 10.0
REQUEST = {
    "inputs": [
        {"name": "a", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]},
        {"name": "b", "shape": [1, 3], "datatype": "FP32", "data": [1, 1, 1]},
    ]
}
SIGNS = {"triton": "nv_inference_request_success", "mlserver": "model_infer_request_success"}
"""A metric that each has of its own."""


def write(bench: Workbench, runtime: str, factor: float, **changes: Any) -> None:
    shape: dict[str, Any] = {
        "runtime": runtime,
        "resources": {"cpu": "500m", "memory": "768Mi"},
        "scale": {"min": 2, "max": 2},
        "endpoint": {"public": True, "timeout": f"{TIMEOUT_S:g}s"},
        "rollout": {"drain": "5s"},
    }
    bench.write("sums", factor, **{**shape, **changes})
    (bench.folder / "models/sums.json").write_text(json.dumps(REQUEST))


def pods(bench: Workbench) -> list[dict[str, Any]]:
    labels = ",".join(f"{key}={value}" for key, value in selector("sums").items())
    return bench.cluster.list("Pod", labels)


def first(answer: Answer) -> float | None:
    """The first number of an answer; None when it is none of the model's."""
    try:
        outputs = json.loads(answer.body)["outputs"]
        data = next(one["data"] for one in outputs if one["name"] == "y")
    except (ValueError, KeyError, TypeError, StopIteration):
        return None
    return float(data[0])


@pytest.mark.parametrize("runtime", sorted(SIGNS))
def test_a_server_of_others_is_judged_asked_measured_and_drained_without_a_loss(bench: Workbench, runtime: str) -> None:
    with_gateway(bench, replicas=1)
    write(bench, runtime, 2.0)
    up = bench.run("up", bench.environment, "--yes", limit_s=480)
    assert up.returncode == 0, up.stdout + up.stderr
    way = way_in(bench, "sums")
    before = {pod["metadata"]["labels"][RELEASE_LABEL] for pod in pods(bench)}

    address = pods(bench)[0]["status"]["podIP"]
    with urllib.request.urlopen(f"http://{address}:{METRICS_PORT}/metrics", timeout=10) as answer:
        assert SIGNS[runtime] in answer.read().decode()

    target = way.asking("/models/sums/v2/models/sums/infer", json.dumps(REQUEST).encode())
    with OpenLoop(target, RATE, TIMEOUT_S, way.authority) as load:
        time.sleep(2)
        write(bench, runtime, 3.0)
        again = bench.run("up", bench.environment, "--yes", limit_s=480)
        time.sleep(3)
    assert again.returncode == 0, again.stdout + again.stderr
    assert load.lost(lambda answer: first(answer) in (4.0, 6.0)) == []
    assert {first(answer) for answer in load.answers} == {4.0, 6.0}
    assert before.isdisjoint({pod["metadata"]["labels"][RELEASE_LABEL] for pod in pods(bench)})

    write(bench, runtime, 5.0, expect=1.0)
    wrong = bench.run("up", bench.environment, "--yes", limit_s=480)
    assert wrong.returncode == 2, wrong.stdout + wrong.stderr
    assert "output `y` is" in wrong.stderr
