"""Plan and price every environment offline, as one JSON document: `slipway comment` compares two of them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from slipway_server.values.text import shortened

from slipway import console
from slipway.capacity.estimates import Cost, monthly
from slipway.commands.context import EnvironmentContext, Folders
from slipway.commands.inspecting.offline import advice
from slipway.errors.base import UserError, UserErrors, each
from slipway.loading.specs import environments
from slipway.planner.environment import ModelPlan
from slipway.planner.price import price, today

FORMAT: Literal[1] = 1
"""Raised when a document no longer means what an older `slipway comment` would read in it."""

LONGEST = 4000
"""Characters of a text. A message that lists hundreds of models is cut to that."""

Text = Annotated[str, Field(max_length=LONGEST)]
Usd = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=10**9)]


class Section(BaseModel):
    """Refuses what it does not know: a document may come from a pull request of a stranger."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class MonthlyUsd(Section):
    """US dollars a month, on demand, with the fewest replicas of every model and with `scale.max`."""

    min: Usd
    max: Usd


class ModelSnapshot(Section):
    """One model of an environment.

    Attributes:
        usd: None where nothing is charged by the hour.
        rollout: how a new release is judged beside the old one, for people; empty where none is.
    """

    name: Text
    version: Text
    release: Text
    pool: Text
    replicas_min: Count
    replicas_max: Count
    usd: MonthlyUsd | None
    rollout: Annotated[tuple[Text, ...], Field(max_length=10, strict=False)] = ()


class EnvironmentSnapshot(Section):
    """One environment.

    Attributes:
        planned: False where a finding stands in its way; it then has no models and no price.
        usd: of all that is charged for, models' nodes included; None for a cluster that Slipway did not make.
        budget_usd: dollars a month that its settings allow.
        warnings: what a person should know before it is deployed.
    """

    name: Text
    planned: bool
    models: Annotated[tuple[ModelSnapshot, ...], Field(max_length=10_000, strict=False)]
    usd: MonthlyUsd | None
    budget_usd: Count | None
    warnings: Annotated[tuple[Text, ...], Field(max_length=10_000, strict=False)]


class Snapshot(Section):
    """All environments; `refused` has each finding once, as `file:line: field: what is wrong`."""

    format: Literal[1]
    environments: Annotated[tuple[EnvironmentSnapshot, ...], Field(max_length=1000, strict=False)]
    refused: Annotated[tuple[Text, ...], Field(max_length=10_000, strict=False)]


def show_snapshot(folders: Folders) -> None:
    """Print the snapshot of every environment; then raise `UserErrors` with everything that was refused."""
    taken: list[EnvironmentSnapshot] = []
    bad: dict[str, UserError] = {}
    try:
        names = environments(folders.settings)
    except UserError as error:
        names = []
        bad |= _by_text(error)
    for name in names:
        try:
            taken.append(_planned(EnvironmentContext(name, folders)))
        except UserError as error:
            taken.append(_refused(name))
            bad |= _by_text(error)
    snapshot = Snapshot(
        format=FORMAT, environments=tuple(taken), refused=tuple(shortened(text, LONGEST) for text in sorted(bad))
    )
    console.document(snapshot.model_dump(mode="json"))
    if bad:
        raise UserErrors(bad.values())


def _refused(name: str) -> EnvironmentSnapshot:
    return EnvironmentSnapshot(name=name, planned=False, models=(), usd=None, budget_usd=None, warnings=())


def _by_text(error: UserError) -> dict[str, UserError]:
    """Findings by what they say: one in a spec is found again in each environment that deploys it."""
    return {str(finding): finding for finding in each(error)}


def _planned(context: EnvironmentContext) -> EnvironmentSnapshot:
    told = (*context.complied(), *advice(context, context.plan.models))
    priced = price(context.plan, today())
    return EnvironmentSnapshot(
        name=context.name,
        planned=True,
        models=tuple(_model(model) for model in context.plan.models),
        usd=_usd(priced.total if priced else None),
        budget_usd=priced.budget_usd if priced else None,
        warnings=tuple(shortened(warning, LONGEST) for warning in told),
    )


def _model(model: ModelPlan) -> ModelSnapshot:
    scale = model.spec.scale
    return ModelSnapshot(
        name=model.name,
        version=model.version,
        release=model.release,
        pool=model.pool.name,
        replicas_min=scale.fewest,
        replicas_max=scale.max if model.autoscaled else scale.min,
        usd=_usd(model.estimates.cost),
        rollout=tuple(shortened(line, LONGEST) for line in model.judged.lines()) if model.judged is not None else (),
    )


def _usd(cost: Cost | None) -> MonthlyUsd | None:
    if cost is None:
        return None
    return MonthlyUsd(min=float(round(monthly(cost.at_min), 2)), max=float(round(monthly(cost.at_max), 2)))
