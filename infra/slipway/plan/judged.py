"""Say what a judged rollout of a model does: its steps, how long they take, what it is judged by, what it costs."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from slipway.capacity.placement import Rollout
from slipway.spec.judged import JudgeRules
from slipway.spec.rollout import RolloutRules
from slipway.values.percentages import format_percentage


@dataclass(frozen=True, slots=True)
class JudgedRollout:
    """A rollout that runs a new release beside the old one.

    Attributes:
        rules: what the spec says of it.
        candidate: replicas of the new release for which there is capacity beside the old ones.
        surge: more replicas while it takes the place of the old one at the end.
        hourly_usd: US dollars an hour for `candidate`, on demand; None where nothing is charged by the hour.
    """

    rules: RolloutRules
    candidate: int
    surge: int
    hourly_usd: Decimal | None

    @classmethod
    def of(cls, rules: RolloutRules, how: Rollout, hourly_usd: Decimal | None) -> "JudgedRollout | None":
        """That of a model whose spec has `rules`; None for one that is not judged."""
        return cls(rules, how.candidate, how.max_surge, hourly_usd) if rules.judged else None

    @property
    def steps(self) -> tuple[float, ...]:
        """Shares of the calls that the new release gets, from 0 to 1: none first, when calls are only replayed."""
        return (0.0, *self.rules.shares)

    @property
    def least_s(self) -> float:
        """Seconds that all steps take at least. Starting, warming up and updating pods comes on top."""
        return self.rules.hold * len(self.steps)

    @property
    def most_s(self) -> float:
        """Seconds after which the last step has passed or failed."""
        return self.rules.deadline * len(self.steps)

    def lines(self) -> Iterator[str]:
        """The same for people."""
        rules = self.rules
        steps = ", ".join(format_percentage(share) for share in rules.shares)
        shadow, each = format_percentage(rules.shadow), f"{_time(rules.hold)} to {_time(rules.deadline)}"
        yield (
            f"{rules.strategy}: {shadow} of the calls replayed to both releases, then {steps} of the calls to the new "
            f"one; {len(self.steps)} steps of {each}: {_time(self.least_s)} to {_time(self.most_s)} in all"
        )
        yield f"judged by {'; '.join(_measures(rules.judge))}"
        told = list(_callers(rules))
        if told:
            yield "; ".join(told)
        pods = "1 replica" if self.candidate == 1 else f"{self.candidate} replicas"
        surge = f", and for {self.surge} more at its end" if self.surge else ""
        yield f"meanwhile there is capacity for {pods} of the new release beside the old ones{self._cost()}{surge}"

    def _cost(self) -> str:
        return "" if self.hourly_usd is None else f" (${self.hourly_usd:,.4f} an hour)"

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        rules = self.rules
        return {
            "strategy": rules.strategy,
            "steps": list(self.steps),
            "holdSeconds": rules.hold,
            "deadlineSeconds": rules.deadline,
            "leastSeconds": self.least_s,
            "mostSeconds": self.most_s,
            "shadow": rules.shadow,
            "judge": _limits(rules.judge),
            "candidateReplicas": self.candidate,
            "usdPerHour": None if self.hourly_usd is None else float(round(self.hourly_usd, 4)),
        }


def _limits(judge: JudgeRules) -> dict[str, Any]:
    """Every limit, those that the spec leaves out too; shares as numbers."""
    return {
        "errors": judge.errors,
        "p95Ms": judge.p95_ms,
        "agreement": judge.agreement,
        "tolerance": judge.tolerance if judge.agreement is not None else None,
        "outputs": list(judge.outputs) if judge.outputs is not None else None,
        "leastRequests": judge.least_requests,
    }


def _measures(judge: JudgeRules) -> Iterator[str]:
    yield f"errors: at most {format_percentage(judge.errors)} of the calls more than with the old release"
    least = "" if judge.p95_ms is None else f"{judge.p95_ms:g} ms or "
    yield f"p95: at most {least}1.1 times the old one's"
    if judge.agreement is not None:
        what = "all outputs" if judge.outputs is None else ", ".join(judge.outputs)
        yield f"agreement: at least {judge.agreement:g} of the answers ({what}; tolerance {judge.tolerance:g})"
    yield f"{judge.least_requests:,} calls at least"


def _callers(rules: RolloutRules) -> Iterator[str]:
    """Who gets which release for another reason than chance."""
    if rules.header is not None:
        yield f"calls with {rules.header.name}: {rules.header.value} get the new release"
    if rules.sticky is not None:
        by = "its key" if rules.sticky.name is None else f"its header {rules.sticky.name}"
        yield f"a caller stays with one release, by {by}"


def _time(seconds: float) -> str:
    """`90` gives `1m30s`, `7200` gives `2h`."""
    whole = round(seconds)
    parts = ((whole // 3600, "h"), (whole % 3600 // 60, "m"), (whole % 60, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count)
