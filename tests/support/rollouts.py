"""A rollout of a fixture's model, and what its programs and objects are made from."""

from dataclasses import replace
from pathlib import Path

from slipway.plan.model import ModelPlan
from slipway.plan.release import Release
from slipway.plan.rollout import Chosen, Limits, RolloutPlan, Side, Sticky
from slipway.planner.environment import release_digest, released
from slipway.render.model import placeholder_image, render_model
from slipway.render.rollout.judge import JudgePods
from slipway.values import names
from tests.support.planned import gateway_plan

REPLICAS = 3
PODS = JudgePods(f"127.0.0.1:5000/slipway/judge@sha256:{'0' * 64}")


def new_release(model: str = "all-of-it") -> ModelPlan:
    """The plan of a release that is judged: in an environment with a gateway and Prometheus, behind a route."""
    return gateway_plan("own").find(model, Path())


def old_release(new: ModelPlan) -> Release:
    """The release that serves before it: of another version, with the way in that is planned."""
    before = replace(new, version="1.0.0", server_config=new.server_config | {"drain_s": 1.0})
    old = released(before, release_digest(before))
    image = placeholder_image(old)
    return Release(old.name, old.version, old.release_digest, image, tuple(render_model(old, image)), old.check)


def rollout_of(new: ModelPlan, *, headers: bool = False) -> RolloutPlan:
    """The rollout of a release; `headers`: with callers that are kept with a release, and some that ask for it."""
    old = old_release(new)
    return RolloutPlan(
        id="3f2a9c01b4de",
        model=new.name,
        namespace=new.namespace,
        environment=new.environment,
        old=Side(old.version, old.digest, new.name),
        new=Side(new.version, new.release_digest, names.candidate(new.name)),
        port=80,
        steps=(0.0, 0.05, 1.0),
        hold_s=120.0,
        deadline_s=1800.0,
        shadow=0.1,
        sticky=Sticky("header", "x-session") if headers else None,
        header=Chosen("x-variant", "next") if headers else None,
        judge=Limits(0.01, 120.0, 0.99, 0.001, ("label",), 500),
        runtime=new.spec.runtime,
        prometheus="http://prometheus-operated.monitoring:9090",
        timeout_s=new.spec.endpoint.timeout,
        started="2026-01-31T12:00:00Z",
    )
