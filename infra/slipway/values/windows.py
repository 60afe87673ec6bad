"""Parse how long something is looked at: `12h`, `30d`, `4w`. Values are whole seconds."""

import re
from functools import partial
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from slipway.values.quantities import kind_of, refusal

HOUR_S, DAY_S = 3600, 86_400
UNITS_S = {"h": HOUR_S, "d": DAY_S, "w": 7 * DAY_S}
_WINDOW = re.compile(r"([1-9][0-9]{0,3})(h|d|w)")
_LEAST_S, _MOST_S = 12 * HOUR_S, 90 * DAY_S


def parse_window(value: object, least_s: int = _LEAST_S, most_s: int = _MOST_S) -> int:
    """Seconds from `12h`, `30d`, `4w`. A bare number is refused: it could be hours or days."""
    allowed = f"whole hours, days or weeks (h, d, w), from {format_window(least_s)} to {format_window(most_s)}"
    if not isinstance(value, str):
        raise refusal(f"is {kind_of(value)}, not a window of time", allowed, "write for example 30d")
    found = _WINDOW.fullmatch(value)
    if found is None:
        raise refusal("is not a window of time", allowed, "write for example 30d")
    seconds = int(found[1]) * UNITS_S[found[2]]
    if not least_s <= seconds <= most_s:
        raise refusal("is out of range", allowed, "write for example 30d")
    return seconds


def format_window(seconds: int) -> str:
    """Seconds as a spec writes them: 2592000 is `30d`, 43200 is `12h`."""
    return f"{seconds // DAY_S}d" if seconds % DAY_S == 0 else f"{seconds // HOUR_S}h"


Window = Annotated[
    int,
    BeforeValidator(parse_window),
    PlainSerializer(format_window),
    WithJsonSchema({"type": "string", "pattern": f"^(?:{_WINDOW.pattern})$"}),
]
"""A window of time in whole seconds, written `12h`, `30d` or `4w`."""
ShortWindow = Annotated[
    int,
    BeforeValidator(partial(parse_window, least_s=HOUR_S, most_s=30 * DAY_S)),
    PlainSerializer(format_window),
    WithJsonSchema({"type": "string", "pattern": f"^(?:{_WINDOW.pattern})$"}),
]
"""The same, from 1h to 30d."""
