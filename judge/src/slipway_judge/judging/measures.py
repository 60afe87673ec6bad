"""Judge the evidence of one step: which measures it has, how each does, and what follows for the step."""

import math
from dataclasses import dataclass

from slipway_judge.judging.verdict import Verdict, verdict
from slipway_judge.values.evidence import Calls, Evidence
from slipway_judge.values.plan import Rules

SLOW_SHARE = 0.05
"""Of the answers may be slower than the limit: it is the 95th percentile that is judged."""
SLOW_MARGIN = 0.025
"""So much more than the old release's own share beyond the same limit is allowed.

Where times are spread widely, as on a busy node, nearly 5 % of an equal release lie beyond 1.1 times the percentile,
and it would take more than 10,000 calls to tell that from 5 %.
"""
LEAST_TIMED = 100
"""No latency fails by a percentile of the old release out of fewer calls, however slow the new one looks beside it."""
_SLOWER = 1.1
# Envoy's finest buckets and the jitter of a replay are of this size: less says nothing about a release.
_SLOWER_MS = 5.0


@dataclass(frozen=True)
class Measure:
    """One measure of a step.

    Attributes:
        name: for example `errors of replayed calls`.
        said: what was seen and what is allowed, as a sentence says it.
        lacks: only calls are missing so far: how many there are, of how many that are needed.
    """

    name: str
    verdict: Verdict
    said: str
    lacks: tuple[int, int] | None = None


def highest_share(n: int) -> float | None:
    """Return which share of so many times lies below their true 95th percentile at most, within two deviations.

    None: they are too few to say.
    """
    if n < LEAST_TIMED:
        return None
    return min(1.0, 1 - SLOW_SHARE + 2 * math.sqrt(SLOW_SHARE * (1 - SLOW_SHARE) / n))


def slow_limit_ms(rules: Rules, old_p95_ms: float | None) -> float | None:
    """Return from when on an answer of the new release is slow, milliseconds; None while nothing says so."""
    if old_p95_ms is None:
        return None
    return max(rules.p95_ms or 0.0, _SLOWER * old_p95_ms, old_p95_ms + _SLOWER_MS)


def slow_allowed(old_slow: float, old_timed: float) -> float:
    """Return which share of the new release's answers may be slow, by how many of the old release's are."""
    return max(SLOW_SHARE, old_slow / old_timed + SLOW_MARGIN) if old_timed else SLOW_SHARE


def measures(rules: Rules, evidence: Evidence, *, traffic: bool, alone: bool = False) -> list[Measure]:
    """Return all measures that a step has; one without evidence is inconclusive.

    Once the new release answers clients, its latency is held to account by their calls alone: to the same replayed call
    pods that carry more of them answer later than pods that idle, and at 100 % the old ones do.

    Args:
        rules: what is allowed.
        evidence: what was seen.
        traffic: the new release answers clients in this step.
        alone: it answers all of them.
    """
    found = []
    if rules.agreement is not None:
        found += _agreement(rules, rules.agreement, evidence)
    replayed = evidence.replayed
    if replayed.old:
        errors, latency = _calls(rules, "replayed calls", replayed, replayed.old_share)
        found += [errors] if traffic else [errors, latency]
    else:
        found.append(Measure("replayed calls", "inconclusive", "none came", (0, rules.least_requests)))
    if traffic:
        if evidence.live is None:
            found.append(Measure("calls of clients", "inconclusive", evidence.missing))
        else:
            errors, latency = _calls(
                rules, "calls of clients", evidence.live, _old_share(rules, evidence, evidence.live)
            )
            # Without callers of the old release nothing in the same time says how late is too late.
            found += [errors] if alone and rules.p95_ms is None else [errors, latency]
    return found


def outcome(found: list[Measure]) -> tuple[Verdict, str]:
    """Return what follows for the step, and why."""
    failed = [f"{measure.name}: {measure.said}" for measure in found if measure.verdict == "failed"]
    if failed:
        return "failed", "; ".join(failed)
    waiting = [measure for measure in found if measure.verdict == "inconclusive"]
    if not waiting:
        return "passed", "every measure passed"
    # One reason is enough while a step goes on: what more calls alone will not change, else what lacks most of them.
    unclear = [measure for measure in waiting if measure.lacks is None]
    if unclear:
        return "inconclusive", f"{unclear[0].name}: {unclear[0].said}"
    (n, least), name = min((measure.lacks, measure.name) for measure in waiting if measure.lacks is not None)
    return "inconclusive", f"{n} of the {least} needed for {name}"


def _old_share(rules: Rules, evidence: Evidence, live: Calls) -> float:
    """Return the old release's share of errors that clients would get of it.

    At 100 % it has next to no calls of clients. What it did under them before counts then, and what it does now with
    replayed ones: both may be better than what it would do under all calls.
    """
    if live.old >= rules.least_requests:
        return live.old_share
    return max(evidence.replayed.old_share, evidence.before.old_share if evidence.before else 0.0)


def _calls(rules: Rules, source: str, calls: Calls, old_share: float) -> tuple[Measure, Measure]:
    allowed = min(1.0, old_share + rules.errors)
    errors = Measure(
        f"errors of {source}",
        verdict(calls.new_errors, calls.new, allowed, rules.least_requests),
        f"{calls.new_errors} of {calls.new}, allowed {allowed:.2%}",
        _lacks(calls.new, rules),
    )
    return errors, _latency(rules, f"latency of {source}", calls)


def _latency(rules: Rules, name: str, calls: Calls) -> Measure:
    if calls.slow_limit_ms is None:
        return Measure(name, "inconclusive", "the old release's under calls of clients is not known")
    judged = of_latency(rules, calls)
    slow, limit_ms = calls.slow, calls.slow_limit_ms
    if judged == "failed" and calls.surely_slow_limit_ms is not None:
        slow, limit_ms = calls.surely_slow, calls.surely_slow_limit_ms
    said = f"{slow} of {calls.timed} above {limit_ms:.0f} ms, allowed {calls.slow_allowed:.1%}"
    return Measure(name, judged, said, _lacks(calls.timed, rules))


def of_latency(rules: Rules, calls: Calls) -> Verdict:
    """Return how the latency of calls does.

    It fails by what is surely slow and passes by what may be: the old release's percentile is itself out of few calls.
    """
    sure = calls.surely_slow_limit_ms is not None
    if sure and verdict(calls.surely_slow, calls.timed, calls.slow_allowed, rules.least_requests) == "failed":
        return "failed"
    judged = verdict(calls.slow, calls.timed, calls.slow_allowed, rules.least_requests)
    return "passed" if judged == "passed" else "inconclusive"


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
    said = f"{seen.disagreed} of {seen.pairs} pairs disagree, allowed {allowed:.2%}"
    if seen.self_disagreed:
        said += f" (the old release with itself: {seen.self_disagreed} of {seen.self_pairs})"
    if seen.not_comparable:
        said += f" ({seen.not_comparable} more cannot be compared)"
    lacks = None if seen.not_comparable else _lacks(seen.pairs, rules)
    found.append(Measure("agreement", pairs, said, lacks))
    return found


def _lacks(n: int, rules: Rules) -> tuple[int, int] | None:
    return (n, rules.least_requests) if n < rules.least_requests else None
