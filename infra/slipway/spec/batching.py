"""Hold what a spec says about requests that share a run of the model."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from slipway.values.quantities import Seconds, Truth, format_seconds, refusal
from slipway.values.section import Section, number

ROWS_MOST = 1024
WAIT_MOST_S = 1.0


class Batching(Section):
    """Whether and how the rows of several requests share a run of the model (docs/explanation/batching.md)."""

    enabled: Truth | None = Field(
        default=None,
        description=(
            "Left out: only if trials at start could have shown that rows change each other's answers, and did not. "
            "`false`: never. `true`: also where trials can show nothing; where they show that rows depend on each "
            "other, the server refuses to start."
        ),
        examples=[False],
    )
    max_rows: Annotated[int, *number(1, ROWS_MOST)] = Field(
        default=32, description="Most rows in one run; 1: each request runs alone.", examples=[32]
    )
    max_wait: Seconds = Field(
        default=0.002,
        description="Longest time that an idle model waits for requests which are on their way, at most 1s.",
        examples=["2ms"],
        json_schema_extra={"default": format_seconds(0.002)},
    )

    @model_validator(mode="after")
    def _waits_and_rows_make_sense(self) -> Self:
        if self.max_wait > WAIT_MOST_S:
            problem = f"{format_seconds(self.max_wait)} is longer than a request should wait for others"
            raise refusal(problem, "from 1ms to 1s", "write for example 2ms", ("max_wait",))
        if self.enabled and self.max_rows == 1:
            problem = "is true, though max_rows 1 lets each request run alone"
            raise refusal(problem, "true with max_rows of 2 or more", "raise max_rows or remove enabled", ("enabled",))
        return self

    def server_config(self) -> dict[str, Any]:
        """Return the section `batch` of the server's configuration."""
        asked = {} if self.enabled is None else {"enabled": self.enabled}
        return asked | {"max_size": self.max_rows, "max_wait_ms": round(self.max_wait * 1000, 6)}
