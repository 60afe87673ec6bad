"""Contains what a spec says about where a model's data may be."""

import re
from typing import Annotated, Self

from pydantic import Field, model_validator

from slipway.spec.texts import pattern
from slipway.values.quantities import refusal
from slipway.values.section import Section

REGION = re.compile(r"[a-z]{2}(?:-[a-z]{2,16}){1,3}-[1-9]")
_ZONE = re.compile(rf"{REGION.pattern}[a-z]")


class DataResidency(Section):
    """Where the model's data has to stay, and so its pods."""

    region: Annotated[str, *pattern(REGION, "a region", "eu-central-1")] = Field(
        description="Region that no pod may leave.", examples=["eu-central-1"]
    )
    zone: Annotated[str, *pattern(_ZONE, "a zone", "eu-central-1a")] | None = Field(
        default=None, description="Zone of it that no pod may leave; any when left out.", examples=["eu-central-1a"]
    )

    @model_validator(mode="after")
    def _the_zone_is_in_the_region(self) -> Self:
        if self.zone is not None and self.zone[:-1] != self.region:
            allowed = f"a zone of {self.region}"
            problem = f"{self.zone} is not in region {self.region}"
            raise refusal(problem, allowed, f"write for example {self.region}a", ("zone",))
        return self
