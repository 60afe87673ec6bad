"""Define the parts of every file that a person writes: sections, and numbers in them."""

from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

from slipway.values.quantities import number_between, whole_number


def number(least: int, most: int) -> Any:
    """The validator and JSON Schema of a whole number in a range."""
    return BeforeValidator(whole_number(least, most)), WithJsonSchema(
        {"type": "integer", "minimum": least, "maximum": most}
    )


def amount(most: float, example: str, least: float = 0.001) -> Any:
    """The validator and JSON Schema of a number in a range, whole or not."""
    return BeforeValidator(number_between(least, most, example)), WithJsonSchema(
        {"type": "number", "minimum": least, "maximum": most}
    )


def left_out(value: Any) -> bool:
    """Whether a field says nothing, so that it does not show either."""
    return value is None


def empty(value: Any) -> bool:
    """Whether a field says what leaving it out says: nothing, false, or a list or mapping without entries."""
    return not value


class Section(BaseModel):
    """A part of a file that a person writes: frozen, and a key that nothing reads is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
