"""Which models a batch is refused for, before a store or a cluster is asked."""

from dataclasses import replace
from typing import Any, cast

import pytest

from slipway.commands.batches.batch import refuse_model
from slipway.commands.context import EnvironmentContext
from slipway.errors.base import Place, WrongValue
from slipway.plan.model import ModelPlan
from slipway.spec.model import ModelSpec
from tests.support.planned import fixture_plan

PLAN = fixture_plan("local").models[0]
LEAST = {
    "apiVersion": "slipway/v1",
    "name": "least",
    "version": "1.0.0",
    "owner": "tests",
    "resources": {"cpu": "1", "memory": "256Mi"},
    "scale": {"min": 1, "max": 1},
    "check": {"request": "least.json", "expect": {"y": 1}},
}


class _Context:
    """Where a spec says what."""

    def spec_place(self, model: str, path: tuple[str, ...]) -> tuple[Place, str]:
        return Place(f"{model}.yaml", 3), ".".join(path)


def planned(**changes: Any) -> ModelPlan:
    return replace(PLAN, name="least", spec=ModelSpec.model_validate({**LEAST, **changes}))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"runtime": "custom", "custom": {"image": "registry.example.com/own@sha256:" + "0" * 64, "port": 8000}},
            'least.yaml:3: runtime: "custom" has no program for batches in its image',
        ),
        (
            {"runtime": "llama", "artifact": {"source": "models/least.gguf"}},
            'least.yaml:3: runtime: "llama" has no program for batches in its image',
        ),
    ],
)
def test_a_model_whose_image_has_no_program_for_batches_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(WrongValue) as refused:
        refuse_model(cast(EnvironmentContext, _Context()), planned(**changes))
    assert words in str(refused.value)


def test_a_model_of_rows_is_taken_whatever_its_runtime() -> None:
    for runtime in ("onnxruntime", "sklearn"):
        plan = planned(runtime=runtime, artifact={"source": "models/least.onnx"})
        assert refuse_model(cast(EnvironmentContext, _Context()), plan) is None  # type: ignore[func-returns-value]
