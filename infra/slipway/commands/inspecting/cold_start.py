"""Show how long cold starts take: what was estimated beside what was measured, part by part."""

from collections.abc import Mapping, Sequence
from typing import Any

from slipway import console
from slipway.capacity.estimates import ColdStart
from slipway.capacity.measured import MeasuredStart, expected_s
from slipway.commands.context import EnvironmentContext
from slipway.errors.failures import EnvironmentMissing

_COLUMNS = ("COLD START OF", "", "NODE", "PULL", "LOAD", "WARM", "ALL")
_UNKNOWN = "not measured"


def starts_of(context: EnvironmentContext) -> Mapping[str, MeasuredStart]:
    """What was last measured of each model; nothing where the environment has no cluster yet."""
    from slipway.deploy.cold_start import kept_starts  # noqa: PLC0415 - the cluster's SDK takes half a second

    try:
        return kept_starts(context.cluster)
    except EnvironmentMissing:
        return {}


def parts_json(estimate: ColdStart | None, measured: MeasuredStart | None) -> dict[str, Any]:
    """Estimated and measured parts in seconds as JSON values; `expected` is what the next start is planned with."""
    parts = None
    if estimate is not None:
        pull = estimate.image_s + estimate.weights_s
        parts = {"node": estimate.node_s, "pull": pull, "load": estimate.load_s, "total": estimate.total_s}
    return {
        "estimated": parts,
        "measured": measured.to_json() if measured is not None else None,
        "expected": expected_s(estimate, measured) if estimate is not None else measured and measured.total_s,
    }


def show_parts(models: Sequence[tuple[str, ColdStart | None, MeasuredStart | None]]) -> None:
    """Print a table: of each model its name, the estimate (None without a spec), and what was measured (None: nothing).

    The first golden request is a part of the load that is estimated: nobody knows beforehand how much of it.
    """
    if not models:
        return
    rows: list[list[str]] = []
    for name, estimate, measured in models:
        if estimate is not None:
            pull = estimate.image_s + estimate.weights_s
            parts = [console.duration(value) for value in (estimate.node_s, pull, estimate.load_s)]
            rows.append([name, "estimated", *parts, "-", console.duration(estimate.total_s)])
        rows.append([name if estimate is None else "", "measured", *_measured(measured)])
    console.result("")
    console.table(_COLUMNS, rows)


def _measured(start: MeasuredStart | None) -> list[str]:
    if start is None:
        return [_UNKNOWN, "", "", "", ""]
    pull = _part(start.pull_s)
    return [
        _part(start.node_s),
        "image was there" if start.image_there else pull,
        _part(start.load_s),
        _part(start.warm_s),
        _part(start.total_s),
    ]


def _part(seconds: float | None) -> str:
    return _UNKNOWN if seconds is None else console.duration(seconds)
