"""Bring an environment up: its stack, then every model that changed, judged."""

import json
import time
from collections.abc import Callable, Sequence

from slipway import console
from slipway.commands.changing.belongings import of_destroyed, of_renamed
from slipway.commands.changing.claim import adopt_if_asked, refuse_foreign
from slipway.commands.changing.deploying import deployer_of, gateway_of, recorder_of
from slipway.commands.changing.environment import environment_up
from slipway.commands.changing.expiry import delete_expired_images
from slipway.commands.changing.scaling_needs import silent_prometheus
from slipway.commands.changing.session import Options, confirm, engine_of
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.changes import held_back, live_there
from slipway.commands.inspecting.live import curl, reachable
from slipway.deploy.changes import changes
from slipway.deploy.down import prove_models_gone, remove_models, remove_unknown
from slipway.deploy.hand_over import HandOver
from slipway.deploy.models import ModelResult, needs_update
from slipway.deploy.priority import remove_unused_classes
from slipway.deploy.record import Live
from slipway.engine.engine import Engine
from slipway.errors.base import DeployError, SlipwayError, UserErrors
from slipway.errors.failures import Interrupted
from slipway.planner.environment import ModelPlan
from slipway.render.teams import priority_classes_of
from slipway.signing.seal import prepare
from slipway.versions.recorder import Recorder
from slipway.versions.used import too_low

_DRAWN_ANSWER = 300


def bring_up(context: EnvironmentContext, names: Sequence[str], options: Options) -> None:
    """Run the environment's stack, then the stack of every model that changed; judge, and say how it ended.

    Raises the `DeployError` of the first model that failed, after all others were brought up.
    """
    started = time.monotonic()
    models = context.models(names)
    for warning in context.complied():
        console.message(f"warning: {warning}")
    running = context.running
    running.check_account(making=True)
    with engine_of(context) as (engine, cancelled):
        change = running.pool_change(engine)
        running.check_in_place(change)
        live, recorded, left = live_there(context)
        other = [
            model
            for model in models
            if options.refresh
            or needs_update(model, live.get(model.name), recorded=model.name in recorded, left=model.name in left)
        ]
        held = {} if options.again else held_back(other, live)
        changed = [model for model in other if model.name not in held]
        extra = [] if names else sorted(set(live) - {model.name for model in context.plan.models})
        recorder = recorder_of(context)
        _refuse(context, recorder, changed, options)
        _announce(context, models, changed, live, extra, options)
        for line in held.values():
            console.message(f"  {line}")
        # An environment that makes its cluster costs money, also before its first model.
        changing = bool(changed or (extra and options.prune) or running.makes_cluster)
        confirm(f"bring {context.name} up", options, changing=changing)
        adopt_if_asked(context, options.adopt)
        recorder.notes.settings(context.file.document.value)
        with recorder.notes.during("up") as noted, console.Progress() as progress:
            begun = time.monotonic()
            progress.report(context.name, "updating its stack")
            environment_up(
                context,
                engine,
                lambda text: progress.report(context.name, text),
                # A pool that the settings no longer have stays until the models have left it.
                staying=change.removed,
                new=not live,
                refresh=options.refresh,
            )
            steps = {"environment": time.monotonic() - begun}
            gateway = gateway_of(context, cancelled)
            if gateway is not None:
                begun = time.monotonic()
                gateway.wait(lambda text: progress.report(context.name, text))
                steps["gateway"] = time.monotonic() - begun
            progress.report(context.name, "up")
            deployer = deployer_of(
                context,
                engine,
                cancelled,
                progress.report,
                recorder,
                options,
                _unchanged_pipelines(context, live, other),
            )
            done = deployer.deploy(changed)
            noted.extend(_noted(len(models), done))
            if options.prune and extra:
                failed = _pruned(context, engine, extra, progress.report, options.jobs, deployer.steps.hand_over)
                for name, error in failed.items():
                    recorder.removed(name, live[name], error)
                done += [ModelResult(name, live[name].version, error=error) for name, error in failed.items() if error]
            delete_expired_images(context, done, progress.report, cancelled)
            # Models that were not named, or that failed, may still be on nodes of a pool that is to go.
            if change.removed and not names and not cancelled.is_set() and not any(item.error for item in done):
                begun = time.monotonic()
                environment_up(context, engine, lambda text: progress.report(context.name, text))
                steps["pools removed"] = time.monotonic() - begun
            if not names and not cancelled.is_set() and not any(item.error for item in done):
                remove_unused_classes(context.cluster, context.name, priority_classes_of(context.plan))
            if cancelled.is_set():
                raise Interrupted
    _conclude(context, [model for model in models if model.name not in held], done, steps, time.monotonic() - started)


def _refuse(context: EnvironmentContext, recorder: Recorder, models: Sequence[ModelPlan], options: Options) -> None:
    """Raise `UserErrors` for objects that are others', and for versions that were used for other weights.

    A promotion names a release, whatever its version.
    """
    refuse_foreign(context, models, options.adopt)
    prepare(context.file, models, console.message)
    if context.promotion is None:
        found = too_low(recorder, models, lambda name: context.spec_place(name, ("version",)), console.message)
        if found:
            raise UserErrors(found)


def _unchanged_pipelines(
    context: EnvironmentContext, live: dict[str, Live], changed: Sequence[ModelPlan]
) -> list[ModelPlan]:
    """The pipelines that are live and stay as they are."""
    return [one for one in context.plan.models if one.check.members and one.name in live and one not in changed]


def _pruned(
    context: EnvironmentContext,
    engine: Engine,
    models: Sequence[str],
    tell: Callable[[str, str], None],
    jobs: int,
    hand_over: HandOver,
) -> dict[str, SlipwayError | None]:
    """Destroy models that have no spec, and wait until they are gone. Returns the error by model, None for others."""
    failed = remove_models(engine, context.name, models, tell, jobs, hand_over.retire)
    gone = [name for name, error in failed.items() if error is None]
    try:
        remove_unknown(context.cluster, context.name, gone)
        prove_models_gone(context.cluster, context.name, gone)
    except SlipwayError as error:
        failed |= dict.fromkeys(gone, error)
    return failed


def _announce(
    context: EnvironmentContext,
    models: Sequence[ModelPlan],
    changed: Sequence[ModelPlan],
    live: dict[str, Live],
    extra: Sequence[str],
    options: Options,
) -> None:
    """Say what will happen to each model, and whose change that is, before anything does."""
    if (silent := silent_prometheus(context, changed)) is not None:
        console.message(f"warning: {silent}")
    there = [model for model in changed if model.name in live]
    found = changes(context.cluster, there, live) if there else []
    said = {change.model: list(change.reasons()) for change in found}
    for model in changed:
        here = live.get(model.name)
        was = "new" if here is None else f"now {here.version}, release {here.release}"
        console.message(f"  {model.name} {model.version}, release {model.release} ({was})")
        for line in said.get(model.name, ()):
            console.message(f"    {line}")
        for warning in model.warnings:
            console.message(f"    warning: {warning}")
    console.message(f"environment {context.name}: {len(changed)} of {len(models)} models to deploy")
    for name in extra:
        what = (
            "will be destroyed"
            if options.prune
            else f"is left alone; --prune or `slipway down {context.name} {name}` destroys it"
        )
        console.message(f"  {name} is live and has no spec: it {what}")
    becomes = of_destroyed(context) if extra and options.prune else ()
    renamed = of_renamed(context) if extra and any(model.name not in live for model in changed) else ()
    for line in (*becomes, *renamed):
        console.message(f"    {line}")


def _noted(asked: int, done: Sequence[ModelResult]) -> list[str]:
    """What the audit trail says of an `up` beside the models' own entries."""
    failed = [item.model for item in done if item.error]
    lines = [f"{len(done)} of {asked} models deployed"]
    return [*lines, f"failed: {', '.join(failed)}"] if failed else lines


def _conclude(
    context: EnvironmentContext,
    models: Sequence[ModelPlan],
    done: Sequence[ModelResult],
    steps: dict[str, float],
    took_s: float,
) -> None:
    """Print what serves and what does not; raise when something failed."""
    failed = [item for item in done if item.error]
    by_name = {item.model: item for item in done}
    urls = context.running.urls(context.cluster)
    for name, seconds in steps.items():
        console.message(f"{name}: {console.duration(seconds)}")
    for one in done:
        if one.steps:
            console.message(f"{one.model}: {console.durations(one.steps)}")
        if one.counted is not None:
            console.message(f"{one.model}: {one.counted.text()}")
    for model in models:
        item: ModelResult | None = by_name.get(model.name)
        if item and item.error:
            continue
        where = urls.get(model.name)
        if item and item.judged_on:
            console.result(
                f"{model.name} {model.version}  is judged on in the cluster; slipway status shows how far it is"
            )
            continue
        judged = f"answered right in {console.duration(item.verdict.took_s)}" if item and item.verdict else "unchanged"
        console.result(f"{model.name} {model.version}  {where or 'inside the cluster'}  {judged}")
        if where and item and item.verdict and not reachable(where):
            console.result(f"  {where} cannot be reached from this machine; the model answers inside the cluster")
        elif where and item and item.verdict:
            console.result(_ways_in(context, where, model))
            answer = json.dumps({"outputs": item.verdict.outputs})
            console.result(f"  {answer if len(answer) <= _DRAWN_ANSWER else answer[:_DRAWN_ANSWER] + '...'}")
    if not failed:
        named = ", ".join(model.name for model in models) or "none"
        console.result(f"environment `{context.name}` up in {console.duration(took_s)}, models answering: {named}")
        return
    for one in failed:
        ending = f"; {one.restored}" if one.restored else ""
        console.message(f"{one.model} {one.version} failed{ending}")
        console.message(f"  {one.error}")
    text = f"{len(failed)} of {len(done)} models failed: {', '.join(item.model for item in failed)}"
    if all(isinstance(item.error, DeployError) for item in failed):
        raise DeployError(text)
    raise SlipwayError(text)


def _ways_in(context: EnvironmentContext, where: str, model: ModelPlan) -> str:
    """Lines that say how to ask a model: by `curl`, and in a browser unless a gateway would ask that for a key."""
    line = f"  {curl(context, where, model.spec)}"
    return line if model.traffic is not None and not model.traffic.page else f"{line}\n  in a browser: {where}/"
