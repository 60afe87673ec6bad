"""Pick and run the program for the stack that `pulumi up -s NAME` was called for."""

from pathlib import Path
from threading import Event

import pulumi

from slipway.cluster.ownership import Standing, refuse_foreign_namespace, refuse_foreign_objects
from slipway.commands.context import EnvironmentContext, Folders
from slipway.deploy.update.route import all_to_stable, free_route
from slipway.deploy.update.state import rollout_of
from slipway.errors.base import SlipwayError
from slipway.signing.seal import prepare
from slipway.values import names


def run() -> None:
    """Run the program of the current stack: `local` is an environment, `local.digits` a model in it.

    Every model of the environment is read and planned, though one is deployed: whether a GPU is free for it
    depends on the others. What is wrong with their specs is a warning.
    """
    name, _, wanted = pulumi.get_stack().partition(".")
    config = pulumi.Config()
    folders = Folders(Path(config.get("models") or "models"), Path(config.get("settings") or "stacks"))
    context = EnvironmentContext(name, folders, [wanted] if wanted else None)
    try:
        adopted = _refuse_foreign(context, wanted)
        if not wanted:
            context.running.program(adopted=adopted)()
            return
        # Refuses a fleet, whose devices have no stack for a model.
        programs = context.running.model_programs()
        planned = context.models([wanted])[0]
        for unread in context.left_out:
            pulumi.warn(f"left out of the plan and of its capacity: {unread}")
        if not pulumi.runtime.is_dry_run():
            prepare(context.file, [planned], pulumi.warn)
        _end_rollout(context, wanted)
    except SlipwayError as error:
        raise pulumi.RunError(str(error)) from error
    # The engine shows the image's progress itself.
    programs.model(planned, lambda _: None)()


def _end_rollout(context: EnvironmentContext, model: str) -> None:
    """End a rollout of the model that is under way, or failed, before the program that takes away what it added.

    Its calls go back to the model's own Deployment first; then the engine may write the route again. On AWS the engine
    refuses the route until `slipway up` or `slipway rollback` did this.
    """
    if context.running.makes_cluster or not context.has_gateway:
        return
    if rollout_of(context.cluster, model) is None:
        return
    pulumi.warn(
        f"model {model}: a release is judged beside it, and this update ends that without a verdict; to follow it to "
        f"its end instead, run slipway up {context.name} {model}"
    )
    if not pulumi.runtime.is_dry_run():
        all_to_stable(context.cluster, model, Event().wait)
        free_route(context.cluster, model)
        context.cluster.delete("ConfigMap", names.rollout(model))


def _refuse_foreign(context: EnvironmentContext, wanted: str) -> bool:
    """Refuse what is not the environment's, as `slipway up` does; gives whether its namespace was adopted.

    A cluster that the environment makes is its own, and may not be there yet.
    """
    if context.running.makes_cluster:
        return False
    now = refuse_foreign_namespace(context.cluster, context.name, context.namespace_place)
    if not wanted:
        context.running.check_cluster(context.cluster, namespace_there=now is not Standing.ABSENT)
    if now is not Standing.ABSENT:
        refuse_foreign_objects(
            context.cluster, context.name, context.models([wanted]) if wanted else (), context.name_place
        )
    return now is Standing.ADOPTED
