"""Write the rules that add up what pods counted, hold it against both references, and alert.

The formulas are those of `slipway.gate.distances`, in PromQL; a test holds the one against the other.
"""

from collections.abc import Iterator
from typing import Any

from slipway.gate.distances import LEAST_ROWS
from slipway.monitoring.alert import alert, series_of
from slipway.monitoring.objectives import duration
from slipway.plan.model import ModelPlan
from slipway.spec.drift import Drift
from slipway.values import names
from slipway.values.windows import format_window

PAGE = "docs/how-to/drift.md"
ALERT = "SlipwayDrift"
ROWS, UP_TO = "slipway:drift_rows:increase", "slipway:drift_rows_up_to:increase"
FIRST_ROWS, FIRST_UP_TO = "slipway:drift_first_rows:increase", "slipway:drift_first_rows_up_to:increase"
SHARE, SHARE_UP_TO = "slipway:drift:share", "slipway:drift:share_up_to"
DISTANCE, BOUND = "slipway:drift:distance", "slipway:drift:bound"
"""What is recorded: rows of the window by bin and up to a bin, those of the first window, shares, distances, bounds."""
WINDOW, PROFILE, FIRST = "window", "profile", "first"
"""The last window, and what it is held against: the data of the lock, or the version's first whole window."""
LEAST_PSI = 0.1
"""Less is small however sure it is: the convention of credit scoring (N. Siddiqi, Credit Risk Scorecards, 2006)."""
INTERVAL = "5m"
_KEPT = "1d"
"""Prometheus may be away for so long before a version's first window is forgotten, and the next is taken for it."""
_LASTING = "15m"
_PROFILE_ROWS = "slipway_drift_profile_rows"
_BIN, _FEATURE = "version, feature, bin", "version, feature"


def drift_group(model: ModelPlan, drift: Drift) -> dict[str, Any]:
    """The group of rules about one model; the later ones read what the earlier recorded."""
    rules = [*_windows(model, drift)]
    for reference in (PROFILE, FIRST):
        rules += _held(model, reference)
    rules.append(_alert(model, drift))
    return {"name": f"slipway-{model.namespace}-{model.name}-drift", "interval": INTERVAL, "rules": rules}


def _windows(model: ModelPlan, drift: Drift) -> Iterator[dict[str, Any]]:
    """The rows of the window, and of the first one: once a window is over since the pods began, it stays as it was."""
    of, window = series_of(model), duration(drift.window)
    for name, first, counter in (
        (ROWS, FIRST_ROWS, "slipway_drift_rows_total"),
        (UP_TO, FIRST_UP_TO, "slipway_drift_rows_up_to_total"),
    ):
        yield _record(model, name, f"sum by ({_BIN}) (increase({counter}{{{of}}}[{window}]))")
        whole = (
            f"{name}{{{of}}}\n"
            f"and on ({_BIN}) sum by ({_BIN}) ({counter}{{{of}}} offset {window})\n"
            f"and on ({_FEATURE}) {_total(ROWS, of)} >= {LEAST_ROWS}"
        )
        # A version that no pod serves any more is forgotten.
        kept = f"last_over_time({first}{{{of}}}[{_KEPT}])\nand on ({_BIN}) sum by ({_BIN}) ({counter}{{{of}}})"
        yield _record(model, first, f"({kept})\nor on ({_BIN}) ({whole})")


def _held(model: ModelPlan, reference: str) -> Iterator[dict[str, Any]]:
    """The distances from a reference and their bounds; without a reference's rows there are none."""
    of = series_of(model)
    for name, rows, up_to in _counted(of, reference):
        yield _record(model, SHARE, _share(rows), of=name)
        yield _record(model, SHARE_UP_TO, _share_up_to(up_to, rows), of=name)
    p, q = (f'{SHARE}{{{of},of="{name}"}}' for name in (WINDOW, reference))
    halves = (
        f"sum by ({_FEATURE}) ({one} * on ({_BIN}) ln(2 * {one} / on ({_BIN}) ({p} + on ({_BIN}) {q})))"
        for one in (p, q)
    )
    below, other_below = (f'{SHARE_UP_TO}{{{of},of="{name}"}}' for name in (WINDOW, reference))
    distances = {
        "psi": f"sum by ({_FEATURE}) (({p} - on ({_BIN}) {q}) * on ({_BIN}) ln({p} / on ({_BIN}) {q}))",
        "js": f"({' + '.join(halves)}) / 2",
        "ks": f"max by ({_FEATURE}) (abs({below} - on ({_BIN}) {other_below}))",
    }
    others = _total(FIRST_ROWS, of)
    if reference == PROFILE:  # each pod has the same
        others = f"sum by ({_FEATURE}) (max by ({_BIN}) ({_PROFILE_ROWS}{{{of}}}))"
    scale = f"(1 / {_total(ROWS, of)} + 1 / {others})"
    enough = f"and on ({_FEATURE}) {_total(ROWS, of)} >= {LEAST_ROWS}"
    for statistic, expression in distances.items():
        labels = {"reference": reference, "statistic": statistic}
        yield _record(model, DISTANCE, f"{expression}\n{enough}", **labels)
        bound = f'max by ({_FEATURE}) (slipway_drift_bound{{{of},statistic="{statistic}"}})'
        by = f"sqrt{scale}" if statistic == "ks" else scale
        yield _record(model, BOUND, f"{bound} * on ({_FEATURE}) {by}\n{enough}", **labels)


def _counted(of: str, reference: str) -> Iterator[tuple[str, str, str]]:
    """What shares are made of: a name, rows by bin, rows up to a bin; the window's come with the profile's."""
    if reference == FIRST:
        yield FIRST, _sum(FIRST_ROWS, of), _sum(FIRST_UP_TO, of)
        return
    yield WINDOW, _sum(ROWS, of), _sum(UP_TO, of)
    rows, up_to = (f"max by ({_BIN}) ({name}{{{of}}})" for name in (_PROFILE_ROWS, f"{_PROFILE_ROWS}_up_to"))
    yield PROFILE, rows, up_to


def _sum(name: str, of: str) -> str:
    """By bin, and by no other label."""
    return f"sum by ({_BIN}) ({name}{{{of}}})"


def _total(name: str, of: str) -> str:
    """All rows of each feature."""
    return f"sum by ({_FEATURE}) ({name}{{{of}}})"


def _share(rows: str) -> str:
    """Of each bin, with half a row more in each: the logarithm of none is no number."""
    total = f"(sum by ({_FEATURE}) ({rows}) + count by ({_FEATURE}) ({rows}) / 2)"
    return f"({rows} + 0.5) / on ({_FEATURE}) group_left () {total}"


def _share_up_to(up_to: str, rows: str) -> str:
    return f"{up_to} / on ({_FEATURE}) group_left () sum by ({_FEATURE}) ({rows})"


def _alert(model: ModelPlan, drift: Drift) -> dict[str, Any]:
    """One for each feature and reference."""
    of = f'{series_of(model)},statistic="psi"'
    by = "version, feature, reference"
    expression = (
        f"max by ({by}) ({DISTANCE}{{{of}}}) > on ({by}) max by ({by}) ({BOUND}{{{of}}})\n"
        f"and on ({by}) max by ({by}) ({DISTANCE}{{{of}}}) >= {LEAST_PSI}"
    )
    window = format_window(drift.window)
    summary = f"What model {model.name} was asked, or answered, in {window} differs from what it was (PSI)"
    return alert(model, ALERT, expression, lasting=_LASTING, severity="warning", summary=summary, page=PAGE)


def _record(model: ModelPlan, name: str, expression: str, **labels: str) -> dict[str, Any]:
    whose = {"namespace": model.namespace, "model": model.name, "environment": names.fitted(model.environment)}
    return {"record": name, "expr": expression, "labels": {**whose, **labels}}
