"""Parse parts of all calls: `5%`, `0.1%`. Values are shares, from 0 to 1."""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from slipway.values.quantities import kind_of, refusal

_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)%")
_BARE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3})?")


def parse_percentage(value: object, least: str, places: int, example: str) -> float:
    """The share, from 0 to 1, that `5%` stands for. A bare number is refused: 0.5 could be a half or half a percent.

    Args:
        value: what was written.
        least: the smallest percentage that is allowed, as digits; the largest is always 100.
        places: how many digits there may be after the point.
        example: what a message tells to write instead.
    """
    digits = "1 digit" if places == 1 else f"{places} digits"
    allowed = f"a percentage from {least}% to 100%, with at most {digits} after the point"
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        raise refusal(f"is {kind_of(value)}, not a percentage", allowed, f"write for example {example}")
    found = _PERCENT.fullmatch(text)
    if found is None:
        if _BARE.fullmatch(text):
            raise refusal("has no unit", allowed, f"write it with a percent sign, for example {example}")
        raise refusal("is not a percentage", allowed, f"write for example {example}")
    percent = Decimal(found[1])
    if not Decimal(least) <= percent <= 100 or percent != round(percent, places):
        raise refusal("is out of range or too fine", allowed, f"write for example {example}")
    return float(percent / 100)


def format_percentage(share: float) -> str:
    """A share as a spec writes it: 0.05 is `5%`, 0.001 is `0.1%`."""
    text = f"{share * 100:.3f}".rstrip("0").rstrip(".")
    return f"{text}%"


def _percentage(least: str, places: int, example: str) -> Any:
    """The validator, serializer and JSON Schema of a percentage."""
    return (
        BeforeValidator(lambda value: parse_percentage(value, least, places, example)),
        PlainSerializer(format_percentage),
        WithJsonSchema({"type": "string", "pattern": f"^(?:{_PERCENT.pattern})$"}),
    )


Percentage = Annotated[float, *_percentage("0.001", 3, "1%")]
"""A share from 0.00001 to 1, written `0.001%` to `100%`: no number of calls can show that something never happens."""

CallShare = Annotated[float, *_percentage("0.1", 1, "5%")]
"""A share of calls, from 0.001 to 1, written `0.1%` to `100%`: a gateway divides calls by thousandths."""
