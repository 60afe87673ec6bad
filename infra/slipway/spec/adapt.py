"""Contains what a spec says should be done about a model that drifts, or answers worse than it should."""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from slipway.values.quantities import refusal
from slipway.values.section import Section
from slipway.values.windows import DAY_S, ShortWindow, format_window

if TYPE_CHECKING:
    from slipway.spec.model import ModelSpec

Cause = Literal["drift", "quality"]


class Adapt(Section):
    """What `slipway adapt` does about a version of which an alert fires."""

    when: Annotated[tuple[Cause, ...], Field(min_length=1)] = Field(
        description="The alerts that count: that of `drift`, that of `quality`.", examples=[["quality"]]
    )
    do: Literal["rollback", "retrain"] = Field(
        description="`rollback` puts the release before in its place, judged; `retrain` writes what a workflow that "
        "trains is started with.",
        examples=["rollback"],
    )
    cooldown: ShortWindow = Field(
        default=DAY_S,
        description="After something was done, nothing is for so long, from 1h to 30d.",
        examples=["1d"],
        exclude_if=lambda value: value == DAY_S,
        json_schema_extra={"default": format_window(DAY_S)},
    )

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        if len(set(self.when)) < len(self.when):
            raise refusal("names one twice", "drift, quality, each once", "remove one of them", ("when",))
        return self


def refuse_misfits(spec: "ModelSpec") -> None:
    """Raise the first cause that nobody looks for; see `slipway.values.quantities.refusal`."""
    if spec.adapt is None:
        return
    for index, cause in enumerate(spec.adapt.when):
        if cause == "drift" and spec.drift is None:
            problem, todo = "is named, and the spec has no drift", "add drift, or remove it from when"
            raise refusal(problem, "drift beside the section drift", todo, ("adapt", "when", index))
        if cause == "quality" and (spec.quality is None or spec.quality.alert is None):
            problem, todo = "is named, and the spec has no quality.alert", "add quality.alert, or remove it from when"
            raise refusal(problem, "quality beside quality.alert", todo, ("adapt", "when", index))
