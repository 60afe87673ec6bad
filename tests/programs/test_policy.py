"""Whole programs against the policy: what every committed environment registers breaks no rule."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import slipway.programs.model
from slipway.commands.context import EnvironmentContext, Folders
from slipway.components.image.component import ModelImageArgs
from slipway.planner.environment import ModelPlan
from slipway.policy.resource import Resource
from slipway.policy.resources import violations
from tests.support.aws_runs import gateway_is_there
from tests.support.needs_aws import needs_aws
from tests.support.recorder import Run, run_program

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = Folders(ROOT / "models", ROOT / "stacks")
DIGEST = "sha256:" + "ab" * 32
CONNECTION = {
    "context": "slipway",
    "namespace": "slipway",
    "registry": "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
    "kubeconfig": "{}",
    "key": "arn:aws:kms:eu-central-1:123456789012:key/1",
}


def seen(run: Run) -> list[Resource]:
    return [Resource(one.token, one.name, one.inputs) for one in run.resources]


def on_aws(*names: str) -> list[Any]:
    return [pytest.param(name, marks=needs_aws) for name in names]


@pytest.mark.parametrize("environment", ["local", *on_aws("dev", "staging", "prod")])
def test_an_environment_breaks_no_rule(environment: str) -> None:
    context = EnvironmentContext(environment, FOLDERS)
    with gateway_is_there():
        resources = seen(run_program(context.running.program(), environment))
    assert resources
    assert [(one.rule.id, one.resource.name, one.problem) for one in violations(resources)] == []


@pytest.mark.parametrize("environment", ["local", *on_aws("dev", "prod")])
def test_a_model_breaks_no_rule(environment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def built(model: ModelPlan, _: Callable[[str], None]) -> ModelImageArgs:
        return ModelImageArgs(model.image.repository, model.image.tag, lambda: DIGEST, lambda _: DIGEST)

    monkeypatch.setattr(slipway.programs.model, "image_args", built)
    context = EnvironmentContext(environment, FOLDERS)
    model = context.plan.find("digits", FOLDERS.models)
    program = context.running.model_programs().model(model, lambda _: None)
    resources = seen(run_program(program, model.stack, connection=CONNECTION))
    assert any(resource.kind == "Deployment" for resource in resources)
    assert [(one.rule.id, one.resource.name, one.problem) for one in violations(resources)] == []
