"""Let one process at a time fill an entry of the tool cache."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from slipway.local.host import paths


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the machine-wide lock of one entry of the tool cache; the kernel frees it if this process dies."""
    paths.CACHE_TOOLS.mkdir(parents=True, exist_ok=True)
    with (paths.CACHE_TOOLS / f".{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
