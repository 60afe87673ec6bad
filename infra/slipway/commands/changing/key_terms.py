"""Read what a person writes about a key: how long it is valid, how often it may call, what it may spend."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from slipway.errors.base import Place, WrongValue
from slipway.values.aliases import Json
from slipway.values.rates import rate_of

_AT = Place("command line")
_AGE = re.compile(r"([1-9][0-9]{0,4})(h|d)")
_BUDGET = re.compile(r"([1-9][0-9]{0,11})/(day|month)")
_USD = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)usd/(day|month)")
_HOURS = {"h": 1, "d": 24}
_MOST_AGE = timedelta(days=3660)


def age(option: str, text: str) -> timedelta:
    """`90d` or `12h`; at most ten years."""
    found = _AGE.fullmatch(text)
    length = timedelta(hours=int(found[1]) * _HOURS[found[2]]) if found else timedelta()
    if not timedelta() < length <= _MOST_AGE:
        allowed = "a whole number of hours or days, as 12h or 90d, at most 3660d"
        raise WrongValue(_AT, option, text, "is not a length of time", allowed, "write for example 90d")
    return length


def expiry(text: str, now: datetime | None = None) -> str:
    """The moment that `90d` from `now` ends at, in ISO 8601."""
    return ((now or datetime.now(tz=UTC)) + age("--expires", text)).isoformat(timespec="seconds")


def rate(text: str) -> Json:
    """`100/s` or `6000/min`, as the admin API takes it."""
    found = rate_of(text)
    if found is None:
        allowed = "calls per second or minute, as 100/s or 600/min"
        raise WrongValue(_AT, "--rate", text, "is not a rate", allowed, "write for example 100/s")
    return {"count": found.count, "per_s": found.per_s}


def budget(text: str) -> Json:
    """`1000/month` (calls) or `20usd/month`, as the admin API takes it."""
    if found := _BUDGET.fullmatch(text):
        return {"calls": int(found[1]), "per": found[2]}
    if (found := _USD.fullmatch(text)) and Decimal(found[1]) > 0:
        return {"usd": found[1], "per": found[2]}
    allowed = "calls or US dollars per day or month, as 1000/month or 20usd/month"
    raise WrongValue(_AT, "--budget", text, "is not a budget", allowed, "write for example 20usd/month")


def names(text: str) -> list[str]:
    """`digits, speech`: what stands between commas, without repetitions."""
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
