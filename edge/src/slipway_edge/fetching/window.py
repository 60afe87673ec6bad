"""Say whether it is time to pull, by the time that the control side told."""

from datetime import datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from slipway_edge.values.document import Pull


def shut(pull: Pull, now: datetime | None) -> str:
    """Why nothing may be pulled now; empty: it may.

    `now`: with a time zone; None: the control side has not answered since this agent started. The device's own clock is
    asked for nothing: it may be wrong by a year, and a pull needs a link anyway.
    """
    if not pull.hours:
        return ""
    said = f"{', '.join(pull.hours)} {pull.zone}"
    if now is None:
        return f"pulled at {said} only, and the control side has not told the time yet"
    try:
        here = now.astimezone(ZoneInfo(pull.zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"pulled at {said} only, and this device does not know that zone; next: install tzdata, or write UTC"
    if any(_within(here.time(), hours) for hours in pull.hours):
        return ""
    return f"pulled at {said} only; there it is {here:%H:%M}"


def _within(now: time, hours: str) -> bool:
    """Whether a time of day is in some hours, the end left out; those that end before they begin are over midnight."""
    first, last = (time.fromisoformat(one) for one in hours.split("-"))
    return first <= now < last if first < last else now >= first or now < last
