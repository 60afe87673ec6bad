"""Lay a rollout out as a picture: a band for each ring, from when it was opened on, filled by devices that are good."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from slipway.values.aliases import Json

WIDTH, HEIGHT, LEFT, TOP = 960, 28, 200, 8
_GAP = 8
_NAME_MOST = 24
"""Characters of a ring's name that have room beside its band."""
_MARKS_MOST = 60
"""Devices that failed are marked one by one, so many in a ring."""


@dataclass(frozen=True, slots=True)
class Band:
    """A ring.

    Attributes:
        name: its name.
        y: its upper edge, in the picture's units, as all that follows.
        x: its left edge: when it was opened.
        width: until now, or the end.
        fill: the polygon of the share of its devices that are good over time; empty where none is.
        failed: where to mark devices that failed: the place, and the title.
        text: how many are good, for people.
    """

    name: str
    y: int
    x: float
    width: float
    fill: str
    failed: tuple[tuple[float, str], ...]
    text: str


@dataclass(frozen=True, slots=True)
class Bands:
    """The picture of one rollout. `label`: all of it in words. `ticks`: place and text of times along the bottom."""

    title: str
    label: str
    height: int
    bands: tuple[Band, ...]
    ticks: tuple[tuple[float, str], ...]


def bands(rollout: Json) -> Bands:
    """Draw one rollout of `slipway.commands.inspecting.fleet_overview`; rings that never opened are empty bands."""
    began, until = _at(rollout["began"]), _at(rollout["until"])
    span = max(1.0, until - began)

    def place(at: float) -> float:
        return round(LEFT + (WIDTH - LEFT) * min(1.0, max(0.0, (at - began) / span)), 1)

    drawn = []
    words = []
    for index, ring in enumerate(rollout["rings"]):
        answers = [one for one in rollout["answers"] if one["ring"] == ring["name"]]
        y = TOP + index * (HEIGHT + _GAP)
        good = sorted(_at(one["at"]) for one in answers if one["state"] == "good")
        bad = [one for one in answers if one["state"] != "good"]
        count = ring["devices"]
        said = f"{len(good)} of {count} good" + (f", {len(bad)} failed" if bad else "")
        text = said if ring["opened"] is not None else f"not opened, {count} devices"
        words.append(f"ring {ring['name']}: {text}")
        x = place(until if ring["opened"] is None else _at(ring["opened"]))
        fill = "" if ring["opened"] is None else _steps([place(at) for at in good], count, x, y)
        failed = tuple((place(_at(one["at"])), f"{one['device']} {one['state']}: {one['reason']}") for one in bad)
        name = ring["name"] if len(ring["name"]) <= _NAME_MOST else f"{ring['name'][:_NAME_MOST]}…"
        drawn.append(Band(name, y, x, WIDTH - x, fill, failed[:_MARKS_MOST], text))
    title = f"{rollout['model']} {rollout['version']}, release {rollout['release']}: {rollout['phase']}"
    label = f"{title}; {'; '.join(words)}"
    height = TOP + len(drawn) * (HEIGHT + _GAP) + 20
    ticks = ((float(LEFT), _clock(rollout["began"])), (float(WIDTH), _clock(rollout["until"])))
    return Bands(title, label, height, tuple(drawn), ticks)


def _steps(good: Sequence[float], count: int, x: float, y: int) -> str:
    """The polygon below the share of devices that are good, which rises by steps; empty where none is."""
    if not good:
        return ""
    bottom = y + HEIGHT
    points = [(good[0], float(bottom))]
    for number, at in enumerate(good, 1):
        before = points[-1][1]
        points += [(max(x, at), before), (max(x, at), round(bottom - HEIGHT * min(1.0, number / count), 1))]
    points += [(float(WIDTH), points[-1][1]), (float(WIDTH), float(bottom))]
    return " ".join(f"{px:g},{py:g}" for px, py in points)


def _at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _clock(text: str) -> str:
    return text.replace("T", " ")[:16]
