"""A rollout in memory: what its program registers, and a judge that is at work while its Deployment is there.

The judge refuses what the real one refuses: it changes no route that is not marked with its own rollout, and writes
nothing once its ConfigMap is gone.
"""

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from slipway.plan.model import ModelPlan
from slipway.plan.release import Release
from slipway.plan.rollout import RolloutPlan, Stage
from slipway.render.model import render_model
from slipway.values import names
from tests.support.fake_engine import FakeProgram
from tests.support.living_cluster import LivingCluster

Json = dict[str, Any]


def rollout_program(
    old: Release, new: ModelPlan, rollout: RolloutPlan, replicas: int, stage: Stage, _: object
) -> FakeProgram:
    """The old release (or, to conclude, the new one), the candidate beside it, the judge and the route to both."""
    image = f"{new.image.repository}@sha256:{'0' * 64}"
    fresh = render_model(new, image)
    stable = fresh if stage == "conclude" else list(old.manifests)
    shared = [item for item in fresh if item["kind"] == "ConfigMap" and stage != "conclude"]
    added = [_candidate(item, replicas) for item in fresh if item["kind"] in ("Deployment", "Service")]
    if stage == "prepare":
        return FakeProgram([*shared, *stable, *added, _judge(rollout)])
    kept = [item for item in stable if item["kind"] != "HTTPRoute"]
    judge, share = ([_judge(rollout)], 0.0) if stage == "begin" else ([], 1.0)
    return FakeProgram([*shared, *kept, *added, *judge, _route(stable, rollout, share)])


def _candidate(manifest: Json, replicas: int) -> Json:
    changed = copy.deepcopy(manifest)
    model = changed["metadata"]["name"]
    name, selector = names.candidate(model), names.selector(names.candidate(model))
    changed["metadata"] |= {
        "name": name,
        "labels": changed["metadata"]["labels"] | selector | {names.CANDIDATE_LABEL: model},
    }
    if changed["kind"] == "Service":
        changed["spec"]["selector"] = selector
        return changed
    changed["spec"]["replicas"] = replicas
    changed["spec"]["selector"] = {"matchLabels": selector}
    changed["spec"]["template"]["metadata"]["labels"] |= selector
    return changed


def _judge(rollout: RolloutPlan) -> Json:
    """Its pods are not simulated: it has none."""
    labels = names.judge_selector(rollout.model) | {names.ENVIRONMENT_LABEL: rollout.environment}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"image": "judge"}], "volumes": []}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": names.judge(rollout.model), "labels": labels},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
    }


def _route(manifests: Sequence[Json], rollout: RolloutPlan, share: float) -> Json:
    route = copy.deepcopy(next(item for item in manifests if item["kind"] == "HTTPRoute"))
    route["metadata"].setdefault("annotations", {})[names.ROLLOUT_ANNOTATION] = rollout.id
    (ref,) = route["spec"]["rules"][0]["backendRefs"]
    old, new = rollout.weights(share)
    route["spec"]["rules"][0]["backendRefs"] = [
        {**ref, "weight": old},
        {**ref, "name": names.candidate(rollout.model), "weight": new},
    ]
    return route


@dataclass
class FakeJudge:
    """Takes `step_s` for each step of the rollouts of a cluster. `fails_at`: the step that it fails, None for none.

    `alive`: whether its pod runs.
    """

    cluster: LivingCluster
    step_s: float = 5.0
    fails_at: int | None = None
    alive: bool = True
    reason: str = "3 of 500 answers disagree, and 0.1 % may"
    shares: list[float] = field(default_factory=list)

    def work(self) -> None:
        """Look once, as the real one does every second or so."""
        objects = self.cluster.objects
        for (kind, name), config_map in list(objects.items()):
            if kind == "ConfigMap" and name.endswith(names.rollout("")) and self.alive:
                model = name.removesuffix(names.rollout(""))
                if ("Deployment", names.judge(model)) in objects:
                    self._judge(config_map, model)

    def _judge(self, config_map: Json, model: str) -> None:
        plan = RolloutPlan.from_json(json.loads(config_map["data"]["plan.json"]))
        state = json.loads(config_map["data"].get("state.json", "null"))
        now = self.cluster.now
        if state is None or state["id"] != plan.id:
            state = {"id": plan.id, "phase": "warming", "step": 0}
        route = self.cluster.objects.get(("HTTPRoute", model), {"metadata": {}})
        marked = route["metadata"].get("annotations", {}).get(names.ROLLOUT_ANNOTATION) == plan.id
        if state["phase"] == "warming" and marked:
            state |= {"phase": "judging", "began": now}
        if state["phase"] == "judging" and now - state["began"] >= self.step_s:
            if self.fails_at == state["step"]:
                state |= {"phase": "failed", "reason": self.reason}
            elif state["step"] + 1 == len(plan.steps):
                state["phase"] = "passed"
            else:
                state |= {"step": state["step"] + 1, "began": now}
        share = 0.0 if state["phase"] == "failed" else plan.steps[state["step"]]
        state |= {"updated": str(now), "percent": share * 100}
        config_map["data"]["state.json"] = json.dumps(state)
        if marked:
            self._weigh(route, plan, share)

    def _weigh(self, route: Json, plan: RolloutPlan, share: float) -> None:
        old, new = route["spec"]["rules"][0]["backendRefs"]
        weights = plan.weights(share)
        if (old["weight"], new["weight"]) != weights:
            old["weight"], new["weight"] = weights
            self.shares.append(share)
            route["metadata"]["managedFields"] = [
                {"manager": "slipway-judge", "fieldsV1": {"f:spec": {"f:rules": {}}}},
                {"manager": "envoy-gateway", "subresource": "status", "fieldsV1": {"f:status": {}}},
            ]
