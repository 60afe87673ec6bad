"""The lines of the journal: a call admitted, a call over."""

from dataclasses import dataclass

import orjson

from slipway_keys.values.route import Route

UNSETTLED_AFTER_S = 300.0
"""After a call's own time-out, how long its settlement is waited for."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom a call is counted for: a key's id and account, `oidc:` and a subject, or `anonymous`."""

    key: str
    account: str


def reservation(request_id: str, caller: Caller, route: Route, at: float) -> dict[str, object]:
    """Return what is written down when a call is admitted at `at` (seconds since 1970)."""
    price = route.price
    return {
        "kind": "reservation",
        "request_id": request_id,
        "key": caller.key,
        "account": caller.account,
        "model": route.model,
        "at": at,
        "patience_s": route.timeout_s + UNSETTLED_AFTER_S,
        "per_call": _text(price.per_call) if price else None,
        "per_second": _text(price.per_second) if price else None,
        "per_token": _text(price.per_token) if price else None,
        "per_month": _text(price.per_month) if price else None,
        "included_calls": price.included_calls if price else None,
    }


def encoded(line: dict[str, object]) -> bytes:
    """Return a line as the journal keeps it."""
    return orjson.dumps(line)


def _text(price: object) -> str | None:
    return None if price is None else str(price)
