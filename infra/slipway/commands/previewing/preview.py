"""Say what `up` would do: hold the plan against what is live, ask the engine about each stack that would run.

Nothing is written: no state, no lock, no object. What cannot be asked is said to be unknown.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

from slipway import console
from slipway.commands.changing.claim import is_adopted, refuse_foreign
from slipway.commands.changing.session import engine_of
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.changes import held_back, live_there
from slipway.commands.inspecting.offline import advice
from slipway.commands.previewing.fleet import show_fleet_preview
from slipway.commands.previewing.showing import show
from slipway.deploy.changes import changes, new, removed
from slipway.deploy.models import needs_update
from slipway.deploy.record import Live, saved
from slipway.engine.engine import Engine
from slipway.environments.planning.fleet import fleet_of
from slipway.environments.running.pool_change import PoolChange
from slipway.errors.base import SlipwayError, UserError, each
from slipway.errors.failures import EnvironmentMissing, Interrupted, RecordRefused
from slipway.plan.release import Release
from slipway.planner.environment import ModelPlan
from slipway.planner.price import price, today
from slipway.preview.cells import COLUMNS, about, cells, environment, summary
from slipway.preview.compare import changed_model, removed_model, rooms
from slipway.preview.drift import of_engine
from slipway.preview.markdown import markdown
from slipway.preview.model import AskedStack, ModelPreview, Preview
from slipway.preview.serving import usd
from slipway.values.names import stack
from slipway.versions.recorder import Recorder
from slipway.versions.used import too_low

Form = Literal["text", "json", "markdown"]
_AT_ONCE = 4
"""Stacks that the engine is asked about at the same time, as many as `up` runs."""
_NEW = "it is not there yet: `up` creates it with all that is in it"


@dataclass(frozen=True, slots=True)
class _There:
    """What is live, which models have a record, and of which a rollout left something."""

    live: Mapping[str, Live]
    recorded: set[str]
    left: set[str]


def show_preview(context: EnvironmentContext, names: Sequence[str], form: Form) -> None:
    """Print what `up` would do to an environment, or to some models of it.

    Raises:
        UserErrors: what `up` refuses, after it was printed with all else that is known.
    """
    fleet = fleet_of(context.settings)
    if fleet is not None:
        show_fleet_preview(context, fleet, names, form)
        return
    refused: list[UserError] = []
    try:
        warnings = context.complied()
    except UserError as error:
        warnings, refused = (), list(each(error))
    try:
        found = _made(context, names, warnings, refused)
    except UserError as error:
        if not refused:
            refused = list(each(error))
        found = Preview(context.name, refused=tuple(map(str, refused)))
    show(form, found.to_json, lambda: markdown(found), lambda: _tell(found), refused)


def _made(
    context: EnvironmentContext, names: Sequence[str], warnings: Sequence[str], refused: list[UserError]
) -> Preview:
    """Put the preview together; what `up` refuses of what is live is added to `refused`."""
    models = context.models(names)
    running = context.running
    running.check_account()
    there = _There(*live_there(context))
    changing = [
        model
        for model in models
        if needs_update(
            model, there.live.get(model.name), recorded=model.name in there.recorded, left=model.name in there.left
        )
    ]
    held = held_back(changing, there.live)
    refused += _refused(context, [model for model in changing if model.name not in held])
    found = [*_changed(context, changing, there), *([] if names else _removed(context, there))]
    own: AskedStack | None = None
    nodes: tuple[str, ...] = ()
    if not refused:
        own, nodes, found = _asked(context, found, changing)
    priced = price(context.plan, today())
    return Preview(
        environment=context.name,
        models=tuple(sorted(found, key=lambda one: one.name)),
        unchanged=len(models) - len(changing),
        own=own,
        nodes=nodes,
        rooms=rooms(context.plan),
        usd=None if priced is None else usd(priced.total.at_min, priced.total.at_max),
        budget_usd=None if priced is None else priced.budget_usd,
        refused=tuple(map(str, refused)),
        warnings=tuple(dict.fromkeys((*warnings, *advice(context, changing)))),
    )


def _refused(context: EnvironmentContext, models: Sequence[ModelPlan]) -> list[UserError]:
    """What `up` refuses of what is live: objects of others, Secrets that are missing, versions used before."""
    found: list[UserError] = []
    try:
        refuse_foreign(context, models, None)
    except UserError as error:
        found += each(error)
    recorder = Recorder(context.name, context.folders.models, console.message)
    low = too_low(recorder, models, lambda name: context.spec_place(name, ("version",)), console.message)
    return [*found, *low]


def _changed(context: EnvironmentContext, models: Sequence[ModelPlan], there: _There) -> list[ModelPreview]:
    if not there.live:
        return [changed_model(model, new(model), None, None, context.plan) for model in models]
    found = changes(context.cluster, models, there.live)
    return [
        changed_model(model, change, there.live.get(model.name), _record(context, model.name, there), context.plan)
        for model, change in zip(models, found, strict=True)
    ]


def _removed(context: EnvironmentContext, there: _There) -> list[ModelPreview]:
    """What is live and has no spec, but for specs that cannot be read."""
    known = {model.name for model in context.plan.models} | {name for one in context.left_out for name in one.names}
    gone = sorted(there.live.keys() - known)
    return [
        removed_model(removed(there.live[name]), _record(context, name, there), context.plan.pools) for name in gone
    ]


def _record(context: EnvironmentContext, model: str, there: _There) -> Release | None:
    """The recorded release of a model; None where there is none that can be read."""
    if model not in there.recorded:
        return None
    try:
        return saved(context.cluster, model)
    except RecordRefused:
        return None


def _asked(
    context: EnvironmentContext, found: Sequence[ModelPreview], changing: Sequence[ModelPlan]
) -> tuple[AskedStack, tuple[str, ...], list[ModelPreview]]:
    """What the engine says of the environment's stack and of those of the models that would be deployed."""
    plans = {model.name: model for model in changing}
    wanted = {one.name for one in found if one.change.does not in ("removed", "held back")}
    try:
        with engine_of(context) as (engine, _):
            change = context.running.pool_change(engine)
            own = _of_stack(engine, context.name, lambda: _own_program(context, change))
            programs = context.running.model_programs()

            def ask(one: ModelPreview) -> ModelPreview:
                if one.name not in wanted:
                    return one
                model = plans[one.name]
                asked = _of_stack(engine, model.stack, lambda: programs.model(model, lambda _: None))
                drifted = () if asked.why_not == _NEW else tuple(_drifted(engine, model.stack))
                return replace(one, engine=asked, drift=(*one.drift, *drifted))

            with ThreadPoolExecutor(max_workers=_AT_ONCE) as at_once:
                return own, tuple(_nodes(change)), list(at_once.map(ask, found))
    except (UserError, Interrupted):
        raise
    except SlipwayError as error:  # no engine, or no way to its state
        why = str(error)
        models = [
            replace(one, engine=AskedStack(stack(context.name, one.name), None, why)) if one.name in wanted else one
            for one in found
        ]
        return AskedStack(context.name, None, why), (), models


def _of_stack(engine: Engine, name: str, program: Callable[[], Callable[[], None]]) -> AskedStack:
    """What the engine says of one stack; why not, where it says nothing."""
    try:
        found = engine.preview(name, program())
    except (UserError, Interrupted):
        raise
    except SlipwayError as error:
        return AskedStack(name, None, str(error))
    return AskedStack(name, found, "" if found is not None else _NEW)


def _drifted(engine: Engine, name: str) -> Iterator[str]:
    """Where what is really there is not what the engine made; `up` leaves it so, but for `up --refresh`."""
    try:
        found = engine.preview(name, None)
    except (UserError, Interrupted):
        raise
    except SlipwayError as error:
        yield f"unknown: {error}"
        return
    yield from of_engine(found)


def _own_program(context: EnvironmentContext, change: PoolChange) -> Callable[[], None]:
    try:
        adopted = is_adopted(context)
    except EnvironmentMissing:
        adopted = False
    return context.running.program((), change.removed, adopted=adopted)


def _nodes(change: PoolChange) -> list[str]:
    """What becomes of nodes that there are."""
    groups = [f"node group {group.name} would be replaced with all its nodes" for group in change.replaced]
    return groups + [
        f"pool {pool} is no longer in the settings: its nodes go once no model is on them" for pool in change.removed
    ]


def _tell(found: Preview) -> None:
    for line in found.refused:
        console.result(f"refused: {line}")
    if found.models:
        console.table(COLUMNS, [cells(one) for one in found.models])
    for one in found.models:
        for line in chain(about(one), one.change.differences if one.manifests is None else ()):
            console.result(f"{one.name}: {line}")
    for line in environment(found):
        console.result(line)
    console.result(f"{found.environment}: {summary(found)}")
    for one in found.models:
        for line in one.manifests or ():
            console.result(line)
    for warning in found.warnings:
        console.message(f"warning: {warning}")
