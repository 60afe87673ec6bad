"""Give a namespace up when an environment in somebody's cluster is taken down, and leave what is not its own."""

from collections.abc import Callable

from slipway.cluster.api import Cluster
from slipway.cluster.foreign import foreign_objects
from slipway.cluster.ownership import Standing, namespace_standing, release_namespace
from slipway.deploy.down import prove_environment_gone, prove_objects_gone, remove_unknown
from slipway.engine.engine import Engine
from slipway.values.aliases import Json, Tell
from slipway.values.listing import some
from slipway.values.names import stack

_NAMED = 10


def why_namespace_stays(cluster: Cluster, environment: str) -> str | None:
    """Why `down` does not delete the namespace, as a sentence; None when it does, or when there is none."""
    now = namespace_standing(cluster, environment)
    if now is Standing.ABSENT:
        return None
    if now is not Standing.OWN:
        whose = "was adopted" if now is Standing.ADOPTED else "does not belong to this environment"
        return f"namespace {cluster.namespace} is retained: it {whose}"
    foreign = foreign_objects(cluster, environment)
    if not foreign:
        return None
    named = some(foreign, _NAMED)
    return f"namespace {cluster.namespace} is retained: it contains what Slipway did not make: {named}"


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


def destroy_there(engine: Engine, cluster: Cluster, environment: str, state: Json | None, tell: Tell) -> str | None:
    """Destroy the stack of an environment in somebody's cluster, then its namespace. Gives why that stays."""
    kept = retained(state) if state else None
    if kept:
        engine.replace_state(stack(environment), kept, tell)
    engine.destroy(stack(environment), tell)
    remove_unknown(cluster, environment, None, of_environment=True)
    tell("waiting until nothing is left of its own objects")
    prove_objects_gone(cluster, environment)
    stays = give_up_namespace(cluster, environment, tell)
    if stays is None:
        prove_environment_gone(cluster, environment)
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
