"""Defines what all who run a model know of it: a signature, and a run that may be ended early."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from slipway_server.values.signature import Signature
from slipway_server.values.tensors import Array


class ModelError(Exception):
    """The model cannot be served; the message says why."""


class NoAccelerator(ModelError):
    """The GPU that the model was promised is not there, or cannot be used."""

    def __init__(self, problem: str, todo: str) -> None:
        """Say what is wrong with it, and what to do."""
        super().__init__(f"the model was promised a GPU and has none: {problem}; next: {todo}")


@dataclass(frozen=True)
class Gpu:
    """What a model may use of a GPU. `memory_bytes`: for its tensors; None: all that the GPU has."""

    memory_bytes: int | None


class Cancellation:
    """Ends runs early, from another thread. A backend that can be told to end says how; others look at `cancelled`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._end: Callable[[], None] | None = None

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    def cancel(self) -> None:
        """End the present run as soon as its backend can, and all later ones at once."""
        with self._lock:
            self._cancelled = True
            if self._end is not None:
                self._end()

    @contextmanager
    def ending(self, end: Callable[[], None]) -> Iterator[None]:
        """Have `end` called, in whichever thread cancels, while the block lasts; at once if it was before."""
        with self._lock:
            self._end = end
            if self._cancelled:
                end()
        try:
            yield
        finally:
            with self._lock:
                self._end = None


class Session(Protocol):
    """One loaded model. `run` may be called from one thread at a time."""

    @property
    def signature(self) -> Signature:
        """What it takes and gives."""
        ...

    def run(self, inputs: Mapping[str, Array], cancellation: Cancellation | None = None) -> dict[str, Array]:
        """Return the outputs by name.

        Args:
            inputs: one array per input, of its datatype and a shape that fits it.
            cancellation: for ending the run early: the run then fails, or ends with what it has.

        Raises:
            BadRequest: the model cannot compute these values (an index out of range, lengths that do not go together
                ...): a signature cannot say all that a model demands.
            AnswerTooLarge: what it computes does not fit into its memory.
            ModelFault: it gave what no answer can carry.
        """
        ...
