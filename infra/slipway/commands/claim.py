"""Keep an environment from what is not its own, before anything changes and before anything is deleted."""

from collections.abc import Callable, Sequence

from slipway.cluster.api import Cluster, Json
from slipway.cluster.foreign import foreign_objects
from slipway.cluster.ownership import (
    Standing,
    adopt_namespace,
    namespace_standing,
    refuse_foreign_namespace,
    refuse_foreign_objects,
    refuse_foreign_policies,
    release_namespace,
)
from slipway.commands.opened import Opened
from slipway.errors.base import Place, UserError
from slipway.errors.failures import EnvironmentMissing
from slipway.planner.environment import ModelPlan
from slipway.render.environment import render_environment

_NAMED = 10


def refuse_foreign(opened: Opened, models: Sequence[ModelPlan], adopt: str | None) -> None:
    """Refuse, before anything changes, what would take over a namespace or objects that are not the environment's.

    `models`: those that are to be deployed. `adopt`: the namespace that a person named to be adopted.
    """
    if adopt is not None and opened.account is not None:
        problem = "is for clusters that others use too; this one is the environment's own"
        raise UserError(Place("command line"), "--adopt", problem, "environments of kind kubernetes", "leave it out")
    try:
        cluster = opened.cluster
    except EnvironmentMissing:
        return
    now = refuse_foreign_namespace(cluster, opened.name, opened.namespace_place, adopt)
    if now is Standing.ABSENT:
        return
    adopted = now in (Standing.ADOPTED, Standing.FOREIGN)
    refuse_foreign_policies(cluster, render_environment(opened.plan, adopted=adopted), opened.name)
    refuse_foreign_objects(cluster, opened.name, models, opened.name_place)


def adopt_if_asked(opened: Opened, adopt: str | None) -> None:
    """Mark the namespace that a person named to be adopted, unless it is the environment's own."""
    if adopt is not None and namespace_standing(opened.cluster, opened.name) is Standing.FOREIGN:
        adopt_namespace(opened.cluster, opened.name)


def is_adopted(opened: Opened) -> bool:
    """Whether the environment's namespace is others', who were asked."""
    return opened.account is None and namespace_standing(opened.cluster, opened.name) is Standing.ADOPTED


def why_namespace_stays(cluster: Cluster, environment: str) -> str | None:
    """Why `down` does not delete the namespace, as a sentence; None when it does, or when there is none."""
    now = namespace_standing(cluster, environment)
    if now is Standing.ABSENT:
        return None
    if now is not Standing.OWN:
        whose = "was adopted" if now is Standing.ADOPTED else "is not of this environment"
        return f"namespace {cluster.namespace} stays: it {whose}"
    foreign = foreign_objects(cluster, environment)
    if not foreign:
        return None
    more = f" and {len(foreign) - _NAMED} more" if len(foreign) > _NAMED else ""
    named = ", ".join(foreign[:_NAMED])
    return f"namespace {cluster.namespace} stays: it has what Slipway did not make: {named}{more}"


def give_up_namespace(cluster: Cluster, environment: str, tell: Callable[[str], None]) -> str | None:
    """Delete the namespace of an environment that is down, if it made it and nothing of others is in it.

    Returns:
        Why it stays, None when it is gone or being deleted.
    """
    stays = why_namespace_stays(cluster, environment)
    now = namespace_standing(cluster, environment)
    if now is Standing.ADOPTED:
        release_namespace(cluster)
    elif now is Standing.OWN and stays is None:
        tell(f"deleting namespace {cluster.namespace}")
        cluster.delete("Namespace", cluster.namespace)
    return stays


def retained(state: Json) -> Json | None:
    """The state with its Namespaces left to `down`; None when they are already.

    Stacks of earlier versions would have the engine delete them with all that is in them.
    """
    resources = state["deployment"].get("resources") or []
    changed = [
        resource | {"retainOnDelete": True} if resource["type"] == "kubernetes:core/v1:Namespace" else resource
        for resource in resources
    ]
    return None if changed == resources else {**state, "deployment": {**state["deployment"], "resources": changed}}
