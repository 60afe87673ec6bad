"""Parse rates of requests, and prices: `100/s`, `30/min`, `0.0002`."""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from slipway.values.quantities import kind_of, refusal

_UNITS = {"s": 1, "min": 60}
_RATE = re.compile(r"([1-9][0-9]{0,6})/(s|min)")
_RATE_ALLOWED = "N/s or N/min, N a whole number from 1 to 9999999"
_PRICE_MOST = Decimal(1_000_000)
_PRICE_PLACES = 12
_PRICE = re.compile(r"[0-9]{1,7}(?:\.[0-9]{1,12})?")


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` requests in `per_s` seconds."""

    count: int
    per_s: int

    def __str__(self) -> str:
        """As a spec writes it."""
        unit = next(unit for unit, seconds in _UNITS.items() if seconds == self.per_s)
        return f"{self.count}/{unit}"


def rate_of(text: str) -> Rate | None:
    """The rate that `100/s` or `30/min` stands for; None for any other text."""
    found = _RATE.fullmatch(text)
    return Rate(int(found[1]), _UNITS[found[2]]) if found else None


def parse_rate(value: object) -> Rate:
    """A rate from `100/s` or `30/min`. A bare number is refused: it could be per second or per minute."""
    if isinstance(value, Rate):
        return value
    found = rate_of(value) if isinstance(value, str) else None
    if found is None:
        number = (
            value if type(value) is int or (isinstance(value, str) and value.isascii() and value.isdecimal()) else 100
        )
        problem = "has no unit" if str(number) == str(value) else "is not a rate"
        raise refusal(problem, _RATE_ALLOWED, f"write for example {number if 0 < int(number) < 10**7 else 100}/s")
    return found


def parse_price(value: object) -> Decimal:
    """US dollars, exactly as they are written: never negative, at most a million, at most 12 places after the point."""
    allowed = f"US dollars from 0 to {_PRICE_MOST:,}, with at most {_PRICE_PLACES} places after the point"
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise refusal(f"is {kind_of(value)}, not a price", allowed, "write for example 0.0002")
    try:
        price = Decimal(str(value))
    except InvalidOperation:
        raise refusal("is not a price", allowed, "write for example 0.0002") from None
    if not price.is_finite():
        raise refusal("is not a price", allowed, "write for example 0.0002")
    if price < 0:
        raise refusal("is negative", allowed, "write 0 or more; credit is no price")
    if price > _PRICE_MOST or price != round(price, _PRICE_PLACES):
        raise refusal("is out of range", allowed, "write for example 0.0002")
    return price


def format_price(price: Decimal) -> str:
    """A price as plain digits: 2E-4 is `0.0002`, 20.00 is `20`."""
    text = f"{price:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


RequestRate = Annotated[
    Rate,
    BeforeValidator(parse_rate),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": f"^{_RATE.pattern}$"}),
]
"""A rate of requests, written `100/s` or `30/min`."""

Usd = Annotated[
    Decimal,
    BeforeValidator(parse_price),
    PlainSerializer(format_price),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": int(_PRICE_MOST)},
                {"type": "string", "pattern": f"^{_PRICE.pattern}$"},
            ]
        }
    ),
]
"""A price in US dollars, written `0.0002`."""
