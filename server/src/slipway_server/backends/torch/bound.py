"""Hold PyTorch to its share of the memory, for which it has no setting: the kernel refuses it more while a run lasts.

Without this a request that makes a model compute too much would have the kernel end the whole server. What is bounded
is what all threads of the process write to (RLIMIT_DATA); those that answer other requests live on the margin that
`slipway_server.memory.budget` leaves.
"""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway_server.backends.base import ModelError
from slipway_server.backends.refusals import too_large
from slipway_server.memory.limit import resident
from slipway_server.values.errors import AnswerTooLarge

_DATA = 5  # of proc(5), statm: pages of data and stack
_SIGNS = ("alloc", "out of memory")
"""What PyTorch and oneDNN say when they get no memory, in lower case."""


class Bound:
    """The share of one model: what loading it left of that is there for each run."""

    def __init__(self, arena_bytes: int | None) -> None:
        """Begin before the model is loaded. `arena_bytes`: its share, weights included; None for no bound."""
        self._arena = arena_bytes
        self._before = resident()
        self._left = 0

    def loaded(self) -> None:
        """Reckon what is left now that the model is loaded; raises `ModelError` when that is nothing."""
        if self._arena is None:
            return
        took = max(0, resident() - self._before)
        self._left = self._arena - took
        if self._left <= 0:
            raise ModelError(
                f"loading the model took {took // 2**20} MiB, and its share of the memory is {self._arena // 2**20} "
                "MiB; next: give the server more memory"
            )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let a run take no more than that; not for two at a time."""
        if self._arena is None:
            yield
            return
        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = _data() + self._left
        resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))

    def reached_by(self, error: Exception) -> bool:
        """Whether a run ended for want of memory, by what it says."""
        return isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in _SIGNS)

    def too_large(self) -> AnswerTooLarge:
        """What its sender is told."""
        return too_large(self._left, " beside its weights")


def _data() -> int:
    return int(Path("/proc/self/statm").read_text().split()[_DATA]) * os.sysconf("SC_PAGE_SIZE")
