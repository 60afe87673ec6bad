"""Contains what a spec says about samples: which share of requests is kept, for how long, and what of it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from slipway.runtimes.registry import LLAMA, OWN_SERVERS
from slipway.spec.texts import text
from slipway.values.percentages import Percentage
from slipway.values.quantities import refusal
from slipway.values.section import Section, empty

if TYPE_CHECKING:
    from slipway.spec.model import ModelSpec

Keep = Literal["1d", "7d", "30d", "90d"]
KEEPS: Mapping[Keep, int] = {"1d": 1, "7d": 7, "30d": 30, "90d": 90}
"""Days, by how they are written. Few, since a store deletes by what keys begin with."""
KEEP: Keep = "30d"
FIELDS_MOST = 64
Name = Annotated[str, *text(200, "image")]


class Capture(Section):
    """What is kept of requests and answers, encrypted by whom they are about."""

    share: Percentage = Field(
        description="Which part of the answered requests is kept, by chance, from 0.001% to 100%.", examples=["1%"]
    )
    keep: Keep = Field(
        default=KEEP,
        description="For how long: what is older is deleted (docs/how-to/samples.md).",
        examples=["30d"],
        exclude_if=lambda value: value == KEEP,
    )
    fields: tuple[Name, ...] = Field(
        default=(),
        min_length=1,
        max_length=FIELDS_MOST,
        description="Names of the model's inputs and outputs that are kept; all when left out.",
        examples=[["image", "label"]],
        exclude_if=empty,
    )
    redact: tuple[Name, ...] = Field(
        default=(),
        max_length=FIELDS_MOST,
        description="Names of those that are never kept.",
        examples=[["image"]],
        exclude_if=empty,
    )

    def section(self) -> dict[str, object]:
        """Which tensors a sample has, as the model server is told."""
        return {
            **({"fields": list(self.fields)} if self.fields else {}),
            **({"redact": list(self.redact)} if self.redact else {}),
        }


def refuse_misfits(spec: "ModelSpec") -> None:
    """Raise what `capture` says and no server of the model does; see `slipway.values.quantities.refusal`."""
    if spec.capture is None:
        return
    if spec.runtime in (*OWN_SERVERS, LLAMA):
        problem = f"is done by Slipway's own model server, and runtime: {spec.runtime} has another"
        raise refusal(problem, "capture beside another runtime", "remove capture", ("capture",))
    if spec.pipeline is not None:
        problem = "is of a model with weights, and a pipeline has none"
        raise refusal(problem, "capture in the specs of its models", "write it there", ("capture",))
