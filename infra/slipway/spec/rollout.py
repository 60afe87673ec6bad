"""Contains what a spec says about updates of a model."""

from typing import Literal, Self

from pydantic import Field, model_validator

from slipway.values.quantities import Seconds, format_seconds, refusal
from slipway.values.section import Section

DRAIN_MOST_S = 600.0


class RolloutRules(Section):
    """How an update may affect those who use the model."""

    downtime: Literal["refused", "allowed"] = Field(
        default="refused",
        description="Whether the only replica may stop before its successor serves, if both do not fit.",
        examples=["allowed"],
    )
    drain: Seconds = Field(
        default=10.0,
        description=(
            "A stopping replica goes on answering until no request has come to it for so long, at most 10m: longer "
            "than any node or load balancer takes to stop sending it requests."
        ),
        examples=["15s"],
        json_schema_extra={"default": format_seconds(10.0)},
    )

    @model_validator(mode="after")
    def _a_drain_ends(self) -> Self:
        if self.drain > DRAIN_MOST_S:
            problem = f"{format_seconds(self.drain)} is longer than a node waits for a stopping pod"
            raise refusal(problem, "at most 10m", "write 10m or less", ("drain",))
        return self
