"""Keep an environment from what is not its own and from what is missing, before anything changes or is deleted."""

from collections.abc import Sequence

from slipway.cluster.needed_secrets import (
    refuse_missing_pull_secret,
    refuse_missing_route_secret,
    refuse_missing_store_secret,
    refuse_missing_variable_secret,
)
from slipway.cluster.ownership import (
    Standing,
    adopt_namespace,
    namespace_standing,
    refuse_foreign_namespace,
    refuse_foreign_objects,
    refuse_foreign_policies,
)
from slipway.commands.changing.scaling_needs import refuse_missing_scaling
from slipway.commands.context import EnvironmentContext
from slipway.environments.planning.kinds import planning
from slipway.errors.base import Place, UserError
from slipway.errors.failures import EnvironmentMissing
from slipway.monitoring.routes import KEYS
from slipway.planner.environment import ModelPlan
from slipway.render.environment import render_environment
from slipway.spec.custom.environment import SecretKey


def refuse_foreign(context: EnvironmentContext, models: Sequence[ModelPlan], adopt: str | None) -> None:
    """Refuse, before anything changes, what would take over a namespace or objects that are not the environment's.

    And refuse models whose images could not be pulled, since the Secret for it is not in the namespace, or whose
    replicas nothing in the cluster could set.

    `models`: those that are to be deployed. `adopt`: the namespace that a person named to be adopted.
    """
    if adopt is not None and context.running.makes_cluster:
        problem = "is for clusters that others use too; this one is the environment's own"
        raise UserError(Place("command line"), "--adopt", problem, "environments of kind kubernetes", "leave it out")
    try:
        cluster = context.cluster
    except EnvironmentMissing:
        return
    now = refuse_foreign_namespace(cluster, context.name, context.namespace_place, adopt)
    context.running.check_cluster(cluster, namespace_there=now is not Standing.ABSENT)
    refuse_missing_scaling(context, cluster, models)
    if now is Standing.ABSENT:
        return
    adopted = now in (Standing.ADOPTED, Standing.FOREIGN)
    refuse_foreign_policies(cluster, render_environment(context.plan, adopted=adopted), context.name)
    refuse_foreign_objects(cluster, context.name, models, context.name_place)
    # A namespace that is not there yet is made first: a controller may put the Secret into each new one.
    secret = next((model.pull_secret for model in models), None)
    if secret is not None:
        at = context.file.locate(("pull_secret",))
        refuse_missing_pull_secret(cluster, secret, context.settings.registry, at)
    fetched = (model.delivery.stored for model in models)
    reads_with = next((stored.store.secret for stored in fetched if stored is not None), None)
    if reads_with is not None:
        refuse_missing_store_secret(cluster, reads_with, context.file.locate(("model_store", "credentials")))
    writes_with = next((model.samples.store.samples_secret for model in models if model.samples is not None), None)
    if writes_with is not None:
        refuse_missing_store_secret(cluster, writes_with, context.file.locate(("model_store", "samples")))
    _refuse_missing_routes(context)
    _refuse_missing_variables(context, models)


def _refuse_missing_routes(context: EnvironmentContext) -> None:
    """Refuse routes whose Secrets are not there: nobody would be told of any alert."""
    monitoring = planning(context.settings).monitoring
    for index, route in enumerate(monitoring.routes if monitoring is not None else ()):
        way, secret = route.secret
        at = context.file.locate(("monitoring", "routes", index, way, "secret"))
        refuse_missing_route_secret(context.cluster, secret, KEYS[way], at)


def _refuse_missing_variables(context: EnvironmentContext, models: Sequence[ModelPlan]) -> None:
    """Refuse models with variables of Secrets that are not there: their pods would never start."""
    asked: set[str] = set()
    for loaded in context.specs(models):
        for name, value in loaded.variant(context.name).spec.env.items():
            if isinstance(value, SecretKey) and value.secret not in asked:
                asked.add(value.secret)
                at = loaded.locate(context.name, ("env", name))
                refuse_missing_variable_secret(context.cluster, value.secret, value.key or name, at)


def adopt_if_asked(context: EnvironmentContext, adopt: str | None) -> None:
    """Mark the namespace that a person named to be adopted, unless it is the environment's own."""
    if adopt is not None and namespace_standing(context.cluster, context.name) is Standing.FOREIGN:
        adopt_namespace(context.cluster, context.name)


def is_adopted(context: EnvironmentContext) -> bool:
    """Whether the environment's namespace is others', who were asked."""
    return not context.running.makes_cluster and namespace_standing(context.cluster, context.name) is Standing.ADOPTED
