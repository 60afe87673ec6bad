"""What is said of a rollout whose judge sees only a part of the calls."""

import pytest

from slipway.planner.rollouts import rollout_warnings
from slipway.spec.model import ModelSpec

BASE = {
    "apiVersion": "slipway/v1",
    "name": "least",
    "version": "1.0.0",
    "owner": "tests",
    "artifact": {"source": "least.onnx"},
    "runtime": "onnxruntime",
    "resources": {"cpu": "1", "memory": "256Mi"},
    "scale": {"min": 1, "max": 1},
    "check": {"request": "least.json", "expect": {"y": 1}},
}


@pytest.mark.parametrize(
    ("strategy", "grpc", "said"), [("canary", True, 1), ("blue-green", True, 1), ("canary", False, 0), (None, True, 0)]
)
def test_calls_over_grpc_are_said_not_to_be_judged(strategy: str | None, grpc: bool, said: int) -> None:
    rollout = {"rollout": {"strategy": strategy}} if strategy else {}
    spec = ModelSpec.model_validate({**BASE, **rollout, "endpoint": {"public": True, "grpc": grpc}})
    found = list(rollout_warnings(spec))
    assert len(found) == said
    assert all("over gRPC stay with the release that serves" in one for one in found)
