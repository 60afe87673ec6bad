"""Define what a person may write about one model of a fleet: its feed, its telemetry, its place among the others."""

import re
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from slipway.settings.edge_aggregates import ModelAggregates
from slipway.settings.edge_feeds import ModelSink, ModelSource
from slipway.values.quantities import MODEL_NAME_LIMIT, ModelName, Seconds, Truth, dns_label, line_of_text, refusal
from slipway.values.section import Section, empty, left_out, number

PRIORITY_MOST = 100
_SET = re.compile(r"[0-9]{1,3}(?:-[0-9]{1,3})?(?:,[0-9]{1,3}(?:-[0-9]{1,3})?)*")


def processors(text: str) -> frozenset[int]:
    """The numbers in a set of processors, `0-1` or `0,2`; empty: it is none."""
    found: set[int] = set()
    for part in text.split(",") if _SET.fullmatch(text) else ():
        first, _, last = part.partition("-")
        if int(last or first) < int(first):
            return frozenset()
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def _cpuset(value: object) -> str:
    # YAML reads 0 as a number.
    text = line_of_text(100, "0-1")(str(value) if type(value) is int else value)
    if not processors(text):
        allowed = "numbers of processors from 0 on and ranges of them, in quotes"
        raise refusal("is no set of processors", allowed, 'write for example "0-1" or "0,2"')
    return text


def _named(value: object) -> object:
    """A name alone is a model of which nothing else is said."""
    return {"name": dns_label(MODEL_NAME_LIMIT)(value)} if isinstance(value, str) else value


class FleetModel(Section):
    """A model of the fleet, and what is particular to it."""

    name: ModelName = Field(description="Name of the model, as its spec has it.", examples=["digits"])
    source: ModelSource | None = Field(
        default=None,
        description="Where its inputs come from on the device; programs ask its port there when left out.",
        exclude_if=left_out,
    )
    sink: ModelSink | None = Field(
        default=None,
        description="Where its answers go; as `source`, both or neither.",
        exclude_if=left_out,
    )
    telemetry: tuple[Literal["latency", "errors", "feeds"], ...] | None = Field(
        default=None,
        description="What leaves a device about this model, in place of the fleet's `telemetry`.",
        examples=[["latency", "feeds"]],
        exclude_if=left_out,
    )
    priority: Annotated[int, *number(0, PRIORITY_MOST)] = Field(
        default=0,
        description="Who goes first where a device cannot do all: in starting, in memory, in processor time.",
        examples=[10],
        exclude_if=empty,
    )
    cpuset: (
        Annotated[str, BeforeValidator(_cpuset), WithJsonSchema({"type": "string", "pattern": f"^{_SET.pattern}$"})]
        | None
    ) = Field(
        default=None,
        description="Processors that it runs on; any but those of real-time models when left out.",
        examples=["0-1"],
        exclude_if=left_out,
    )
    realtime: Truth = Field(
        default=False,
        description="Whether no other model runs on the processors of its `cpuset`.",
        examples=[True],
        exclude_if=empty,
    )
    deadline: Seconds | None = Field(
        default=None,
        description="An input that is older is dropped, and counted; none is when left out.",
        examples=["200ms"],
        exclude_if=left_out,
    )

    aggregates: ModelAggregates | None = Field(
        default=None,
        description="What is counted of its answers, and leaves a device with noise; nothing when left out.",
        exclude_if=left_out,
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.source is None) != (self.sink is None):
            there, missing = ("source", "sink") if self.sink is None else ("sink", "source")
            problem = f"{self.name} has {there} and no {missing}"
            raise refusal(problem, "source and sink, or neither", f"write {missing}, or remove {there}", ())
        if self.realtime and self.cpuset is None:
            raise refusal("has no processors of its own", "realtime with cpuset", "write cpuset", ("realtime",))
        if self.deadline is not None and self.source is None:
            raise refusal("is about inputs of a source", "deadline with source", "write source and sink", ("deadline",))
        if self.aggregates is not None and self.source is None:
            raise refusal(
                "counts answers to a source", "aggregates with source", "write source and sink", ("aggregates",)
            )
        return self


OneModel = Annotated[FleetModel, BeforeValidator(_named, json_schema_input_type=ModelName | FleetModel)]
"""A name, or a section."""
