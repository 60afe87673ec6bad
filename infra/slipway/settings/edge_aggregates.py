"""Define what a person may write about private counts: how many inputs of a device had which answer, with noise."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic.config import JsonDict

from slipway.settings.values import line
from slipway.values.quantities import line_of_text, refusal
from slipway.values.section import Section, amount
from slipway.values.windows import ShortWindow

VALUES_MOST = 100
EPSILON_LEAST, EPSILON_MOST = 0.01, 10
OTHER = "other"
"""What devices count under that name is every answer that is none of the values."""
_SINCE: JsonDict = {"since": "0.2"}


def _value(value: object) -> str:
    # YAML reads a label 7 as a number; devices compare texts.
    return line_of_text(100, "7")(str(value) if type(value) is int else value)


class ModelAggregates(Section):
    """What is counted on each device, for how long, and how well one input is hidden in the counts that leave it."""

    output: Annotated[str, *line(255, "label")] = Field(
        description="Output of the model whose value is counted; of several rows, the first.",
        examples=["label"],
        json_schema_extra=_SINCE,
    )
    values: tuple[
        Annotated[str, BeforeValidator(_value), WithJsonSchema({"type": ["string", "integer"], "maxLength": 100})], ...
    ] = Field(
        min_length=1,
        description="Values that have a count of their own; every other one is counted as `other`.",
        examples=[[0, 1, 2]],
        json_schema_extra={"maxItems": VALUES_MOST, **_SINCE},
    )
    epsilon: Annotated[float, *amount(EPSILON_MOST, "1.0", least=EPSILON_LEAST)] = Field(
        description="Bound on what the counts of all time tell of one input: less hides more, and needs more devices.",
        examples=[1.0],
        json_schema_extra=_SINCE,
    )
    per: ShortWindow = Field(
        description="How long is counted together, while the agent runs: an input is in one such window.",
        examples=["24h"],
        json_schema_extra=_SINCE,
    )

    @model_validator(mode="after")
    def _values_are_told_apart(self) -> Self:
        allowed = f"from 1 to {VALUES_MOST} values, each once, none of them {OTHER}"
        if len(self.values) > VALUES_MOST:
            raise refusal(
                f"has {len(self.values)} values", allowed, f"remove {len(self.values) - VALUES_MOST}", ("values",)
            )
        for index, value in enumerate(self.values):
            if value == OTHER or value in self.values[:index]:
                problem = f"has {value}, which is the count of all else" if value == OTHER else f"has {value} twice"
                raise refusal(problem, allowed, "remove it", ("values", index))
        return self
