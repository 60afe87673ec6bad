"""Contain what was read for a control, and what follows from it: a verdict is only as good as what was looked at."""

from dataclasses import dataclass
from typing import Any, Literal

Seen = Literal["live", "state", "plan", "settings", "trail"]
"""Where something was read: in the cluster; in the state of the environment's stack, which the engine wrote when it
last ran; in what would be applied; in the settings file; in the audit trail."""
Verdict = Literal["proven", "configured", "failed", "not configured", "not provable here"]
VERDICTS: tuple[Verdict, ...] = ("failed", "not configured", "not provable here", "configured", "proven")
"""In the order in which somebody should look at them."""
_LIVE: tuple[Seen, ...] = ("live", "trail")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was read.

    Attributes:
        seen: where.
        what: which object or file: `NetworkPolicy slipway/default-deny`.
        field: which field of it.
        says: what it says, for people; never a secret.
        holds: whether that is what the control asks for; False contradicts it.
    """

    seen: Seen
    what: str
    field: str
    says: str
    holds: bool = True

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"seen": self.seen, "what": self.what, "field": self.field, "says": self.says, "holds": self.holds}

    def line(self) -> str:
        """For people: `live: NetworkPolicy slipway/default-deny: spec.podSelector: all pods`."""
        return f"{self.seen}: {self.what}: {self.field}: {self.says}"


@dataclass(frozen=True, slots=True)
class Looked:
    """What was read for one control.

    Attributes:
        evidence: for and against it.
        gaps: why some of it cannot be said here, one sentence each. A gap takes `proven` away, and no more.
        absent: why nothing is configured, where a person chose so; None where something is, or has to be.
    """

    evidence: tuple[Evidence, ...] = ()
    gaps: tuple[str, ...] = ()
    absent: str | None = None

    def __add__(self, other: "Looked") -> "Looked":
        return Looked(self.evidence + other.evidence, self.gaps + other.gaps, self.absent or other.absent)

    @property
    def verdict(self) -> Verdict:
        """What follows: one contradiction fails it, and only what was seen live proves it."""
        if any(not one.holds for one in self.evidence):
            return "failed"
        if self.absent is not None:
            return "not configured"
        if not self.evidence:
            return "not provable here"
        live = any(one.seen in _LIVE for one in self.evidence)
        return "proven" if live and not self.gaps else "configured"

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not proven: contradictions first, then what nobody configured, then gaps; each once."""
        against = [one.line() for one in self.evidence if not one.holds]
        absent = [self.absent] if self.absent is not None else []
        return tuple(dict.fromkeys((*against, *absent, *self.gaps)))
