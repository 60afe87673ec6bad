"""Hold a rehearsal against the plan: models on nodes of their pools, and nothing left at the end."""

from slipway.plan.model import ModelPlan
from slipway.rehearsal.acts import Acts, pods_by_node
from slipway.rehearsal.processes import RehearsalError
from slipway.values.names import cluster


def nodes_of_model(acts: Acts, model: ModelPlan) -> tuple[str, ...]:
    """The nodes on which a model's pods are.

    Raises RehearsalError for pods that are on no node, or on one of another pool than the plan's.
    """
    found = pods_by_node(acts, model)
    if not found:
        raise RehearsalError(f"{model.name} has no pods")
    labels = acts.stage.nodes.labels(cluster(acts.environment))
    for pod, node in found.items():
        missing = {key: value for key, value in model.pool.selector.items() if labels.get(node, {}).get(key) != value}
        if missing:
            where = f"on {node}" if node else "on no node"
            raise RehearsalError(f"{pod} is {where}; the plan says pool {model.pool.name}, whose nodes have {missing}")
    return tuple(sorted(found.values()))


def require_unchanged(what: str, changed: int) -> None:
    """Refuse a second `up` that changed something."""
    if changed:
        raise RehearsalError(f"a second `up` of {what} without a change changed {changed} resources")


def require_nothing_left(left: set[str], nodes: list[str]) -> None:
    """Refuse leftovers."""
    if left or nodes:
        listed = "\n  ".join([*sorted(left), *(f"node {node}" for node in nodes)])
        raise RehearsalError(f"`down` ended, but this is left:\n  {listed}")
