"""Contains what a spec says about updates of a model."""

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic.config import JsonDict

from slipway.spec.judged import JudgeRules, Sticky, VariantHeader
from slipway.values.percentages import CallShare, format_percentage
from slipway.values.quantities import Seconds, format_seconds, refusal
from slipway.values.section import Section, empty, left_out

DRAIN_MOST_S = 600.0
HOLD_S = 120.0
HOLD_LEAST_S = 10.0
DEADLINE_S = 1800.0
SHADOW = 0.1
STEPS = (0.05, 0.25, 1.0)
STEPS_MOST = 10

Strategy = Literal["rolling", "recreate", "blue-green", "canary"]

_SINCE: JsonDict = {"since": "0.2"}
_STEPS_WRITTEN = f"[{', '.join(map(format_percentage, STEPS))}]"
_ONLY_JUDGED = ("hold", "deadline", "shadow", "sticky", "header", "judge")
"""What only a judge of a rollout reads."""


class RolloutRules(Section):
    """How an update may affect those who use the model."""

    downtime: Literal["refused", "allowed"] = Field(
        default="refused",
        description="Whether the only replica may stop before its successor serves, if both do not fit.",
        examples=["allowed"],
    )
    drain: Seconds = Field(
        default=10.0,
        description=(
            "A stopping replica goes on answering until no request has come to it for so long, at most 10m: longer "
            "than any node or load balancer takes to stop sending it requests."
        ),
        examples=["15s"],
        json_schema_extra={"default": format_seconds(10.0)},
    )
    strategy: Strategy = Field(
        default="rolling",
        description=(
            "How a new release takes the place of the old one: pod by pod; all pods stopped first; or beside it, with "
            "all calls at once or step by step, judged by what both answer."
        ),
        examples=["canary"],
        exclude_if=lambda value: value == "rolling",
        json_schema_extra=_SINCE,
    )
    steps: tuple[CallShare, ...] = Field(
        default=(),
        min_length=1,
        description=(
            f"Shares of the calls that the new release gets, one after the other, with `strategy: canary`; the last "
            f"is 100%. `{_STEPS_WRITTEN}` when left out."
        ),
        examples=[["5%", "25%", "100%"]],
        exclude_if=empty,
        json_schema_extra={"maxItems": STEPS_MOST, "default": [*map(format_percentage, STEPS)], **_SINCE},
    )
    hold: Seconds = Field(
        default=HOLD_S,
        description=f"Least time of each step, from {format_seconds(HOLD_LEAST_S)} on.",
        examples=["2m"],
        exclude_if=lambda value: value == HOLD_S,
        json_schema_extra={"default": "2m", **_SINCE},
    )
    deadline: Seconds = Field(
        default=DEADLINE_S,
        description="Most time of each step: one that has not passed by then has failed, too few calls or not.",
        examples=["30m"],
        exclude_if=lambda value: value == DEADLINE_S,
        json_schema_extra={"default": "30m", **_SINCE},
    )
    shadow: CallShare = Field(
        default=SHADOW,
        description=(
            "Share of the calls that is replayed to both releases meanwhile, so that the new one is seen before it has "
            "callers, and the answers of both can be compared."
        ),
        examples=["10%"],
        exclude_if=lambda value: value == SHADOW,
        json_schema_extra={"default": format_percentage(SHADOW), **_SINCE},
    )
    sticky: Sticky | None = Field(
        default=None,
        description="By what a caller stays with one of the two releases; each call is sent anew when left out.",
        examples=[{"by": "key"}],
        exclude_if=left_out,
        json_schema_extra=_SINCE,
    )
    header: VariantHeader | None = Field(
        default=None,
        description="Calls with this header get the new release, from the first step on in which it has callers.",
        examples=[{"name": "x-variant", "value": "next"}],
        exclude_if=left_out,
        json_schema_extra=_SINCE,
    )
    judge: JudgeRules = Field(
        default=JudgeRules(),
        description="What a new release may do worse than the old one.",
        examples=[{"errors": "1%", "p95_ms": 120}],
        exclude_if=lambda value: value == JudgeRules(),
        json_schema_extra=_SINCE,
    )

    @property
    def judged(self) -> bool:
        """Whether a new release runs beside the old one and is compared with it before it takes its place."""
        return self.strategy in ("canary", "blue-green")

    @property
    def shares(self) -> tuple[float, ...]:
        """Shares of the calls, from 0 to 1, that a new release gets one after the other; empty if it is not judged."""
        if self.strategy == "canary":
            return self.steps or STEPS
        return (1.0,) if self.strategy == "blue-green" else ()

    @model_validator(mode="after")
    def _a_drain_ends(self) -> Self:
        if self.drain > DRAIN_MOST_S:
            problem = f"{format_seconds(self.drain)} is longer than a node waits for a stopping pod"
            raise refusal(problem, "at most 10m", "write 10m or less", ("drain",))
        return self

    @model_validator(mode="after")
    def _recreating_stops_the_model(self) -> Self:
        if self.strategy == "recreate" and self.downtime != "allowed":
            problem = "recreate stops all replicas before the next ones start, and rollout.downtime is not allowed"
            todo = "add downtime: allowed, or write strategy: rolling"
            raise refusal(problem, "recreate beside downtime: allowed", todo, ("strategy",))
        return self

    @model_validator(mode="after")
    def _nothing_is_said_that_the_strategy_does_not_read(self) -> Self:
        if self.steps and self.strategy != "canary":
            problem = f"is given, though rollout.strategy is {self.strategy}, which has no steps"
            todo = "write strategy: canary, or remove steps"
            raise refusal(problem, "steps beside strategy: canary", todo, ("steps",))
        for field in _ONLY_JUDGED:
            if not self.judged and field in self.model_fields_set and getattr(self, field) is not None:
                problem = f"is given, though rollout.strategy is {self.strategy}, which compares no releases"
                allowed = f"{field} beside strategy: canary or blue-green"
                raise refusal(problem, allowed, f"write strategy: canary, or remove {field}", (field,))
        return self

    @model_validator(mode="after")
    def _steps_rise_to_all_calls(self) -> Self:
        allowed = f"at most {STEPS_MOST} rising shares, the last one 100%"
        if len(self.steps) > STEPS_MOST:
            raise refusal(f"has {len(self.steps)} steps", allowed, f"write for example {_STEPS_WRITTEN}", ("steps",))
        for index, (before, share) in enumerate(zip(self.steps, self.steps[1:], strict=False), start=1):
            if share <= before:
                problem = f"{format_percentage(share)} is not above the step before it, {format_percentage(before)}"
                raise refusal(problem, allowed, f"write for example {_STEPS_WRITTEN}", ("steps", index))
        if self.steps and self.steps[-1] != 1:
            problem = f"{format_percentage(self.steps[-1])} is the last step: the old release would never go"
            raise refusal(problem, allowed, "add 100% as the last step", ("steps", len(self.steps) - 1))
        return self

    @model_validator(mode="after")
    def _a_step_has_time(self) -> Self:
        if self.hold < HOLD_LEAST_S:
            problem = f"{format_seconds(self.hold)} is too short to see a release in"
            allowed = f"at least {format_seconds(HOLD_LEAST_S)}"
            raise refusal(problem, allowed, f"write {format_seconds(HOLD_LEAST_S)} or more", ("hold",))
        if self.judged and self.deadline <= self.hold:
            given = "deadline" in self.model_fields_set
            written = format_seconds(self.deadline) + ("" if given else ", when left out,")
            problem = f"{written} is not above rollout.hold, which is {format_seconds(self.hold)}"
            allowed = "more than rollout.hold, at most 24h"
            todo = "raise deadline or lower hold" if given else "add a deadline above hold, or lower hold"
            raise refusal(problem, allowed, todo, ("deadline",))
        return self
