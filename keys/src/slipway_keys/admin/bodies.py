"""What the admin API takes: frozen documents that refuse unknown keys and values out of bounds."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from slipway_keys.values import keys as stored
from slipway_keys.values.keys import Role

_MOST_USD = 10**9


def _line(text: str) -> str:
    # The first character keeps spreadsheets, which open exported statements, from reading a name as a formula.
    if not text.isprintable() or text != text.strip() or not text[:1].isalnum():
        raise ValueError("one line of text that begins with a letter or a digit is expected")
    return text


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time with its zone is expected, for example 2026-11-26T08:00:00Z")
    return moment.astimezone(UTC)


def _future(moment: datetime) -> datetime:
    if moment <= datetime.now(tz=UTC):
        raise ValueError("a time to come is expected")
    return moment


def _once(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) != len(names):
        raise ValueError("each name is expected once")
    return names


Name = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_line)]
Scope = Annotated[str, Field(pattern=r"^(\*|[a-z]([a-z0-9-]*[a-z0-9])?)$", max_length=40)]
Scopes = Annotated[tuple[Scope, ...], Field(min_length=1, max_length=100, strict=False), AfterValidator(_once)]
Roles = Annotated[tuple[Role, ...], Field(min_length=1, strict=False), AfterValidator(_once)]
Moment = Annotated[datetime, Field(strict=False), AfterValidator(_aware)]
Usd = Annotated[Decimal, Field(ge=0, le=_MOST_USD, max_digits=16, decimal_places=6, strict=False)]


class Document(BaseModel):
    """Refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Rate(Document):
    """Calls per second or minute."""

    count: Annotated[int, Field(ge=1, le=10**7)]
    per_s: Literal[1, 60]

    def value(self) -> stored.Rate:
        """As it is stored."""
        return stored.Rate(self.count, self.per_s)


class Budget(Document):
    """Calls or dollars per day or month (UTC): exactly one of the two."""

    calls: Annotated[int, Field(ge=1, le=10**12)] | None = None
    usd: Usd | None = None
    per: Literal["day", "month"]

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.calls is None) == (self.usd is None) or self.usd == 0:
            raise ValueError("either calls or usd is expected, above zero")
        return self

    def value(self) -> stored.Budget:
        """As it is stored."""
        return stored.Budget(self.calls, self.usd, self.per)


class Terms(Document):
    """What a key allows."""

    roles: Roles = ("predict",)
    expires_at: Annotated[Moment, AfterValidator(_future)] | None = None
    rate: Rate | None = None
    budget: Budget | None = None


class NewKey(Terms):
    """A key to be created."""

    name: Name
    models: Scopes


class Rotation(Document):
    """A key to be rotated: for how many seconds the old one stays valid."""

    grace_s: Annotated[int, Field(ge=0, le=366 * 86400)]


class AccessRequest(Document):
    """What a client asks for on the page."""

    name: Name
    contact: Name
    models: Scopes
