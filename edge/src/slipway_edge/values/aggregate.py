"""What a document says of a model's private counts: how many inputs had which answer, with noise."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

OTHER = "other"
"""The count of answers that are none of the values."""
Value = Annotated[str, Field(min_length=1, max_length=100)]


class Aggregates(BaseModel):
    """What is counted, for how many seconds, and the epsilon of the noise with which the counts leave the device."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    output: Annotated[str, Field(min_length=1, max_length=255)]
    values: Annotated[list[Value], Field(min_length=1, max_length=100)]
    epsilon: Annotated[float, Field(ge=0.01, le=10, allow_inf_nan=False)]
    per_s: Annotated[int, Field(ge=3600, le=30 * 86_400)]
