"""Say which version of Slipway this is."""

from functools import lru_cache
from importlib.metadata import entry_points

UNKNOWN = "unknown"
"""Of source that runs without being installed."""


@lru_cache(maxsize=1)
def version() -> str:
    """The version of the distribution that installed the command `slipway`, whatever that distribution is called."""
    for command in entry_points(group="console_scripts", name="slipway"):
        if command.module == "slipway.cli" and command.dist is not None:
            return command.dist.version
    return UNKNOWN
