"""Read which version of Slipway the settings of an environment ask for: `>=0.2`."""

import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from slipway.values.quantities import line_of_text, refusal

REQUIREMENT = re.compile(r">=((?:0|[1-9][0-9]{0,5})(?:\.(?:0|[1-9][0-9]{0,5})){1,2})")
_NUMBERS = re.compile(r"[0-9]+(?:\.[0-9]+)*")


def release(version: str) -> tuple[int, ...]:
    """The numbers of a version: `0.2.0.dev0` counts as 0.2, since what is new in 0.2 is in it. Empty without any."""
    found = _NUMBERS.match(version)
    numbers = [int(number) for number in found[0].split(".")] if found else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _requirement(value: object) -> str:
    text = line_of_text(64, '">=0.2"')(value)
    if not REQUIREMENT.fullmatch(text):
        raise refusal(
            "is no least version", ">=MAJOR.MINOR or >=MAJOR.MINOR.PATCH, in quotes", 'write for example ">=0.2"'
        )
    return text


Requirement = Annotated[
    str, BeforeValidator(_requirement), WithJsonSchema({"type": "string", "pattern": f"^{REQUIREMENT.pattern}$"})
]
