"""Make the control side of a fleet in the cluster that its settings name, or destroy it with all that it knows."""

from collections.abc import Sequence

from slipway import console
from slipway.cluster.needed_secrets import refuse_missing_certificate
from slipway.cluster.ownership import Standing, refuse_foreign_namespace
from slipway.commands.changing.environment import environment_up
from slipway.commands.changing.session import Options, confirm, engine_of
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.noting import notes_of
from slipway.deploy.gateway import GatewayWatcher
from slipway.errors.base import Place, UnknownName
from slipway.errors.failures import Interrupted
from slipway.settings.edge_cluster import EdgeCluster
from slipway.values.names import FLEET, stack


def bring_control_side_up(context: EnvironmentContext, carrier: EdgeCluster, options: Options) -> None:
    """Run the fleet's stack, and wait until its control side runs; what is as the settings say stays as it is.

    A run that was killed is gone on with by the next.
    """
    cluster, at = context.cluster, context.file.locate(("cluster", "environment"))
    now = refuse_foreign_namespace(cluster, context.name, at)
    if now is Standing.ABSENT:
        console.message(f"{context.name} has no control side yet: it will be made in namespace {cluster.namespace}")
    else:
        _refuse_missing(context, carrier)
    confirm(f"make the control side of {context.name}", options, changing=now is Standing.ABSENT)
    with engine_of(context) as (engine, cancelled), console.Progress() as progress:

        def tell(text: str) -> None:
            progress.report(context.name, text)

        environment_up(context, engine, tell, new=now is Standing.ABSENT)
        # A namespace that is not there yet is made first: a controller may put the Secret into each new one.
        _refuse_missing(context, carrier)
        GatewayWatcher(cluster, cancelled.wait).wait_for_fleet(tell)
        tell("up")
        if cancelled.is_set():
            raise Interrupted


def _refuse_missing(context: EnvironmentContext, carrier: EdgeCluster) -> None:
    at = context.file.locate(("cluster", "certificate"))
    refuse_missing_certificate(context.cluster, carrier.certificate, at)


def refuse_unknown_data(context: EnvironmentContext, names: Sequence[str]) -> None:
    """Refuse a name of `--delete-data` that this fleet has not."""
    known = context.running.data_names
    for name in names:
        if name not in known:
            todo = "name it, or leave --delete-data out"
            raise UnknownName(Place(f"environment {context.name}"), "data", name, known, todo)


def control_side_runs(context: EnvironmentContext) -> bool:
    """Whether its pod is ready, so that it can be asked and told anything."""
    deployment = context.cluster.read("Deployment", FLEET) or {}
    return bool((deployment.get("status") or {}).get("availableReplicas"))


def destroy_control_side(context: EnvironmentContext, options: Options) -> None:
    """Destroy the stack of a fleet, and prove that nothing of it is left in the cluster."""
    cluster = context.cluster
    console.message(f"the control side of {context.name} will be deleted: every device would have to be added again")
    confirm(f"delete the control side of {context.name}", options, changing=True)
    with engine_of(context) as (engine, _), console.Progress() as progress:

        def tell(text: str) -> None:
            progress.report(context.name, text)

        with notes_of(context).during("down", details=["deleted for good: control-side"]):
            stays = context.running.destroy(engine, cluster, engine.state(stack(context.name)), (), tell)
    left = f"; {stays}" if stays else ""
    console.result(f"control side of {context.name} deleted, nothing is left in namespace {cluster.namespace}{left}")
