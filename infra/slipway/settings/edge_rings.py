"""Define what a person may write about how a new version reaches a fleet: its rings, what opens and stops them."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from slipway.values.percentages import Percentage
from slipway.values.quantities import DnsLabel, Seconds, Truth, refusal
from slipway.values.section import Section, empty, number


class Ring(Section):
    """A part of the fleet that takes a new version together, by its size with all rings before it."""

    name: DnsLabel = Field(description="What messages call the ring.", examples=["canary"])
    devices: Annotated[int, *number(1, 1_000_000)] | None = Field(
        default=None, description="Devices that have the new version once the ring is open.", examples=[1]
    )
    share: Percentage | None = Field(
        default=None, description="The same as a share of the model's devices, rounded up.", examples=["10%"]
    )
    approval: Truth = Field(
        default=False,
        description="Whether the ring opens only once somebody approved it, with `slipway edge approve`.",
        examples=[True],
        exclude_if=empty,
        json_schema_extra={"type": "boolean", "since": "0.2"},
    )

    @model_validator(mode="after")
    def _has_one_size(self) -> Self:
        if (self.devices is None) == (self.share is None):
            problem = "has neither devices nor share" if self.devices is None else "has both devices and share"
            raise refusal(problem, "one of devices and share", "write for example share: 10%", ())
        return self


class Success(Section):
    """What opens the next ring."""

    good: Percentage = Field(
        default=1.0, description="Devices of the open rings that report the version as good.", examples=["95%"]
    )
    hold: Seconds = Field(default=600.0, description="How long that has to last.", examples=["10m"])


class Stop(Section):
    """What stops a rollout and returns its devices to the version before."""

    failed: Percentage = Field(
        default=0.2,
        description="Devices that failed, of those that answered, from which on the rollout stops.",
        examples=["20%"],
    )
    of_at_least: Annotated[int, *number(1, 1_000_000)] = Field(
        default=1, description="How many must have answered before that counts.", examples=[5]
    )


class Away(Section):
    """What becomes of devices that do not answer."""

    deadline: Seconds = Field(
        default=86_400.0,
        description="How long after its ring was opened a device that has not reported the version counts as failed.",
        examples=["24h"],
    )
