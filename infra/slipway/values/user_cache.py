"""Say where Slipway keeps what it can have again: below the user's cache folder, by XDG's base directories."""

import os
from pathlib import Path


def user_cache() -> Path:
    """Slipway's folder below XDG_CACHE_HOME, or below ~/.cache where that is not set or not absolute."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    home = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    return home / "slipway"
