"""Keep the priority of what is restored as it is planned, and remove PriorityClasses once no pod needs them.

A pod whose PriorityClass is not there is refused. So a class outlives the settings that named it until no Deployment
names it, and what is restored gets the class that its model has by now: the one in its record may be gone.
"""

import copy
from collections.abc import Collection, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from slipway.deploy.ports import ClusterApi
from slipway.errors.reaching import ApiRefused
from slipway.plan.model import ModelPlan
from slipway.plan.release import Release
from slipway.policy.resource import read
from slipway.render.environment_objects import PRIORITY_CLASS
from slipway.values.names import MANAGED_BY, environment_labels, priority_classes

_CLASS = "priorityClassName"


def with_priority(release: Release, plan: ModelPlan) -> Release:
    """An earlier release of a model with the PriorityClass of its plan, or without one."""
    return replace(release, manifests=tuple(_with_class(one, plan.priority_class) for one in release.manifests))


def _with_class(manifest: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    changed = copy.deepcopy(dict(manifest))
    if manifest.get("kind") == "Deployment":
        pod = changed["spec"]["template"]["spec"]
        pod.pop(_CLASS, None)
        pod |= {_CLASS: name} if name is not None else {}
    return changed


def remove_unused_classes(cluster: ClusterApi, environment: str, planned: Collection[str]) -> None:
    """Delete the PriorityClasses of an environment that neither its settings nor any of its models name any more.

    Whoever may not list them has made none.
    """
    labels = ",".join(f"{key}={value}" for key, value in environment_labels(environment).items())
    try:
        there = cluster.names(PRIORITY_CLASS, labels)
    except ApiRefused as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        return
    own = {name for name in there if name.startswith(priority_classes(cluster.namespace))} - set(planned)
    if not own:
        return
    deployments = cluster.list("Deployment", f"app.kubernetes.io/managed-by={MANAGED_BY}")
    for name in sorted(own - {read(item, f"spec.template.spec.{_CLASS}") for item in deployments}):
        cluster.delete(PRIORITY_CLASS, name)
