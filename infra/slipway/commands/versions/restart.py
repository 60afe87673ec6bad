"""Run `restart`: replace the pods of models that serve, and judge them once more."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from slipway import console
from slipway.commands.changing.deploying import deployer_of, recorder_of
from slipway.commands.changing.session import Options, confirm, engine_of
from slipway.commands.context import EnvironmentContext
from slipway.deploy.models import Deployer
from slipway.deploy.record import live_models
from slipway.errors.base import DeployError, Place, SlipwayError, UnknownName, UserError, UserErrors
from slipway.errors.failures import Interrupted
from slipway.policy.resource import read
from slipway.versions.recorder import Recorder
from slipway.versions.restart import restart


def restart_models(context: EnvironmentContext, names: Sequence[str], reason: str, options: Options) -> None:
    """Replace the pods of models, several models at once; each is judged by its golden request, no spec is read.

    Raises `UnknownName` before anything is changed, and `DeployError` at the end when pods of one did not come up: the
    old ones serve on.
    """
    context.running.check_account()
    live = live_models(context.cluster)
    for name in names:
        if name not in live:
            raise UnknownName(Place(f"environment {context.name}"), "model", name, sorted(live), "name one of those")
    chosen = list(dict.fromkeys(names))
    for name in chosen:
        there = live[name]
        stops = read(context.cluster.read("Deployment", name), "spec.strategy.type") == "Recreate"
        how = (
            "stop, then new ones start: nobody is answered meanwhile" if stops else "are replaced, one after the other"
        )
        console.message(f"  {name} {there.version}, release {there.release}: {there.ready} replicas {how}")
    confirm(f"restart {', '.join(chosen)} of {context.name}", options, changing=True)
    recorder = recorder_of(context)
    with engine_of(context) as (engine, cancelled), console.Progress() as progress:
        deployer = deployer_of(context, engine, cancelled, progress.report, recorder, options)

        def one(name: str) -> SlipwayError | None:
            return _restarted(deployer, recorder, name, reason)

        with ThreadPoolExecutor(max_workers=options.jobs) as pool:
            ended = dict(zip(chosen, pool.map(one, chosen), strict=True))
        if cancelled.is_set():
            raise Interrupted
    _conclude(ended)


def _restarted(deployer: Deployer, recorder: Recorder, name: str, reason: str) -> SlipwayError | None:
    try:
        release, error = restart(deployer, name)
    except SlipwayError as refused:
        return refused
    recorder.restarted(release, reason, error)
    deployer.report(name, "serves" if error is None else "failed")
    return error


def _conclude(ended: dict[str, SlipwayError | None]) -> None:
    failed = {name: error for name, error in ended.items() if error is not None}
    for name in ended.keys() - failed.keys():
        console.result(f"{name} restarted: every pod is a new one, and its golden request was answered right")
    refused = [error for error in failed.values() if isinstance(error, UserError)]
    if failed and len(refused) == len(failed):
        raise UserErrors(refused)
    for name, error in failed.items():
        console.message(f"{name} was not restarted: {error}")
    if failed:
        text = f"{len(failed)} of {len(ended)} models were not restarted: {', '.join(failed)}"
        raise DeployError(text)
