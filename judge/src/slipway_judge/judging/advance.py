"""Advance a rollout by what was seen: hold, go a step up, pass or fail. Pure: the same in gives the same out."""

from dataclasses import asdict
from typing import Any

from slipway_judge.judging.measures import measures, outcome
from slipway_judge.values.evidence import Calls, Evidence
from slipway_judge.values.plan import Plan
from slipway_judge.values.state import Past, State, at


def share(plan: Plan, state: State) -> float:
    """Return the share of the calls that the new release must have, 0..1."""
    return 0.0 if state.phase == "failed" else plan.steps[state.step]


def with_callers(plan: Plan, state: State) -> Calls | None:
    """Return what clients got in the last step in which the old release had enough of them; None: there was none."""
    for past in reversed(state.steps):
        live = past.evidence.get("live")
        if live is not None and live["old"] >= plan.judge.least_requests:
            return Calls(**live)
    return None


def ended_by(state: State, reason: str, now: float) -> State:
    """Return the state after somebody ended the rollout, who is named in the reason."""
    return state if state.ended else _failed(state.model_copy(update={"updated": at(now)}), now, reason)


def advance(plan: Plan, state: State, evidence: Evidence | None, now: float) -> State:
    """Return what follows from the evidence.

    Args:
        plan: the rollout.
        state: where it stands; one that has ended stays.
        evidence: what was seen in this step; None during its warm-up, which includes that of a judge that has just
            started.
        now: seconds since 1970.
    """
    if state.ended:
        return state
    state = state.model_copy(update={"updated": at(now), "evidence": shown(evidence)})
    late = now - state.since.timestamp() > plan.deadline_s
    if evidence is None:
        reason = "warming up"
        return _failed(state, now, f"inconclusive: {reason}") if late else _go_on(state, "warming", reason)
    of_new = share(plan, state)
    judged, reason = outcome(measures(plan.judge, evidence, traffic=of_new > 0, alone=of_new == 1))
    if judged == "failed":
        return _failed(state, now, reason)
    if judged == "passed" and now - evidence.since >= plan.hold_s:
        return _passed(plan, state, now)
    if late and judged != "passed":
        return _failed(state, now, f"inconclusive for {plan.deadline_s:.0f} s: {reason}")
    return _go_on(state, "judging", f"held for {plan.hold_s:.0f} s" if judged == "passed" else reason)


def shown(evidence: Evidence | None) -> dict[str, Any]:
    """Return evidence as the state has it: in short, then in full; nothing of a warm-up."""
    if evidence is None:
        return {}
    calls = evidence.live if evidence.live is not None and evidence.live.new else evidence.replayed
    return {
        "new_requests": calls.new,
        "old_requests": calls.old,
        "new_errors": calls.new_errors,
        "old_errors": calls.old_errors,
        "new_p95_ms": calls.new_p95_ms,
        "old_p95_ms": calls.old_p95_ms,
        "compared": evidence.agreement.pairs,
        "disagreements": evidence.agreement.disagreed,
        "note": evidence.missing,
        "since": at(evidence.since).isoformat(),
        "replayed": asdict(evidence.replayed),
        "live": None if evidence.live is None else asdict(evidence.live),
        "agreement": asdict(evidence.agreement),
    }


def _go_on(state: State, phase: str, reason: str) -> State:
    return state.model_copy(update={"phase": phase, "reason": reason})


def _failed(state: State, now: float, reason: str) -> State:
    return state.model_copy(
        update={"phase": "failed", "percent": 0.0, "reason": reason, "steps": _closed(state, "failed", now)}
    )


def _passed(plan: Plan, state: State, now: float) -> State:
    steps = _closed(state, "passed", now)
    if state.step == len(plan.steps) - 1:
        return state.model_copy(update={"phase": "passed", "steps": steps, "reason": "every step passed"})
    percent = 100 * plan.steps[state.step + 1]
    return state.model_copy(
        update={
            "phase": "warming",
            "step": state.step + 1,
            "percent": percent,
            "since": at(now),
            "reason": f"{percent:g} % of the calls go to the new release",
            "evidence": {},
            "steps": steps,
        }
    )


def _closed(state: State, verdict: str, now: float) -> tuple[Past, ...]:
    past = Past.model_validate(
        {
            "percent": state.percent,
            "verdict": verdict,
            "seconds": round(now - state.since.timestamp(), 1),
            "evidence": state.evidence,
        }
    )
    return (*state.steps, past)
