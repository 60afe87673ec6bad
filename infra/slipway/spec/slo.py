"""Contains what a spec promises those who use the model: the objectives that are watched, and over how long."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from slipway.runtimes.registry import LLAMA, OWN_SERVERS
from slipway.spec.scale import Percentile
from slipway.values.quantities import refusal
from slipway.values.section import Section, amount, left_out
from slipway.values.windows import DAY_S, Window, format_window

if TYPE_CHECKING:
    from slipway.spec.model import ModelSpec

WINDOW_S = 30 * DAY_S
AVAILABILITY_LEAST, AVAILABILITY_MOST = 95.0, 99.999
"""Below, no share of failed calls uses the budget 14.4 times too fast; above, one in 100,000 is the whole budget."""


class Slo(Section):
    """Objectives of the model, each with a budget of calls that may miss it. Alerts tell how fast it is used up."""

    availability: Annotated[float, *amount(AVAILABILITY_MOST, "99.9", least=AVAILABILITY_LEAST)] | None = Field(
        default=None,
        description="Percent of calls that the model answers, whatever it answers: statuses of 500 and above miss it.",
        examples=[99.9],
        exclude_if=left_out,
    )
    p95_ms: Percentile | None = Field(
        default=None,
        description="Time in milliseconds that 95 of 100 calls take at most, as the replicas measure it; an edge of "
        "their buckets.",
        examples=[100],
        exclude_if=left_out,
    )
    window: Window = Field(
        default=WINDOW_S,
        description="Over how long the objectives hold, from 12h to 90d; the ranges of all alerts follow from it.",
        examples=["30d"],
        exclude_if=lambda value: value == WINDOW_S,
        json_schema_extra={"default": format_window(WINDOW_S)},
    )

    @model_validator(mode="after")
    def _promises_something(self) -> Self:
        if self.availability is None and self.p95_ms is None:
            allowed = "at least one of availability, p95_ms"
            raise refusal("promises nothing", allowed, "write for example {availability: 99.9}")
        return self


def refuse_misfits(spec: "ModelSpec") -> None:
    """Raise the first of what `slo` says and nobody measures; see `slipway.values.quantities.refusal`."""
    for error in _misfits(spec):
        raise error


def _misfits(spec: "ModelSpec") -> Iterator[PydanticCustomError]:
    if spec.slo is None:
        return
    if spec.runtime in OWN_SERVERS:
        problem = f"is measured by Slipway's own model server, and runtime: {spec.runtime} has another"
        yield refusal(
            problem, "slo beside another runtime", "remove slo, and watch the server by its metrics", ("slo",)
        )
    if spec.runtime == LLAMA and spec.slo.p95_ms is not None:
        problem = f"is given beside runtime: {LLAMA}, whose requests take as long as their answers are"
        yield refusal(problem, "availability alone", "remove p95_ms", ("slo", "p95_ms"))
