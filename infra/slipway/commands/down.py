"""Take models, or an environment, away, and prove that nothing is left."""

import time
from collections.abc import Callable, Sequence

from slipway import console
from slipway.aws.account import Account
from slipway.cluster.api import Cluster, Json
from slipway.commands.claim import give_up_namespace, retained, why_namespace_stays
from slipway.commands.opened import Opened
from slipway.commands.session import Options, confirm, engine_of, guard, settle
from slipway.deploy.down import model_stacks, prove_environment_gone, prove_models_gone, remove_models, remove_unknown
from slipway.engine.engine import Engine
from slipway.errors.base import Place, UnknownName
from slipway.errors.failures import EnvironmentMissing, Interrupted, LeftBehind
from slipway.values.names import stack

MODEL_STORE = "model-store"
Tell = Callable[[str], None]


def take_down(opened: Opened, names: Sequence[str], options: Options) -> None:
    """Destroy the stacks of models, or all of an environment and then its own, and prove that nothing is left.

    Raises `LeftBehind` when something is, also where that was to be: data that was not named.
    """
    started = time.monotonic()
    guard(opened)
    with engine_of(opened) as (engine, cancelled):
        existing = model_stacks(engine.stacks(), opened.name)
        for name in names:
            if name not in existing:
                raise UnknownName(Place(f"environment {opened.name}"), "model", name, existing, "name one of those")
        chosen = list(names) or existing
        state = None if names else engine.state(stack(opened.name))
        data = _data(state)
        _refuse_unknown(opened, options)
        _announce(chosen, data, options)
        stays = _announce_namespace(opened, names)
        confirm(f"take {', '.join(names) or opened.name} down", options, changing=True)
        with console.Progress() as progress:

            def tell(text: str) -> None:
                progress.report(opened.name, text)

            for name in chosen:
                settle(opened, engine, stack(opened.name, name), tell, doubted=False)
            failed = remove_models(engine, opened.name, chosen, progress.report, options.jobs)
            errors = [error for error in failed.values() if error]
            if cancelled.is_set():
                raise Interrupted
            if errors:
                raise errors[0]
            cluster = _cluster(opened)
            if cluster:
                remove_unknown(cluster, opened.name, names or None)
                tell("waiting until nothing is left of the models")
                prove_models_gone(cluster, opened.name, names or None)
            if not names and opened.account:
                _account_down(opened, opened.account, engine, data, options, tell)
            elif not names and cluster:
                stays = _namespace_down(opened, engine, cluster, state, tell)
    what = f"models {', '.join(names)} of `{opened.name}`" if names else f"environment `{opened.name}`"
    where = "in the account" if opened.account and not names else "in the cluster"
    left = f"nothing of it is left {where}; {stays}" if stays else f"nothing is left {where}"
    console.result(f"{what} down in {console.duration(time.monotonic() - started)}; {left}")


def _data(state: Json | None) -> dict[str, str]:
    """The buckets that hold data in an environment's state, by the name that `--delete-data` takes."""
    resources = state["deployment"].get("resources") or [] if state else []
    protected = [resource for resource in resources if resource.get("protect")]
    buckets = [resource["id"] for resource in protected if resource["type"] == "aws:s3/bucket:Bucket"]
    return {MODEL_STORE: buckets[0]} if buckets else {}


def _refuse_unknown(opened: Opened, options: Options) -> None:
    """Refuse a name of data that no environment of this kind has; what an earlier run deleted is no mistake."""
    known = [MODEL_STORE] if opened.account else []
    for name in options.delete_data:
        if name not in known:
            raise UnknownName(
                Place(f"environment {opened.name}"), "data", name, known, "name it, or leave --delete-data out"
            )


def _announce(models: Sequence[str], data: dict[str, str], options: Options) -> None:
    """Say what will go and what will stay, before anything does."""
    console.message(f"{len(models)} models will be taken down: {', '.join(models) or 'none'}")
    for name, bucket in data.items():
        if name in options.delete_data:
            console.message(f"  {name} (bucket {bucket}): every version of every object will be deleted for good")
        else:
            console.message(f"  {name} (bucket {bucket}) stays; --delete-data {name} deletes it and what is in it")


def _cluster(opened: Opened) -> Cluster | None:
    """The cluster, or None where an earlier run took it away already."""
    try:
        return opened.cluster
    except EnvironmentMissing:
        return None


def _announce_namespace(opened: Opened, names: Sequence[str]) -> str | None:
    """Say before anything goes why the namespace of an environment will stay, if it will."""
    cluster = None if names or opened.account else _cluster(opened)
    stays = why_namespace_stays(cluster, opened.name) if cluster else None
    if stays:
        console.message(f"  {stays}")
    return stays


def _namespace_down(opened: Opened, engine: Engine, cluster: Cluster, state: Json | None, tell: Tell) -> str | None:
    """Destroy the stack of an environment in somebody's cluster, then its namespace; gives why that stays."""
    name = stack(opened.name)
    kept = retained(state) if state else None
    if kept:
        engine.replace_state(name, kept, tell)
    engine.destroy(name, tell)
    remove_unknown(cluster, opened.name, None, of_environment=True)
    stays = give_up_namespace(cluster, opened.name, tell)
    if stays is None:
        prove_environment_gone(cluster, opened.name)
    return stays


def _account_down(
    opened: Opened, account: Account, engine: Engine, data: dict[str, str], options: Options, tell: Tell
) -> None:
    """Destroy the stack of an environment on AWS, and prove by tag that nothing is left in the account."""
    name = stack(opened.name)
    settle(opened, engine, name, tell)
    kept = data.keys() - set(options.delete_data)
    if data and not kept:
        engine.unprotect(name)
    for bucket in data.values() if not kept else ():
        tell(f"emptying bucket {bucket}")
        account.empty_bucket(bucket)
    engine.destroy(name, tell, keep_protected=bool(kept))
    tell("looking by tag what is left")
    left = [f"{item.arn} {item.name}".rstrip() for item in account.tagged(opened.name)]
    if left and kept:
        options_for_it = " ".join(f"--delete-data {item}" for item in sorted(kept))
        todo = f"slipway down {opened.name} {options_for_it} deletes what holds data; the rest, if any, by hand"
        raise LeftBehind(opened.name, left, todo)
    if left:
        raise LeftBehind(opened.name, left, "see in the console what uses them, delete them, and run the command again")
