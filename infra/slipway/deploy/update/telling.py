"""Say where a rollout is, in one line for people: while it is judged, and of one that another run began."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from slipway.deploy.update.state import Rollout, State
from slipway.plan.rollout import RolloutPlan
from slipway.values import names
from slipway.values.aliases import Json


def line(rollout: Rollout, now_s: float) -> str:
    """Where a rollout is, in one line for people. `now_s`: seconds since 1970, to say how long the hold still takes."""
    plan, state = rollout.plan, rollout.state
    if plan is None:
        return f"what ConfigMap {names.rollout(rollout.model)} says cannot be read"
    if state is None:
        return "waiting for the judge"
    if state.phase == "passed":
        again = f"slipway up {plan.environment} {plan.model}"
        return f"{plan.new.version} passed and has all calls; {again} makes it the stable one"
    if state.phase == "failed":
        at = f"at step {state.step + 1} of {len(plan.steps)}, {_share(plan, state.step)}"
        return f"{plan.new.version} failed {at}: {state.reason}"
    if state.phase == "warming":
        return f"{plan.new.version} warms up" + (f": {state.reason}" if state.reason else "")
    return f"step {state.step + 1} of {len(plan.steps)}, {_share(plan, state.step)}: " + "; ".join(
        (", ".join(_counted(plan, state.evidence)) or "nothing was counted yet", *_waits(plan, state, now_s))
    )


def to_json(rollout: Rollout | None) -> Json | None:
    """A rollout for `slipway status --json`; None where there is none."""
    if rollout is None:
        return None
    plan, state = rollout.plan, rollout.state
    return {
        "from": plan.old.version if plan is not None else None,
        "to": plan.new.version if plan is not None else None,
        "started": plan.started if plan is not None else None,
        "steps": [share * 100 for share in plan.steps] if plan is not None else [],
        "phase": state.phase if state is not None else None,
        "step": state.step if state is not None else None,
        "percent": state.percent if state is not None else None,
        "reason": state.reason if state is not None else None,
    }


def _share(plan: RolloutPlan, step: int) -> str:
    """A step as people write it; the first one is calls replayed to both, of which no client gets an answer."""
    share = plan.steps[min(step, len(plan.steps) - 1)]
    return f"{share * 100:g} %" if share else f"{plan.shadow * 100:g} % of the calls replayed"


def _counted(plan: RolloutPlan, evidence: Mapping[str, Any]) -> Iterator[str]:
    """What a step's evidence has, as far as it can be read."""
    number = {name: value for name, value in evidence.items() if type(value) in (int, float)}
    if "new_requests" in number:
        few = number["new_requests"] < plan.judge.least_requests
        yield f"{number['new_requests']:.0f}{f' of {plan.judge.least_requests}' if few else ''} answers"
    if "new_errors" in number:
        old = f" (old {number['old_errors']:.0f})" if "old_errors" in number else ""
        yield f"{number['new_errors']:.0f} errors{old}"
    if "new_p95_ms" in number:
        old = f" (old {number['old_p95_ms']:.0f})" if "old_p95_ms" in number else ""
        yield f"p95 {number['new_p95_ms']:.0f} ms{old}"
    if "disagreements" in number and number.get("compared"):
        yield f"{number['disagreements']:.0f} of {number['compared']:.0f} disagree"


def _waits(plan: RolloutPlan, state: State, now_s: float) -> Iterator[str]:
    """What keeps a step from its end: its hold, else the first of what the judge says is missing."""
    try:
        left_s = plan.hold_s - (now_s - datetime.fromisoformat(state.since).timestamp())
    except ValueError:
        left_s = 0.0
    if left_s >= 1:
        yield f"{left_s:.0f} s left of its hold"
    elif state.reason:
        yield state.reason.partition("; ")[0]
