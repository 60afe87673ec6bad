"""Choose the models whose specs have a section that a command is about."""

from collections.abc import Sequence

from slipway.commands.context import EnvironmentContext
from slipway.errors.base import Place, UnknownName, UserError
from slipway.plan.model import ModelPlan


def declared(
    context: EnvironmentContext, section: str, names: Sequence[str], refusal: tuple[str, str, str]
) -> list[ModelPlan]:
    """The models named that have a section in their specs; of all models when none is named.

    `refusal`: the problem, what is allowed, and what to do, of a model that is named and has not.

    Raises:
        UnknownName: no spec has such a name here.
        UserError: a model that is named has no such section.
    """
    here = {model.name: model for model in context.plan.models}
    for name in names:
        if name not in here:
            raise UnknownName(Place(f"environment {context.name}"), "model", name, list(here))
        if getattr(here[name].spec, section) is None:
            raise UserError(Place(f"model {name}"), section, *refusal)
    chosen = names or here
    return [model for name, model in here.items() if getattr(model.spec, section) is not None and name in chosen]
