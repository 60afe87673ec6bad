"""Hold the plan of an environment against what is live in it; nothing is changed."""

from collections.abc import Iterator, Mapping, Sequence

from slipway import console
from slipway.commands.context import EnvironmentContext
from slipway.deploy.changes import Change, changes, left_alone, new, removed
from slipway.deploy.record import Live, live_models, recorded_models
from slipway.deploy.update.state import judged_models
from slipway.errors.failures import EnvironmentMissing
from slipway.planner.environment import ModelPlan
from slipway.versions.recorder import Recorder
from slipway.versions.used import too_low


def live_there(context: EnvironmentContext) -> tuple[dict[str, Live], set[str], set[str]]:
    """What is live, which models have a record, and of which a rollout left something.

    Nothing where the environment has no cluster yet.
    """
    try:
        return live_models(context.cluster), recorded_models(context.cluster), judged_models(context.cluster)
    except EnvironmentMissing:
        return {}, set(), set()


def changes_of(context: EnvironmentContext, names: Sequence[str]) -> list[Change]:
    """What `up` does to each model, or to those named; without names also what is live and has no spec.

    What `up` refuses of their versions is said.
    """
    models = context.models(names)
    for line in _refused(context, models):
        console.message(f"warning: {line}")
    live, _, _ = live_there(context)
    found = changes(context.cluster, models, live) if live else [new(model) for model in models]
    if names:
        return found
    known = {model.name for model in context.plan.models} | {name for one in context.left_out for name in one.names}
    return found + [removed(live[name]) for name in sorted(live.keys() - known)]


def _refused(context: EnvironmentContext, models: Sequence[ModelPlan]) -> Iterator[str]:
    """What `up` refuses of the versions of these models, after what was deployed before."""
    recorder = Recorder(context.name, context.folders.models, console.message)
    found = too_low(recorder, models, lambda name: context.spec_place(name, ("version",)), console.message)
    yield from (f"`up` refuses it: {one}" for one in found)


def held_back(models: Sequence[ModelPlan], live: Mapping[str, Live]) -> dict[str, str]:
    """The models whose planned release somebody rolled back: who did, when and why, and how to go on."""
    found: dict[str, str] = {}
    for model in models:
        here = live.get(model.name)
        held = here.holds_back(model.release) if here is not None else None
        if held is not None:
            found[model.name] = f"{model.name} {model.version}: {left_alone(model, held)}"
    return found
