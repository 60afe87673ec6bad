"""Hold an environment's cluster against what its models need to scale on metrics, before anything changes."""

from collections.abc import Sequence

from slipway.cluster.api import Cluster
from slipway.cluster.autoscalers import SCALED_OBJECT
from slipway.cluster.prometheus import Prometheus, Silent, Unasked
from slipway.cluster.scaling_needs import ScalingNeeds, refuse_missing
from slipway.commands.context import EnvironmentContext
from slipway.environments.planning.kinds import planning
from slipway.errors.failures import EnvironmentMissing
from slipway.planner.environment import ModelPlan


def refuse_missing_scaling(context: EnvironmentContext, cluster: Cluster, models: Sequence[ModelPlan]) -> None:
    """Refuse, with `UserErrors`, a cluster without KEDA or prometheus-operator where they are needed.

    An environment that makes its cluster brings both with it.
    """
    if context.running.makes_cluster:
        return
    monitoring = planning(context.settings).monitoring
    at = context.file.locate(("monitoring",))
    scaled = any(model.scaler == SCALED_OBJECT for model in models)
    operated = monitoring is not None and monitoring.operator
    refuse_missing(cluster, ScalingNeeds(at if scaled else None, at if operated else None))


def silent_prometheus(context: EnvironmentContext, models: Sequence[ModelPlan]) -> str | None:
    """A warning when the Prometheus that models scale on does not answer; None where it does, or cannot be asked."""
    monitoring = planning(context.settings).monitoring
    scaled = [model.name for model in models if model.scaler == SCALED_OBJECT]
    if monitoring is None or not scaled:
        return None
    try:
        Prometheus(context.cluster, monitoring.prometheus).check()
    except (Unasked, EnvironmentMissing):
        return None
    except Silent as silent:
        return (
            f"the Prometheus of the environment gives no metrics: {silent}; until it does, the replicas of "
            f"{', '.join(scaled)} stay as they are"
        )
    return None
