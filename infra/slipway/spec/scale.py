"""Contains what a spec says about the number of replicas."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from slipway.values.quantities import refusal
from slipway.values.section import Section, number

Replicas = Annotated[int, *number(1, 1000)]
Percent = Annotated[int, *number(1, 100)]


class Target(Section):
    """What the autoscaler holds steady."""

    cpu_percent: Percent = Field(
        description="Mean CPU use of the replicas, in percent of `resources.cpu`.", examples=[70]
    )


class Scale(Section):
    """How many replicas there are."""

    min: Replicas = Field(default=1, description="Replicas that always run.", examples=[1])
    max: Replicas = Field(default=1, description="Replicas at the highest load.", examples=[4])
    target: Target | None = Field(
        default=None, description="When to add or remove replicas; needed when `max` is above `min`."
    )

    @model_validator(mode="after")
    def _bounds_and_target_agree(self) -> Self:
        if self.min > self.max:
            allowed = f"at most scale.max, which is {self.max}"
            raise refusal(f"{self.min} is above scale.max", allowed, "raise max or lower min", ("min",))
        if self.max > self.min and self.target is None:
            problem = f"is missing, though max {self.max} is above min {self.min}"
            raise refusal(problem, "cpu_percent from 1 to 100", "add target: {cpu_percent: 70}", ("target",))
        return self
