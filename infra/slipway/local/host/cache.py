"""Let one process at a time fill an entry of the tool cache."""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from slipway.local.host import paths
from slipway.local.host.errors import LocalError

_LIMIT_S = 3600.0
"""Longer than the longest build on a small machine."""


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the machine-wide lock of one entry of the tool cache; the kernel frees it if this process dies.

    Raises LocalError when another process holds it for longer than an hour.
    """
    paths.CACHE_TOOLS.mkdir(parents=True, exist_ok=True)
    file = paths.CACHE_TOOLS / f".{name}.lock"
    try:
        held = FileLock(file, timeout=_LIMIT_S, fallback_to_soft=False).acquire()
    except Timeout as error:
        raise LocalError(
            f"waited {_LIMIT_S / 60:.0f} min for another process to make {name}; `fuser {file}` names it: end it and "
            "run this again"
        ) from error
    with held:
        yield
