"""Word what has drifted: what somebody changed or deleted since the engine made it, stack by stack."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from slipway.deploy.record import Live
from slipway.engine.previewed import StackPreview


@dataclass(frozen=True, slots=True)
class StackDrift:
    """What drifted in one stack, one line each. `unknown`: why it could not be asked; empty where it was."""

    stack: str
    found: tuple[str, ...]
    unknown: str = ""

    def lines(self) -> Iterator[str]:
        """For people."""
        if self.unknown:
            yield f"unknown: {self.unknown}"
        yield from self.found


@dataclass(frozen=True, slots=True)
class Drift:
    """What drifted in an environment.

    Attributes:
        environment: its name.
        stacks: each that was asked, the environment's own first.
    """

    environment: str
    stacks: tuple[StackDrift, ...]

    @property
    def drifted(self) -> tuple[str, ...]:
        """Names of the stacks in which something is not as it was made."""
        return tuple(one.stack for one in self.stacks if one.found)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names of the stacks that could not be asked."""
        return tuple(one.stack for one in self.stacks if one.unknown)

    def summary(self) -> str:
        """`2 of 7 stacks drifted, 1 unknown`."""
        said = f"{len(self.drifted)} of {len(self.stacks)} stacks drifted"
        return f"{said}, {len(self.unknown)} unknown" if self.unknown else said

    def to_json(self) -> dict[str, Any]:
        """As JSON values; what is not known is null."""
        return {
            "environment": self.environment,
            "stacks": [
                {"stack": one.stack, "drift": None if one.unknown else list(one.found), "unknown": one.unknown or None}
                for one in self.stacks
            ],
        }


def of_engine(found: StackPreview | None) -> tuple[str, ...]:
    """Where what is really there is not what the engine made, by a look that wrote nothing; None: there is no stack."""
    return tuple(
        f"{step.resource} is gone"
        if step.does == "delete"
        else f"{step.resource} is not what it was made ({', '.join(step.because)})"
        for step in (found.steps if found is not None else ())
    )


def of_pods(live: Live | None) -> tuple[str, ...]:
    """What became of a model since it was judged right, as far as its Deployment tells."""
    if live is None:
        return ()
    found = []
    if live.verified != live.release:
        found.append(f"its pods are of release {live.release or '(none)'}, and {live.verified or 'none'} was right")
    elif live.touched:
        found.append("somebody changed the template of its pods since it was judged right")
    if not live.serves:
        found.append("it does not serve")
    return tuple(found)


def in_order(environment: str, stacks: Sequence[StackDrift]) -> Drift:
    """The environment's own stack first, then models by name."""
    return Drift(environment, tuple(sorted(stacks, key=lambda one: (one.stack != environment, one.stack))))
