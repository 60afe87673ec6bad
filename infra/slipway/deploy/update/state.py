"""Read the rollouts of a namespace: what is judged, by `slipway up`, and what came of it so far, by the judge.

Both stand in one ConfigMap per rollout. Whoever may write ConfigMaps may have written this one, so nothing of it is
applied; the weights of the route are the judge's.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from slipway.deploy.ports import ClusterApi
from slipway.plan.rollout import RolloutPlan
from slipway.render.rollout.objects import ROLLOUT_OBJECTS
from slipway.values import names
from slipway.values.aliases import Json

MANAGER = "slipway-rollout"
"""The field manager of what `slipway up` writes into the ConfigMap."""
ADDED = (
    *(
        kind
        for kind in dict.fromkeys(row.kind for row in reversed(ROLLOUT_OBJECTS) if row.suffix != names.rollout(""))
        if kind != "Deployment"
    ),
    "Deployment",
)
"""Kinds of what the stack of a rollout adds to a model; Deployments last, by which it is found."""
_PLAN, _STATE = "plan.json", "state.json"

Phase = Literal["warming", "judging", "passed", "failed"]
_Text = Annotated[str, StringConstraints(max_length=4096)]


class State(BaseModel):
    """What the judge says of a rollout; the fields that nobody here reads are passed over.

    Attributes:
        id: of the rollout.
        phase: `warming` until the new release's pods are warm, then `judging`, at last `passed` or `failed`.
        step: index of the step that is judged, the shadow step being 0.
        percent: of the calls that the new release gets.
        since: when the step began, in ISO 8601.
        updated: when the judge wrote this.
        reason: why it failed, or why the step is not decided yet, for people.
        evidence: what was counted in this step.
        steps: what came of the steps before.
        series: what was counted over time, for plots.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: _Text
    phase: Phase
    step: Annotated[int, Field(ge=0, le=100)] = 0
    percent: Annotated[float, Field(ge=0, le=100)] = 0.0
    since: _Text = ""
    updated: _Text = ""
    reason: _Text = ""
    evidence: dict[str, Any] = {}
    steps: list[dict[str, Any]] = []
    series: list[Any] = []


@dataclass(frozen=True)
class Rollout:
    """A rollout that is there. `plan`: None when nobody can read it. `state`: None before the judge wrote any."""

    model: str
    plan: RolloutPlan | None
    state: State | None

    @property
    def under_way(self) -> bool:
        """Whether the judge is at work, or begins to be."""
        return self.state is None or self.state.phase in ("warming", "judging")

    def is_of(self, old: str, new: str) -> bool:
        """Whether the two releases, by their digests, are the ones of this rollout."""
        return self.plan is not None and (self.plan.old.release, self.plan.new.release) == (old, new)


def rollout_of(cluster: ClusterApi, model: str) -> Rollout | None:
    """The rollout of a model; None when none is there."""
    found = cluster.read("ConfigMap", names.rollout(model))
    return None if found is None else _read(model, found)


def rollouts(cluster: ClusterApi) -> dict[str, Rollout]:
    """Every rollout of the namespace by its model."""
    return {model: found for model in judged_models(cluster) if (found := rollout_of(cluster, model)) is not None}


def judged_models(cluster: ClusterApi) -> set[str]:
    """The models that a rollout left anything of, under way or not: its ConfigMap, a candidate or a judge."""
    ours = f"app.kubernetes.io/managed-by={names.MANAGED_BY}"
    suffix = names.rollout("")
    found = {name.removesuffix(suffix) for name in cluster.names("ConfigMap", ours) if name.endswith(suffix)}
    added = cluster.metadata("Deployment", f"{ours},{names.CANDIDATE_LABEL}")
    return found | {item["metadata"]["labels"][names.CANDIDATE_LABEL] for item in added}


def begin_rollout(cluster: ClusterApi, rollout: RolloutPlan, labels: Mapping[str, str], owner: Json) -> None:
    """Write down what is to be judged, in place of what another rollout left. `owner`: the model's Deployment."""
    cluster.delete("ConfigMap", names.rollout(rollout.model))
    reference = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
    }
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": names.rollout(rollout.model),
                "namespace": cluster.namespace,
                "labels": dict(labels),
                "ownerReferences": [reference],
            },
            "data": {_PLAN: json.dumps(rollout.to_json(), sort_keys=True)},
        },
        MANAGER,
    )


def remove_rollout(cluster: ClusterApi, model: str) -> None:
    """Remove what is written of a rollout, after what its stack does not know: of a run that was killed.

    The ConfigMap goes last, so that whoever is killed here is followed by one who finds it.
    """
    if model not in judged_models(cluster):
        return
    labels = f"app.kubernetes.io/managed-by={names.MANAGED_BY},{names.CANDIDATE_LABEL}={model}"
    for kind in ADDED:
        for name in cluster.names(kind, labels):
            cluster.delete(kind, name)
    cluster.delete("ConfigMap", names.rollout(model))


def _read(model: str, config_map: Json) -> Rollout:
    data = config_map.get("data") or {}
    try:
        plan = RolloutPlan.from_json(json.loads(data[_PLAN]))
    except (KeyError, TypeError, ValueError, AttributeError):
        return Rollout(model, None, None)
    try:
        state = State.model_validate_json(data[_STATE])
    except (KeyError, ValidationError):
        return Rollout(model, plan, None)
    # A judge that is about to stop may write once more about the rollout before.
    return Rollout(model, plan, state if state.id == plan.id else None)
