"""The state of a rollout, which the judge alone writes and `slipway up` shows."""

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

Phase = Literal["warming", "judging", "passed", "failed"]
ENDED: tuple[Phase, Phase] = ("passed", "failed")
SERIES_LIMIT = 240
EXAMPLES_LIMIT = 3


class Past(BaseModel):
    """A step that is over: its share of the calls, how it ended, how long it took, and what was seen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    percent: float
    verdict: Literal["passed", "failed"]
    seconds: float
    evidence: dict[str, Any]


class State(BaseModel):
    """Where a rollout stands.

    Attributes:
        step: index into the plan's steps.
        percent: share of the calls that the new release is to get now, 0..100.
        since: when this step began; a restart of the judge does not change it.
        updated: when this was written.
        reason: what is waited for, or why it ended.
        series: a point is [seconds since 1970, percent, share of new's errors, of old's, new's p95 in ms, old's,
            pairs that disagree, pairs].
        disagreements: examples, without bodies or values: each the output's name and the largest difference.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    phase: Phase
    step: int
    percent: float
    since: datetime
    updated: datetime
    reason: str
    evidence: dict[str, Any] = {}
    steps: tuple[Past, ...] = ()
    series: tuple[tuple[float | None, ...], ...] = ()
    disagreements: tuple[dict[str, Any], ...] = ()

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.phase in ENDED

    def to_json(self) -> str:
        """Return it as it is kept."""
        return self.model_dump_json()


def begun(rollout: str, now: float) -> State:
    """Return the state in which a rollout begins; `now` in seconds since 1970."""
    moment = at(now)
    return State(
        id=rollout, phase="warming", step=0, percent=0.0, since=moment, updated=moment, reason="the rollout begins"
    )


def read_state(text: str | None, rollout: str) -> State | None:
    """Return the state in a text of JSON, or None if it is not one of this rollout."""
    if not text:
        return None
    try:
        state = State.model_validate_json(text)
    except ValidationError:
        return None
    return state if state.id == rollout else None


def at(seconds: float) -> datetime:
    """Return seconds since 1970 as a moment."""
    return datetime.fromtimestamp(seconds, UTC)
