"""Decide what in a cluster is an environment's own: only that is changed or deleted.

The mark of a namespace and of every object is a pair of labels: made by Slipway, and for which environment. A namespace
that others made is used only when it was adopted by name; it never becomes Slipway's to delete.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

from slipway.cluster.api import Cluster
from slipway.errors.base import Place, UserError, UserErrors, WrongValue
from slipway.plan.model import ModelPlan
from slipway.render.objects import MODEL_OBJECTS
from slipway.render.rollout.objects import ROLLOUT_OBJECTS
from slipway.values import names
from slipway.values.aliases import Json
from slipway.values.listing import some

Located = tuple[Place, str]
"""Where a person wrote something, and what the field is called."""

_MANAGED = "app.kubernetes.io/managed-by"
_NAME = "app.kubernetes.io/name"
_SHOWN = 4


class Standing(Enum):
    """What a namespace is to an environment."""

    ABSENT = "absent"
    OWN = "own"
    ADOPTED = "adopted"
    OTHERS = "another environment's"
    FOREIGN = "foreign"


def standing(namespace: Json | None, environment: str) -> Standing:
    """What a namespace, as the API server gives it, is to an environment."""
    if namespace is None:
        return Standing.ABSENT
    labels, own = _labels(namespace), names.fitted(environment)
    if names.ADOPTED_LABEL in labels:
        return Standing.ADOPTED if labels[names.ADOPTED_LABEL] == own else Standing.OTHERS
    if labels.get(_MANAGED) != names.MANAGED_BY or names.ENVIRONMENT_LABEL not in labels:
        return Standing.FOREIGN
    return Standing.OWN if labels[names.ENVIRONMENT_LABEL] == own else Standing.OTHERS


def namespace_standing(cluster: Cluster, environment: str) -> Standing:
    """What the cluster's namespace is to an environment."""
    return standing(cluster.read("Namespace", cluster.namespace), environment)


def refuse_foreign_namespace(cluster: Cluster, environment: str, at: Located, adopt: str | None = None) -> Standing:
    """Refuse to use a namespace that is not the environment's; gives what it is, once `adopt` is carried out.

    Args:
        cluster: with the namespace of the settings.
        environment: its name.
        at: where the settings name the namespace.
        adopt: the namespace that a person named to be adopted.

    Raises:
        UserErrors: it is another environment's, or nobody adopted it; or what is to be adopted is another or not there.
    """
    found = cluster.read("Namespace", cluster.namespace)
    now = standing(found, environment)
    place, field = at
    if adopt is not None and (adopt != cluster.namespace or found is None):
        problem = "is not there" if adopt == cluster.namespace else f"is not the namespace of {environment}"
        todo = "leave --adopt out: Slipway makes the namespace" if adopt == cluster.namespace else "name that one"
        raise UserErrors([WrongValue(Place("command line"), "--adopt", adopt, problem, cluster.namespace, todo)])
    if now is Standing.OTHERS:
        other = _labels(found).get(names.ADOPTED_LABEL) or _labels(found).get(names.ENVIRONMENT_LABEL)
        problem = f"is the namespace of environment {other} in context {cluster.context}"
        allowed, todo = "a namespace that no other environment uses", "write a name of its own"
        raise UserErrors([WrongValue(place, field, cluster.namespace, problem, allowed, todo)])
    if now is Standing.FOREIGN and adopt is None:
        problem = f"already exists in context {cluster.context}, and Slipway did not create it ({_whose(found)})"
        allowed = "a namespace that does not exist yet, or one that is adopted by name"
        todo = (
            f"write another name; or, if its owners agree, run slipway up {environment} --adopt "
            f"{cluster.namespace}: models are deployed beside what is there, and the namespace is never deleted"
        )
        raise UserErrors([WrongValue(place, field, cluster.namespace, problem, allowed, todo)])
    return now


def adopt_namespace(cluster: Cluster, environment: str) -> None:
    """Mark a namespace that others made as one that an environment uses."""
    _label_namespace(cluster, names.fitted(environment))


def release_namespace(cluster: Cluster) -> None:
    """Remove the mark of an adopted namespace."""
    _label_namespace(cluster, None)


def _label_namespace(cluster: Cluster, value: str | None) -> None:
    body = {"metadata": {"labels": {names.ADOPTED_LABEL: value}}}
    path = cluster.url("Namespace", cluster.namespace)
    cluster.request("PATCH", path, body=body, content_type="application/merge-patch+json")


def is_own(item: Mapping[str, Any], environment: str, model: str | None = None) -> bool:
    """Whether an object carries the mark of an environment, and, where one is named, of a model.

    Locks and records of earlier versions do not say which environment they are of. Kubernetes copies the mark of a
    Service to the EndpointSlices that it makes for it: those are not its own.
    """
    labels = _labels(item)
    return (
        labels.get(_MANAGED) == names.MANAGED_BY
        and labels.get(names.SLICED_BY_LABEL, names.MANAGED_BY) == names.MANAGED_BY
        and labels.get(names.ENVIRONMENT_LABEL, names.fitted(environment)) == names.fitted(environment)
        and (model is None or model_of(item) == model)
    )


def model_of(item: Mapping[str, Any]) -> str | None:
    """Whose an object is by its labels; what a rollout adds is the model's whose new release is judged."""
    labels = _labels(item)
    return labels.get(names.CANDIDATE_LABEL, labels.get(_NAME))


def refuse_foreign_objects(
    cluster: Cluster, environment: str, models: Sequence[ModelPlan], where: Callable[[str], Located]
) -> None:
    """Refuse models whose objects would take over what has their names and is not theirs.

    The engine adopts objects by their names, so that a killed run can be repeated.

    Args:
        cluster: with the namespace of the models.
        environment: its name.
        models: those that are to be deployed.
        where: from a model's name to where its spec says it.

    Raises:
        UserErrors: with each such object.
    """
    there: dict[str, dict[str, Json]] = {}
    findings: list[UserError] = []
    for model in models:
        for kind, name in _objects_of(model):
            if kind not in there:
                there[kind] = {item["metadata"]["name"]: item for item in cluster.list(kind)}
            item = there[kind].get(name)
            if item is not None and not is_own(item, environment, model.name):
                place, field = where(model.name)
                problem = f"needs {kind} {cluster.namespace}/{name}, which exists and is not its own ({_whose(item)})"
                allowed, todo = "names that nothing else has", "rename the model, or that object"
                findings.append(WrongValue(place, field, model.name, problem, allowed, todo))
    if findings:
        raise UserErrors(findings)


def refuse_foreign_policies(cluster: Cluster, manifests: Iterable[Mapping[str, Any]], environment: str) -> None:
    """Refuse to take over objects with the names of those that an environment puts beside its models."""
    for manifest in manifests:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        item = cluster.read(kind, name) if kind != "Namespace" else None
        if item is not None and not is_own(item, environment):
            problem = (
                f"{kind} {cluster.namespace}/{name} exists and does not belong to this environment ({_whose(item)})"
            )
            raise UserError(
                Place(f"environment {environment}"), None, problem, "a name that nothing else has", "rename that object"
            )


def _objects_of(model: ModelPlan) -> Iterator[tuple[str, str]]:
    """Kind and name of everything that a model makes."""
    for row in MODEL_OBJECTS:
        # Of the kinds that a cluster may lack, or a person may not list, only those that this model has.
        if row.when(model) or not row.optional_api:
            is_config = row.kind == "ConfigMap"
            yield row.kind, names.config_map(model.name, model.release_digest) if is_config else model.name
    if model.spec.rollout.judged:
        yield from ((row.kind, f"{model.name}{row.suffix}") for row in ROLLOUT_OBJECTS)
    yield "ConfigMap", names.record(model.name)
    yield "Lease", names.lock(model.name)


def _labels(item: Mapping[str, Any] | None) -> Mapping[str, str]:
    return (item or {}).get("metadata", {}).get("labels") or {}


def _whose(item: Mapping[str, Any] | None) -> str:
    """How an object describes itself, so that a person recognises it."""
    labels = {key: value for key, value in _labels(item).items() if key != "kubernetes.io/metadata.name"}
    shown = [f"{key}={value}" for key, value in sorted(labels.items())]
    since = (item or {}).get("metadata", {}).get("creationTimestamp", "long ago")
    said = f"labels {some(shown, _SHOWN)}" if shown else "no labels"
    return f"{said}; there since {since}"
