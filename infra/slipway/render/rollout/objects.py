"""Lists what a rollout adds to a model's objects: who renders, deletes or documents it reads this."""

from dataclasses import dataclass

from slipway.render.objects import MODEL_OBJECTS


@dataclass(frozen=True, slots=True)
class RolloutObject:
    """One object that is there while a new release is judged.

    Attributes:
        kind: as in manifests.
        suffix: its name is the model's and this.
        about: what it is for, for people.
        template: name of its file in templates/kubernetes/rollout/, without the ending; None for one that is made of an
            object of the release.
    """

    kind: str
    suffix: str
    about: str
    template: str | None = None


ROLLOUT_OBJECTS = (
    RolloutObject("NetworkPolicy", "-candidate", "opens the port of the new release's servers and nothing else"),
    RolloutObject("Deployment", "-candidate", "the pods of the new release, as many from beginning to end"),
    RolloutObject("Service", "-candidate", "the address of the new release"),
    RolloutObject("PodDisruptionBudget", "-candidate", "lets a node be drained of one replica at a time"),
    RolloutObject("ServiceAccount", "-judge", "identity of the judge", "judge_service_account"),
    RolloutObject("Role", "-judge", "get and patch of the model's route and of the rollout's ConfigMap", "judge_role"),
    RolloutObject("RoleBinding", "-judge", "gives the judge that role", "judge_role_binding"),
    RolloutObject("NetworkPolicy", "-judge", "who may call the judge, and whom it asks", "judge_network_policy"),
    RolloutObject("Deployment", "-judge", "the judge, one pod", "judge_deployment"),
    RolloutObject("Service", "-judge", "where Envoy replays calls to", "judge_service"),
    RolloutObject("ConfigMap", "-rollout", "what is judged, and what came of it so far; not of the stack"),
)
"""In the order in which they are applied; the last one before all."""

JUDGE_TEMPLATES = tuple(row.template for row in ROLLOUT_OBJECTS if row.template is not None)
CANDIDATE_KINDS = frozenset(row.kind for row in ROLLOUT_OBJECTS if row.suffix == "-candidate")
"""Kinds of a release's objects of which a candidate has one of its own."""
_OF_MODELS = frozenset(row.kind for row in MODEL_OBJECTS)
ONLY_IN_ROLLOUTS = tuple(row.kind for row in reversed(ROLLOUT_OBJECTS) if row.kind not in _OF_MODELS)
"""Kinds that no model has without a rollout, in the order of deletion."""
