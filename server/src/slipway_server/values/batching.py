"""How requests are put together: what was decided at the start, for whoever batches and whoever tells it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from slipway_server.values.tensors import Array


@dataclass(frozen=True)
class Batching:
    """How requests are put together.

    Attributes:
        max_rows: the most rows in one run of the model; 1: every request runs alone.
        found: why, as a sentence.
        held: the row that an input had in all trials, by its name; one element where all elements are the same.
        given: the inputs that the trials had, where some may be left out; None where none may.
    """

    max_rows: int
    found: str
    held: Mapping[str, Array] = field(default_factory=dict)
    given: frozenset[str] | None = None

    @property
    def enabled(self) -> bool:
        """Whether several requests may share a run."""
        return self.max_rows > 1

    def tried(self, inputs: Mapping[str, Array]) -> bool:
        """Return whether a request has the inputs of the trials and, where all of them had the same row, this row."""
        if self.given is not None and inputs.keys() != self.given:
            return False
        return all(
            (row.shape == (1,) or row.shape == inputs[name].shape[1:]) and bool((inputs[name] == row).all())
            for name, row in self.held.items()
        )
