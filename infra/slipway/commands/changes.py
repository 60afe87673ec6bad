"""Hold the plan of an environment against what is live in it; nothing is changed."""

from collections.abc import Sequence

from slipway.commands.opened import Opened
from slipway.deploy.changes import Change, changes, new, removed
from slipway.deploy.record import Live, live_models, recorded_models
from slipway.errors.failures import EnvironmentMissing


def live_there(opened: Opened) -> tuple[dict[str, Live], set[str]]:
    """What is live, and which models have a record; nothing where the environment has no cluster yet."""
    try:
        return live_models(opened.cluster), recorded_models(opened.cluster)
    except EnvironmentMissing:
        return {}, set()


def changes_of(opened: Opened, names: Sequence[str]) -> list[Change]:
    """What `up` does to each model, or to those named; without names also what is live and has no spec."""
    models = opened.models(names)
    live, _ = live_there(opened)
    found = changes(opened.cluster, models, live) if live else [new(model) for model in models]
    if names:
        return found
    known = {model.name for model in opened.plan.models} | {name for one in opened.left_out for name in one.names}
    return found + [removed(live[name]) for name in sorted(live.keys() - known)]
