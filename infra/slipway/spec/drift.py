"""Contains what a spec says about whether inputs and outputs are still what they were, which needs no labels."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from slipway.runtimes.registry import LLAMA, OWN_SERVERS
from slipway.values.quantities import refusal
from slipway.values.section import Section, amount
from slipway.values.windows import HOUR_S, ShortWindow, format_window

if TYPE_CHECKING:
    from slipway.spec.model import ModelSpec

SHARE, WINDOW_S = 0.3, 6 * HOUR_S


class Drift(Section):
    """What is counted of inputs and outputs, held against the data of the lock and the version's first window."""

    share: Annotated[float, *amount(1, "0.3")] = Field(
        default=SHARE,
        description="Of the calls, those that are counted; chance chooses them.",
        examples=[0.3],
        exclude_if=lambda value: value == SHARE,
    )
    window: ShortWindow = Field(
        default=WINDOW_S,
        description="The calls of so long are held against the profile together, from 1h to 30d.",
        examples=["6h"],
        exclude_if=lambda value: value == WINDOW_S,
        json_schema_extra={"default": format_window(WINDOW_S)},
    )


def refuse_misfits(spec: "ModelSpec") -> None:
    """Raise the first reason why nobody could tell; see `slipway.values.quantities.refusal`."""
    if spec.drift is None:
        return
    if spec.runtime in (*OWN_SERVERS, LLAMA):
        problem = f"is counted by Slipway's own model server, and runtime: {spec.runtime} does not"
        raise refusal(problem, "drift beside another runtime", "remove drift", ("drift",))
    if spec.accept is None:
        problem = "is held against the data set that the model was locked with, and accept is missing"
        todo = "add accept: {dataset: FILE.npz, agreement: 0.98}, then run slipway lock, or remove drift"
        raise refusal(problem, "drift beside accept", todo, ("drift",))
