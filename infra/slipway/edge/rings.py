"""Decide which devices of a fleet have a new version: pure functions of what they answered and of the time.

A rollout goes through rings, each with all devices of those before it. Enough good devices for long enough open the
next; too many that failed stop it, and then no device is to have the new version.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from slipway.values.percentages import format_percentage

if TYPE_CHECKING:
    from slipway.settings.edge import EdgeSettings

Answer = Literal["good", "failed"]
"""What a device last said of the new version. One that says neither has not answered."""
Phase = Literal["rolling", "paused", "waiting", "stopped", "done"]


@dataclass(frozen=True, slots=True)
class Rules:
    """How a rollout goes over so many devices.

    Attributes:
        names: of the rings.
        sizes: devices that have the new version when each is open; rising, the last one is all.
        good: share of the open rings that opens the next.
        hold_s: how long that share has to last.
        failed: share of those that answered from which on the rollout stops.
        of_at_least: how many have to have answered before that counts, or all of the open rings.
        deadline_s: how long after its ring was opened a device that has not answered counts as failed.
        approvals: rings that somebody has to approve before they open.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    good: float
    hold_s: float
    failed: float
    of_at_least: int
    deadline_s: float
    approvals: frozenset[str] = frozenset()


def rules_of(settings: "EdgeSettings", devices: int) -> Rules:
    """The rules of a fleet for a model that is on so many devices."""
    return Rules(
        names=tuple(ring.name for ring in settings.rings),
        sizes=tuple(settings.sizes(devices)),
        good=settings.success.good,
        hold_s=settings.success.hold,
        failed=settings.stop.failed,
        of_at_least=settings.stop.of_at_least,
        deadline_s=settings.away.deadline,
        approvals=frozenset(ring.name for ring in settings.rings if ring.approval),
    )


@dataclass(frozen=True, slots=True)
class Rollout:
    """How far a rollout is.

    Attributes:
        devices: all that are to have the version, in the order in which they get it.
        ring: the last ring that is open, counted from 0.
        opened: when each open ring was opened, in seconds since the epoch.
        held_since: since when enough devices are good; None while they are not.
        phase: `paused` opens no ring, and still stops when too many fail; `waiting` is the same, for an approval.
        reason: why it is where it is, for people.
        approved: rings that somebody approved.
    """

    devices: tuple[str, ...]
    ring: int
    opened: tuple[float, ...]
    held_since: float | None = None
    phase: Phase = "rolling"
    reason: str = ""
    approved: tuple[str, ...] = ()


def started(devices: tuple[str, ...], rules: Rules, now: float) -> Rollout:
    """A rollout whose first ring is open: it is never waited for, since whoever starts it approves of that."""
    if not devices:
        return Rollout(devices, 0, (now,), phase="done", reason="there are no devices")
    return Rollout(devices, 0, (now,), reason=f"ring {rules.names[0]} is open")


def having(rollout: Rollout, rules: Rules) -> tuple[str, ...]:
    """The devices that are to have the new version now; all others keep what they have, or get it back."""
    return () if rollout.phase == "stopped" else rollout.devices[: _size(rules, rollout.ring)]


def _size(rules: Rules, ring: int) -> int:
    return rules.sizes[ring]


def overdue(rollout: Rollout, rules: Rules, answers: Mapping[str, Answer], now: float) -> tuple[str, ...]:
    """The devices of open rings that have not answered within their deadline."""
    found: list[str] = []
    first = 0
    for ring, opened in enumerate(rollout.opened):
        last = _size(rules, ring)
        if now - opened >= rules.deadline_s:
            found += (name for name in rollout.devices[first:last] if name not in answers)
        first = max(first, last)
    return tuple(found)


def step(rollout: Rollout, rules: Rules, answers: Mapping[str, Answer], now: float) -> Rollout:
    """The rollout after one look at its devices: as it was, with one more ring open, done or stopped.

    Args:
        rollout: as it is.
        rules: of its fleet.
        answers: what devices last said of this version; those of rings that are not open do not count.
        now: seconds since the epoch, by the clock of the control side.
    """
    if rollout.phase in ("stopped", "done"):
        return rollout
    opened = having(rollout, rules)
    late = overdue(rollout, rules, answers, now)
    good = sum(answers.get(name) == "good" for name in opened)
    bad = sum(answers.get(name) == "failed" for name in opened) + len(late)
    answered, name = good + bad, rules.names[rollout.ring]
    counts = answered >= rules.of_at_least or answered == len(opened)
    if bad and counts and bad >= _part(rules.failed, answered):
        return _stopped(rollout, f"{bad} of {answered} devices failed{_away(late)} in ring {name}")
    if good < _part(rules.good, len(opened)):
        if answered == len(opened):
            share = format_percentage(rules.good)
            return _stopped(rollout, f"{good} of {len(opened)} devices are good in ring {name}, {share} are needed")
        waiting = f"ring {name}: {good} of {len(opened)} good, {len(opened) - answered} not answered yet"
        phase: Phase = "rolling" if rollout.phase == "waiting" else rollout.phase
        return replace(rollout, held_since=None, phase=phase, reason=waiting)
    since = now if rollout.held_since is None else rollout.held_since
    if now - since < rules.hold_s or rollout.phase == "paused":
        return replace(rollout, held_since=since, reason=f"ring {name}: {good} of {len(opened)} good, held")
    return _next(rollout, rules, now)


def _next(rollout: Rollout, rules: Rules, now: float) -> Rollout:
    """The next ring that has devices of its own is open, or waited for; the rollout is done where there is none."""
    ring = following(rollout, rules)
    if ring is None:
        return replace(rollout, phase="done", reason=f"all {_size(rules, rollout.ring)} devices may have it")
    # Also of rings between that have no device of their own in a small fleet: else the next would open unapproved.
    between = rules.names[rollout.ring + 1 : ring + 1]
    waiting = [name for name in between if name in rules.approvals and name not in rollout.approved]
    if waiting:
        return replace(rollout, phase="waiting", reason=f"ring {waiting[0]} waits for approval")
    opened = (*rollout.opened, *(now for _ in range(rollout.ring, ring)))
    opens = replace(rollout, ring=ring, opened=opened, held_since=None, phase="rolling")
    return replace(opens, reason=f"ring {rules.names[ring]} is open")


def following(rollout: Rollout, rules: Rules) -> int | None:
    """The next ring that has devices of its own, counted from 0; None where the last one is open."""
    here = _size(rules, rollout.ring)
    return next((ring for ring in range(rollout.ring + 1, len(rules.sizes)) if _size(rules, ring) > here), None)


def approved(rollout: Rollout, ring: str) -> Rollout:
    """The same rollout with a ring that may open once those before it are good for long enough."""
    phase: Phase = "rolling" if rollout.phase == "waiting" else rollout.phase
    return replace(rollout, phase=phase, approved=(*rollout.approved, ring), reason=f"ring {ring} is approved")


def paused(rollout: Rollout) -> Rollout:
    """The same rollout, which opens no further ring; one that has ended stays as it is."""
    return replace(rollout, phase="paused", reason="paused") if rollout.phase in ("rolling", "waiting") else rollout


def resumed(rollout: Rollout) -> Rollout:
    """The same rollout, which goes on; what was held is held anew. One that is not paused stays as it is."""
    if rollout.phase != "paused":
        return rollout
    return replace(rollout, phase="rolling", held_since=None, reason="resumed")


def _stopped(rollout: Rollout, reason: str) -> Rollout:
    return replace(rollout, phase="stopped", held_since=None, reason=reason)


def _away(late: tuple[str, ...]) -> str:
    return f" ({len(late)} by their deadline)" if late else ""


def _part(share: float, of: int) -> int:
    """The least number that is such a share of so many; shares have three digits after the point of a percentage."""
    return math.ceil(round(share * 100_000) * of / 100_000)
