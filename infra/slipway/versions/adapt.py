"""Decide whether something is done about a model of which alerts fire: a pure function of what was seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from slipway.monitoring.drift import ALERT as DRIFT
from slipway.monitoring.quality import ALERT as QUALITY
from slipway.spec.adapt import Adapt, Cause
from slipway.values.windows import format_window

ALERT_OF: dict[Cause, str] = {"drift": DRIFT, "quality": QUALITY}


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert that fires about a version; `about`: the feature that drifted, or empty."""

    alert: str
    version: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a model.

    Attributes:
        firing: the alerts about it.
        version: the live one; None where none serves.
        judged: whether a rollout of it is under way.
        last: when something was done about it by its `adapt`; None: not within the cool-down.
        now: by the clock of this machine.
    """

    firing: tuple[Firing, ...]
    version: str | None
    judged: bool
    last: datetime | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to act, and in one sentence why, or why not."""

    act: bool
    why: str


def decide(adapt: Adapt, seen: Seen) -> Decision:
    """Act only on alerts about the version that serves, beside no rollout, and not again within the cool-down."""
    counts = [one for one in seen.firing if one.alert in {ALERT_OF[cause] for cause in adapt.when}]
    if not counts:
        return Decision(False, f"no alert of {' or '.join(adapt.when)} fires")
    if seen.version is None:
        return Decision(False, "no release of it serves")
    here = [one for one in counts if one.version == seen.version]
    if not here:
        others = ", ".join(sorted({one.version for one in counts}))
        return Decision(False, f"{_named(counts)} is about {others}, and {seen.version} serves")
    if seen.judged:
        return Decision(False, "a rollout of it is under way, which judges for itself")
    if seen.last is not None and seen.now < (until := seen.last + timedelta(seconds=adapt.cooldown)):
        did = f"something was done at {seen.last:%Y-%m-%d %H:%M} UTC"
        return Decision(False, f"{did}; cool-down of {format_window(adapt.cooldown)} until {until:%Y-%m-%d %H:%M} UTC")
    return Decision(True, f"{_named(here)} fires about {seen.version}")


def _named(firing: Sequence[Firing]) -> str:
    about = sorted({one.about for one in firing if one.about})
    alerts = " and ".join(sorted({one.alert for one in firing}))
    return f"{alerts} ({', '.join(about)})" if about else alerts
