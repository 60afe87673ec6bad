"""How often tests repeat what chance may decide: a few times for each change, or the full rounds of `make soak`."""

import os

VARIABLE = "SLIPWAY_ROUNDS"
_FULL = "full"


def _asked(value: str) -> bool:
    """Whether full rounds are asked for. Raises ValueError."""
    if value not in ("", _FULL):
        raise ValueError(f'{VARIABLE}: "{value}"; allowed: {_FULL}; next: set it so, or leave it out for a few rounds')
    return value == _FULL


FULL = _asked(os.environ.get(VARIABLE, ""))
