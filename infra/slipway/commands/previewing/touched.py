"""Say what of an environment is not as the engine made it; nothing is written: no state, no lock, no object."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from slipway import console
from slipway.commands.changing.session import engine_of
from slipway.commands.context import EnvironmentContext
from slipway.deploy.down import model_stacks
from slipway.deploy.record import Live, live_models
from slipway.engine.engine import Engine
from slipway.errors.base import DeployError, Place, SlipwayError, UnknownName, UserError
from slipway.errors.failures import Interrupted, NotUpYet
from slipway.preview.drift import Drift, StackDrift, in_order, of_engine, of_pods
from slipway.values.names import stack

_AT_ONCE = 4
"""Stacks that the engine is asked about at the same time, as many as `up` runs."""


class Drifted(DeployError):
    """Something is not as the engine made it."""

    def __init__(self, drift: Drift) -> None:
        name = drift.environment
        super().__init__(
            f"environment {name}: {drift.summary()}: {', '.join(drift.drifted)}; next: find out who changed it; "
            f"slipway up {name} --refresh makes again what is gone, and refuses a field that somebody else manages now"
        )


class DriftUnknown(SlipwayError):
    """Nothing is known to have drifted, and not every stack could be asked."""

    def __init__(self, drift: Drift) -> None:
        name = drift.environment
        super().__init__(
            f"environment {name}: {drift.summary()}: {', '.join(drift.unknown)}; next: put right what they say, then "
            f"slipway touched {name}"
        )


def show_touched(context: EnvironmentContext, names: Sequence[str], *, as_json: bool) -> None:
    """Print what drifted in an environment's own stack and in those of its models, or in those of the models named.

    Raises:
        Drifted: something did; after all is printed, as the next.
        DriftUnknown: nothing did, as far as could be asked.
        NotUpYet: the environment has no stack.
        UnknownName: a model has none.
    """
    context.running.check_account()
    with engine_of(context) as (engine, _):
        there = engine.stacks()
        models = model_stacks(there, context.name)
        for name in names:
            if name not in models:
                raise UnknownName(Place(f"environment {context.name}"), "model", name, models, "name one of those")
        own = [] if names or context.name not in there else [context.name]
        asked = [*own, *(stack(context.name, name) for name in names or models)]
        if not asked:
            raise NotUpYet(context.name, "it has no stack, so that nothing can have drifted")
        live = live_models(context.cluster)

        def ask(name: str) -> StackDrift:
            return _drift(engine, name, live.get(name.removeprefix(stack(context.name, ""))))

        with ThreadPoolExecutor(max_workers=_AT_ONCE) as at_once:
            drift = in_order(context.name, list(at_once.map(ask, asked)))
    if as_json:
        console.document(drift.to_json())
    else:
        for one in drift.stacks:
            for line in one.lines():
                console.result(f"{one.stack}: {line}")
        console.result(f"{drift.environment}: {drift.summary()}")
    if drift.drifted:
        raise Drifted(drift)
    if drift.unknown:
        raise DriftUnknown(drift)


def _drift(engine: Engine, name: str, live: Live | None) -> StackDrift:
    pods = of_pods(live)
    try:
        return StackDrift(name, (*pods, *of_engine(engine.preview(name, None))))
    except (UserError, Interrupted):
        raise
    except SlipwayError as error:
        return StackDrift(name, pods, str(error))
