"""Run `down`: destroy models or an environment, and prove that nothing is left."""

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext

from slipway import console
from slipway.cluster.api import Cluster
from slipway.cluster.users import Made, made_by_users, remove_made
from slipway.commands.changing.belongings import of_destroyed, of_environment
from slipway.commands.changing.deploying import recorder_of
from slipway.commands.changing.session import Options, confirm, engine_of
from slipway.commands.context import EnvironmentContext
from slipway.deploy.down import holds_ledger, model_stacks, prove_models_gone, remove_models, remove_unknown
from slipway.deploy.hand_over import HandOver
from slipway.deploy.record import live_models
from slipway.deploy.watcher import Watcher
from slipway.environments.running.namespace import why_namespace_stays
from slipway.errors.base import Place, UnknownName, UserErrors, WrongValue
from slipway.errors.failures import EnvironmentMissing, Interrupted
from slipway.values.names import stack


def take_down(context: EnvironmentContext, names: Sequence[str], options: Options) -> None:
    """Destroy the stacks of models, or all of an environment and then its own, and prove that nothing is left.

    Raises `LeftBehind` when something is, also where that was to be: data that was not named.
    """
    started = time.monotonic()
    running = context.running
    running.check_account()
    with engine_of(context) as (engine, cancelled):
        existing = model_stacks(engine.stacks(), context.name)
        for name in names:
            if name not in existing:
                raise UnknownName(Place(f"environment {context.name}"), "model", name, existing, "name one of those")
        chosen = list(names) or existing
        state = None if names else engine.state(stack(context.name))
        if not names:
            running.check_down(state)
        data = running.data(state)
        _refuse_unknown(context, options)
        made = [] if names else _made_by_users(context, options)
        _announce(chosen, data, options, of_destroyed(context) if names else of_environment(context))
        cluster = None if names or running.makes_cluster else _cluster(context)
        stays = why_namespace_stays(cluster, context.name) if cluster else None
        _warn(context, made, cluster, stays)
        confirm(f"take {', '.join(names) or context.name} down", options, changing=True)
        recorder = recorder_of(context)
        # What becomes of single models are entries of theirs.
        noted = nullcontext() if names else recorder.notes.during("down", details=_deleted(options))
        with noted, console.Progress() as progress:

            def tell(text: str) -> None:
                progress.report(context.name, text)

            if made:
                remove_made(context.cluster, context.name, made, tell)
            for name in chosen:
                running.resume(engine, stack(context.name, name), tell, doubted=False)
            there = _cluster(context)
            retire = _scalers(context, there, cancelled.wait) if there else (lambda _: None)
            live = live_models(there) if there else {}
            failed = remove_models(engine, context.name, chosen, progress.report, options.jobs, retire)
            for name, error in failed.items():
                recorder.removed(name, live.get(name), error)
            errors = [error for error in failed.values() if error]
            if cancelled.is_set():
                raise Interrupted
            if errors:
                raise errors[0]
            cluster = _cluster(context)
            if cluster:
                remove_unknown(cluster, context.name, names or None)
                tell("waiting until nothing is left of the models")
                prove_models_gone(cluster, context.name, names or None)
            if not names:
                stays = running.destroy(engine, cluster, state, options.delete_data, tell)
    what = f"models {', '.join(names)} of `{context.name}`" if names else f"environment `{context.name}`"
    where = "the cluster" if names else running.home
    left = f"nothing of it is left in {where}; {stays}" if stays else f"nothing is left in {where}"
    console.result(f"{what} down in {console.duration(time.monotonic() - started)}; {left}")


def _deleted(options: Options) -> list[str]:
    return [f"deleted for good: {name}" for name in options.delete_data]


def _warn(context: EnvironmentContext, made: Sequence[Made], cluster: Cluster | None, stays: str | None) -> None:
    """Say what goes that somebody may want to keep, and what stays; `cluster`: one that is not Slipway's own."""
    for one in made:
        console.message(f"  {one}, which users made, will be deleted first, with all that is in it")
    if stays:
        console.message(f"  {stays}")
    if cluster and holds_ledger(cluster, context.name):
        console.message(
            "  keys and ledger will be deleted with their volume: "
            f"slipway usage {context.name} --format csv > usage.csv keeps what was used"
        )


def _made_by_users(context: EnvironmentContext, options: Options) -> list[Made]:
    """What users made in a cluster of ours and would be left in the account; refused unless it may be deleted."""
    cluster = _cluster(context) if context.running.makes_cluster else None
    made = made_by_users(cluster, context.name) if cluster else []
    if made and not options.with_foreign:
        place, allowed = Place(f"cluster of {context.name}"), "nothing that holds the network or outlives the cluster"
        todo = f"delete it, or run slipway down {context.name} --with-foreign, which deletes it first"
        problem = "was made by users: its load balancer or its disk would be left in the account"
        raise UserErrors(
            [WrongValue(place, one.kind, f"{one.namespace}/{one.name}", problem, allowed, todo) for one in made]
        )
    return made


def _scalers(context: EnvironmentContext, cluster: Cluster, pause: Callable[[float], bool]) -> Callable[[str], None]:
    """What ends KEDA's part in a model before its stack is destroyed."""
    return HandOver(cluster, context.name, Watcher(cluster, pause)).retire


def _refuse_unknown(context: EnvironmentContext, options: Options) -> None:
    """Refuse a name of data that no environment of this kind has; what an earlier run deleted is no mistake."""
    known = context.running.data_names
    for name in options.delete_data:
        if name not in known:
            raise UnknownName(
                Place(f"environment {context.name}"), "data", name, known, "name it, or leave --delete-data out"
            )


def _announce(models: Sequence[str], data: dict[str, str], options: Options, becomes: Sequence[str]) -> None:
    """Print what will be destroyed and what retained, before anything is; `becomes`: of what belongs to the models."""
    console.message(f"{len(models)} models will be destroyed: {', '.join(models) or 'none'}")
    for line in becomes if models else ():
        console.message(f"  {line}")
    for name, what in data.items():
        if name in options.delete_data:
            console.message(f"  {name} ({what}): everything of it will be deleted for good")
        else:
            console.message(f"  {name} ({what}) is retained; --delete-data {name} deletes it and its contents")


def _cluster(context: EnvironmentContext) -> Cluster | None:
    """The cluster, or None where an earlier run took it away already."""
    try:
        return context.cluster
    except EnvironmentMissing:
        return None
