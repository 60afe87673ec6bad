"""Judge the evidence of one step: which measures it has, how each does, and what follows for the step."""

from dataclasses import dataclass

from slipway_judge.judging.verdict import Verdict, verdict
from slipway_judge.values.evidence import Calls, Evidence
from slipway_judge.values.plan import Rules

SLOW_SHARE = 0.05
"""Of the answers may be slower than the limit: it is the 95th percentile that is judged."""
_SLOWER = 1.1
# Envoy's finest buckets and the jitter of a replay are of this size: less says nothing about a release.
_SLOWER_MS = 5.0


@dataclass(frozen=True)
class Measure:
    """One measure of a step.

    Attributes:
        name: for example `errors of replayed calls`.
        said: what was seen and what is allowed, as a sentence says it.
    """

    name: str
    verdict: Verdict
    said: str


def slow_limit_ms(rules: Rules, old_p95_ms: float | None) -> float | None:
    """Return from when on an answer of the new release is slow, milliseconds; None while nothing says so."""
    if old_p95_ms is None:
        return None
    return max(rules.p95_ms or 0.0, _SLOWER * old_p95_ms, old_p95_ms + _SLOWER_MS)


def measures(rules: Rules, evidence: Evidence, *, traffic: bool) -> list[Measure]:
    """Return all measures that a step has; one without evidence is inconclusive.

    Args:
        rules: what is allowed.
        evidence: what was seen.
        traffic: the new release answers clients in this step.
    """
    found = []
    if rules.agreement is not None:
        found += _agreement(rules, rules.agreement, evidence)
    found += _calls(rules, "replayed calls", evidence.replayed, evidence.replayed)
    if traffic:
        if evidence.live is None:
            found.append(Measure("calls of clients", "inconclusive", evidence.missing))
        else:
            # At 100 % the old release has no calls of clients; the replayed ones say how it would do.
            baseline = evidence.live if evidence.live.old >= rules.least_requests else evidence.replayed
            found += _calls(rules, "calls of clients", evidence.live, baseline)
    return found


def outcome(found: list[Measure]) -> tuple[Verdict, str]:
    """Return what follows for the step, and why."""
    for wanted in ("failed", "inconclusive"):
        those = [f"{measure.name}: {measure.said}" for measure in found if measure.verdict == wanted]
        if those:
            return ("failed" if wanted == "failed" else "inconclusive"), "; ".join(those)
    return "passed", "every measure passed"


def _calls(rules: Rules, source: str, calls: Calls, baseline: Calls) -> list[Measure]:
    if not baseline.old:
        return [Measure(f"errors of {source}", "inconclusive", "the old release answered none to compare with")]
    allowed = min(1.0, baseline.old_errors / baseline.old + rules.errors)
    errors = Measure(
        f"errors of {source}",
        verdict(calls.new_errors, calls.new, allowed, rules.least_requests),
        f"{calls.new_errors} of {calls.new}, allowed {allowed:.2%}" + _least(calls.new, rules),
    )
    if calls.slow_limit_ms is None:
        slow = Measure(f"latency of {source}", "inconclusive", "the old release's is not known yet")
    else:
        slow = Measure(
            f"latency of {source}",
            verdict(calls.slow, calls.timed, SLOW_SHARE, rules.least_requests),
            f"{calls.slow} of {calls.timed} above {calls.slow_limit_ms:.0f} ms, allowed {SLOW_SHARE:.0%}"
            + _least(calls.timed, rules),
        )
    return [errors, slow]


def _agreement(rules: Rules, agreement: float, evidence: Evidence) -> list[Measure]:
    seen = evidence.agreement
    allowed = 1 - agreement
    found = []
    if verdict(seen.self_disagreed, seen.self_pairs, allowed, 1) == "failed":
        said = (
            f"it gave two answers to one call in {seen.self_disagreed} of {seen.self_pairs}, allowed {allowed:.2%}: "
            "leave out judge.agreement, or list in judge.outputs what is always the same"
        )
        found.append(Measure("the old release against itself", "failed", said))
    pairs = verdict(seen.disagreed, seen.pairs, allowed, rules.least_requests)
    said = f"{seen.disagreed} of {seen.pairs} pairs disagree, allowed {allowed:.2%}" + _least(seen.pairs, rules)
    if seen.self_disagreed:
        said += f" (the old release with itself: {seen.self_disagreed} of {seen.self_pairs})"
    if seen.not_comparable:
        said += f" ({seen.not_comparable} more cannot be compared)"
    found.append(Measure("agreement", pairs, said))
    return found


def _least(n: int, rules: Rules) -> str:
    return f", at least {rules.least_requests} needed" if n < rules.least_requests else ""
