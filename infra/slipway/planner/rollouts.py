"""Refuse models whose rollout is judged where nothing divides their calls, or nobody counts what callers get."""

from collections.abc import Iterator, Mapping, Sequence

from slipway.environments.planning.kinds import planning
from slipway.errors.base import Place, UserError, UserErrors, WrongValue
from slipway.loading.specs import LoadedSpec, said_settings
from slipway.settings.base import AnySettings
from slipway.spec.model import ModelSpec
from slipway.values import names


def refuse_rollouts(
    environment: str, settings: AnySettings, loaded: Sequence[LoadedSpec], written: Place | None
) -> None:
    """Refuse models whose `rollout.strategy` needs what their environment does not have.

    Args:
        environment: its name.
        settings: its settings.
        loaded: the specs of all its models.
        written: where the settings are written; None where they are of no file.

    Raises:
        UserErrors: a rollout that is judged without a gateway or without `monitoring`; a model with a name that such a
            rollout of another one needs.
    """
    where = said_settings(environment, written)
    judged = {one.name: one for one in loaded if one.variant(environment).spec.rollout.judged}
    found = [error for one in judged.values() for error in _of_one(environment, settings, one, where)]
    found += [error for one in loaded for error in _taken(environment, one, judged)]
    if found:
        raise UserErrors(found)


def rollout_warnings(spec: ModelSpec) -> Iterator[str]:
    """What a person should know of a rollout whose judge sees only a part of the calls."""
    if spec.rollout.judged and spec.endpoint.grpc:
        yield (
            f"rollout.strategy: {spec.rollout.strategy} divides and judges calls over HTTP; those over gRPC stay with "
            "the release that serves until the other one has passed (docs/how-to/grpc.md)"
        )


def _of_one(environment: str, settings: AnySettings, one: LoadedSpec, where: str) -> Iterator[UserError]:
    here = planning(settings)
    strategy = one.variant(environment).spec.rollout.strategy
    place, field = one.locate(environment, ("rollout", "strategy"))
    missing = []
    if here.gateway is None:
        missing.append(("a gateway", "it divides the calls between both releases"))
    if here.monitoring is None:
        missing.append(("monitoring", "it counts what callers of each release get"))
    for section, why in missing:
        problem = f"{strategy} needs {section}, and {where} have none: {why}"
        key = section.removeprefix("a ")
        elsewhere = f"write {strategy} below `environments` of those that have it"
        todo = f"add {key} to the settings of {environment}, or {elsewhere}"
        yield UserError(place, field, problem, f"{strategy} in an environment with {section}", todo)


def _taken(environment: str, one: LoadedSpec, judged: Mapping[str, LoadedSpec]) -> Iterator[UserError]:
    """Whether a model has the name of what a rollout of another one adds."""
    for other in judged.values():
        added = (names.candidate(other.name), names.judge(other.name))
        if one.name in added:
            place, field = one.locate(environment, ("name",))
            by = other.locate(environment, ("rollout", "strategy"))[0]
            problem = f"is the name of what a rollout of model {other.name} adds beside it ({by})"
            todo = f"rename the model, or write rollout.strategy: rolling for {other.name}"
            yield WrongValue(place, field, one.name, problem, f"a name other than {' and '.join(added)}", todo)
