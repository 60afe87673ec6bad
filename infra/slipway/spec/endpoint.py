"""Contains what a spec says about requests to a model."""

from typing import Self

from pydantic import Field, model_validator

from slipway.values.quantities import Bytes, Seconds, format_bytes, format_seconds, refusal
from slipway.values.section import Section

BODY_MOST = 2**30


class Endpoint(Section):
    """Limits of a request."""

    timeout: Seconds = Field(
        default=30.0,
        description="Longest time that a request may take.",
        examples=["30s"],
        json_schema_extra={"default": format_seconds(30.0)},
    )
    max_body: Bytes | None = Field(
        default=None,
        description=(
            "Largest body of a request, at most 1Gi, and no more than `resources.memory` carries; when left out, half "
            "of that, at most 10Mi."
        ),
        examples=["10Mi"],
        exclude_if=lambda value: value is None,
    )

    @model_validator(mode="after")
    def _a_body_fits_into_a_pod(self) -> Self:
        if self.max_body is not None and self.max_body > BODY_MOST:
            problem = f"{format_bytes(self.max_body)} is more than a server accepts"
            raise refusal(problem, "at most 1Gi", "write 1Gi or less", ("max_body",))
        return self
