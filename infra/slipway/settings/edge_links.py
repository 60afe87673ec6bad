"""Define what settings say about the links of a fleet's sites: how much of one may be used for pulls, and when."""

import re
from collections.abc import Mapping
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from slipway.values.quantities import Bytes, format_bytes, line_of_text, refusal
from slipway.values.section import Section, left_out

_BANDWIDTH_LEAST = 8 * 2**10
"""Bytes a second of a device: below, a piece of 4 MiB takes longer than many links last."""
_DAY_S = 86_400.0
_HOURS = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]-(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_HOURS_MOST = 24
_ZONE_LIMIT = 64


def _hours(value: object) -> str:
    text = line_of_text(11, '"22:00-06:00"')(value)
    first, _, last = text.partition("-")
    if not _HOURS.fullmatch(text) or first == last:
        allowed = "HH:MM-HH:MM from 00:00 to 23:59, the end left out; over midnight where it is before the beginning"
        raise refusal("is no part of a day", allowed, 'write for example "22:00-06:00", in quotes')
    return text


def _zone(value: object) -> str:
    text = line_of_text(_ZONE_LIMIT, "Europe/Berlin")(value)
    if text not in available_timezones():
        raise refusal("is no time zone", "a name of the IANA time zone database", "write for example Europe/Berlin")
    return text


Hours = Annotated[str, BeforeValidator(_hours), WithJsonSchema({"type": "string", "pattern": f"^{_HOURS.pattern}$"})]
Zone = Annotated[str, BeforeValidator(_zone), WithJsonSchema({"type": "string", "maxLength": _ZONE_LIMIT})]


class Link(Section):
    """What the devices of one site may take of its link."""

    bandwidth: Bytes | None = Field(
        default=None,
        description="Bytes a second that the site's devices take together for weights, each an equal part; as much as "
        "the link gives when left out.",
        examples=["1Mi"],
        exclude_if=left_out,
    )
    hours: tuple[Hours, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=_HOURS_MOST,
        description="Times of day in which weights and images are pulled; all day when left out.",
        examples=[["22:00-06:00"]],
        exclude_if=left_out,
    )
    zone: Zone | None = Field(
        default=None,
        description="Time zone of `hours`; UTC when left out.",
        examples=["Europe/Berlin"],
        exclude_if=left_out,
    )

    @model_validator(mode="after")
    def _zone_is_of_hours(self) -> "Link":
        if self.zone is not None and self.hours is None:
            todo = 'add hours: ["22:00-06:00"], or leave zone out'
            raise refusal("is there without hours", "zone beside hours", todo, ("zone",))
        return self


def refuse_links(links: Mapping[str, Link], devices: Mapping[str, int], deadline_s: float) -> None:
    """Refuse links of sites that are not there, that carry too little, or that open too late.

    Args:
        links: by site.
        devices: how many stand at each site.
        deadline_s: after how long a device that has not answered counts as failed.
    """
    for site, link in links.items():
        if site not in devices:
            todo = f"write one of those, or add {site} to sites"
            raise refusal(f"{site} is not known", ", ".join(devices), todo, ("links", site))
        least = max(1, devices[site]) * _BANDWIDTH_LEAST
        if link.bandwidth is not None and link.bandwidth < least:
            allowed = f"at least {format_bytes(_BANDWIDTH_LEAST)} a second for each of its {devices[site]} devices"
            problem = f"{format_bytes(link.bandwidth)} a second is too little for {site}"
            at = ("links", site, "bandwidth")
            raise refusal(problem, allowed, f"write {format_bytes(least)} or more", at)
        if link.hours is not None and deadline_s < _DAY_S:
            problem = f"{site} pulls at some hours of the day only, and would count as failed before they come"
            raise refusal(problem, "24h where a link has hours", "write 24h, or leave hours out", ("away", "deadline"))
