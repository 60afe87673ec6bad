"""Decide by a report whether what the steps made may serve. Pure: the same report gives the same answer."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from slipway.errors.base import Place, UserError, UserErrors
from slipway.gate.report import SHARES, Report, Variant, rounded
from slipway.spec.artifact.accept import Accept

_EXACT = 9
"""Decimals; beyond them a difference is the arithmetic's: 0.976 - 0.966 is more than 0.01 in floats."""


@dataclass(frozen=True)
class Refusal:
    """One reason not to serve.

    Attributes:
        stage: the step from which on it holds; `source` for the model as it was, `dataset` for too few rows.
        rule: the field of `accept` that decides.
        problem: the number that was measured, beside what it is held against.
        allowed: what would pass.
        todo: what can be done about it.
    """

    stage: str
    rule: str
    problem: str
    allowed: str
    todo: str


Rule = Callable[[Variant], Refusal | None]


def judge(report: Report, accept: Accept) -> tuple[Refusal, ...]:
    """The reasons why the last variant may not serve; none if it may.

    What serves is judged, not what lay between: a step may lose what a later one brings back. A refusal names the step
    from which on the rule is broken without end.
    """
    few = tuple(_too_few_rows(report, accept))
    if few:
        return few
    return tuple(found for rule in _rules(report, accept) if (found := _first_of_the_last(report, rule)) is not None)


def error(refusals: Sequence[Refusal], place: Place) -> UserError:
    """The refusals as one error about `accept` in a spec."""
    return UserErrors(
        [UserError(place, each.rule, f"{each.stage}: {each.problem}", each.allowed, each.todo) for each in refusals]
    )


def _rules(report: Report, accept: Accept) -> Iterator[Rule]:
    if accept.metric is not None:
        yield partial(_broken, report)
    if accept.min is not None or accept.max is not None:
        yield partial(_bound, report, accept)
    if accept.max_drop is not None:
        yield partial(_drop, report, accept, accept.max_drop, None)
    for disturbance in report.original.robustness if accept.robustness else ():
        yield partial(_drop, report, accept, accept.robustness.max_drop, disturbance)  # type: ignore[union-attr]
    if accept.agreement is not None:
        yield partial(_agreement, report, accept.agreement)


def _first_of_the_last(report: Report, rule: Rule) -> Refusal | None:
    """The refusal of the step that brought about what the last variant is refused for."""
    found = None
    for variant in reversed(report.variants):
        refusal = rule(variant)
        if refusal is None:
            break
        found = refusal
    return found


def _broken(report: Report, variant: Variant) -> Refusal | None:
    if not variant.broken_rows:
        return None
    problem = f"answers NaN or infinity in {variant.broken_rows} of {report.rows} rows"
    return _refusal(report, variant, "accept.metric", problem, "finite numbers in every answer")


def _bound(report: Report, accept: Accept, variant: Variant) -> Refusal | None:
    if variant.metric is None:
        return None  # `_broken` says so
    value = report.rounded(variant.metric)
    if accept.min is not None and value < accept.min:
        return _refusal(report, variant, "accept.min", f"{accept.metric} is {value:g}", f"at least {accept.min:g}")
    if accept.max is not None and value > accept.max:
        return _refusal(report, variant, "accept.max", f"{accept.metric} is {value:g}", f"at most {accept.max:g}")
    return None


def _drop(report: Report, accept: Accept, most: float, disturbance: str | None, variant: Variant) -> Refusal | None:
    before, after = (_metric(each, disturbance) for each in (report.original, variant))
    if variant is report.original or before is None:
        return None
    rule = "accept.robustness.max_drop" if disturbance else "accept.max_drop"
    under = f" under {disturbance}" if disturbance else ""
    if after is None:
        if not disturbance:
            return None  # `_broken` says so
        return _refusal(report, variant, rule, f"answers NaN or infinity{under}", "finite numbers in every answer")
    was, is_ = report.rounded(before), report.rounded(after)
    lost = round(was - is_ if accept.higher_is_better else is_ - was, _EXACT)
    if lost <= most:
        return None
    word = "falls" if accept.higher_is_better else "rises"
    problem = f"{accept.metric}{under} {word} from {was:g} to {is_:g}, by {lost:g}"
    return _refusal(report, variant, rule, problem, f"at most {most:g}")


def _agreement(report: Report, least: float, variant: Variant) -> Refusal | None:
    if variant.agreement is None or report.rows is None:
        return None
    share = rounded(variant.agreement, report.rows, share=True)
    if share >= least:
        return None
    count = round(variant.agreement * report.rows)
    problem = f"answers {count} of {report.rows} rows as the source does, {share:g}"
    return _refusal(report, variant, "accept.agreement", problem, f"at least {least:g}")


def _metric(variant: Variant, disturbance: str | None) -> float | None:
    return variant.robustness.get(disturbance) if disturbance else variant.metric


def _refusal(report: Report, variant: Variant, rule: str, problem: str, allowed: str) -> Refusal:
    field = rule.rpartition(".")[2]
    if variant is report.original:
        todo = f"train the model better, or change {rule} if the dataset asks for too much"
    elif field == "metric":
        todo = "drop that step, or quantize less (exclude the nodes that overflow)"
    else:
        change = "raise" if field in ("max", "max_drop") else "lower"
        todo = f"drop that step, give it another calibration, range, exclude or share, or {change} {rule}"
    return Refusal(variant.name, rule, problem, allowed, todo)


def _too_few_rows(report: Report, accept: Accept) -> Iterator[Refusal]:
    """What is asked for must be a whole row at least: 20 rows cannot show a drop of 0.01."""
    if report.rows is None:
        return
    drops = {"accept.max_drop": accept.max_drop} if accept.metric in SHARES else {}
    if accept.robustness is not None and accept.metric in SHARES:
        drops["accept.robustness.max_drop"] = accept.robustness.max_drop
    if accept.agreement is not None:
        drops["accept.agreement"] = round(1 - accept.agreement, _EXACT)
    step = 1 / report.rows
    for rule, drop in drops.items():
        if drop is None or drop == 0 or drop >= round(step, _EXACT):
            continue
        needed = -int(-1 // drop)
        agrees = rule == "accept.agreement"
        last = f"{1 - step:.6g}" if agrees else f"{step:.6g}"
        yield Refusal(
            "dataset",
            rule,
            f"asks for {drop:g}, and one of {report.rows} rows is {step:.6g} already",
            f"at most {last}, or 1: not one row differs" if agrees else f"at least {last}, or 0: not one row is worse",
            f"give a dataset of {needed} rows or more, or set {rule} to {last}",
        )
