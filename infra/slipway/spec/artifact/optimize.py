"""Contains `optimize`: the steps that a spec may ask for between the trained weights and what is served."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Tag

from slipway.errors.base import nearest
from slipway.spec.artifact.data_steps import Average, Distill, Merge, Script, Search
from slipway.spec.artifact.graph_steps import Convert, Prune, Quantize, Simplify
from slipway.spec.artifact.step import StepSection
from slipway.values.quantities import kind_of, refusal

__all__ = [
    "KINDS",
    "STEPS_MOST",
    "AnyStep",
    "Average",
    "Convert",
    "Distill",
    "Merge",
    "Prune",
    "Quantize",
    "Script",
    "Search",
    "Simplify",
    "Step",
    "step_tag",
]

STEPS_MOST = 10
_KINDS: tuple[type[StepSection], ...] = (Convert, Simplify, Quantize, Prune, Average, Merge, Distill, Search, Script)
KINDS = tuple(one.kind for one in _KINDS)
"""The first keys of all steps."""


def _one_step(value: object) -> object:
    """The value, if exactly one of its keys says which step it is."""
    if isinstance(value, StepSection):
        return value
    todo = "write for example {quantize: int8-dynamic}"
    allowed = f"a mapping with one of {', '.join(KINDS)}"
    if not isinstance(value, dict):
        raise refusal(f"is {kind_of(value)}, no step", allowed, todo)
    named = [key for key in value if key in KINDS]
    if len(named) > 1:
        raise refusal(f"names two steps, {named[0]} and {named[1]}", allowed, "write them as two entries of the list")
    if not named:
        first = next(iter(value), "")
        near = nearest(str(first), KINDS)
        raise refusal("names no step", allowed, f"write {near} instead of {first}" if near else todo)
    return value


def _tag(value: Any) -> str:
    return step_tag(value.kind if isinstance(value, StepSection) else next(key for key in value if key in KINDS))


def step_tag(kind: str) -> str:
    """What stands for a step's kind in paths of pydantic; nobody has written it, so that no message shows it."""
    return f"[step {kind}]"


AnyStep = Convert | Simplify | Quantize | Prune | Average | Merge | Distill | Search | Script
Step = Annotated[
    Annotated[Convert, Tag(step_tag("convert"))]
    | Annotated[Simplify, Tag(step_tag("simplify"))]
    | Annotated[Quantize, Tag(step_tag("quantize"))]
    | Annotated[Prune, Tag(step_tag("prune"))]
    | Annotated[Average, Tag(step_tag("average"))]
    | Annotated[Merge, Tag(step_tag("merge"))]
    | Annotated[Distill, Tag(step_tag("distill"))]
    | Annotated[Search, Tag(step_tag("search"))]
    | Annotated[Script, Tag(step_tag("script"))],
    Discriminator(_tag),
    BeforeValidator(_one_step),
]
"""One step of a list; its key says which."""
