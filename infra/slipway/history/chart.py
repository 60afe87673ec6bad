"""Draw a judged rollout: what share the new release got, errors, p95 and disagreements over time, as SVG.

matplotlib, which draws, is an extra; `slipway.simulation.chart.require` says so where it is not there.
"""

import io
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

_SIZE = (10, 9)
_COLUMNS = ("time", "percent", "new_errors", "old_errors", "new_p95_ms", "old_p95_ms", "disagreements", "compared")
"""Of a series, as the judge writes it: a row for each of its looks."""
_MOST = 2000


def series(rollout: Mapping[str, Any]) -> dict[str, list[float]]:
    """The columns of a rollout's series, with seconds since its first row as time; what is no number is not there."""
    rows = rollout.get("series")
    found: dict[str, list[float]] = {name: [] for name in _COLUMNS}
    for row in rows[:_MOST] if isinstance(rows, list) else ():
        if not isinstance(row, Sequence) or isinstance(row, str) or len(row) != len(_COLUMNS):
            continue
        moment = _seconds(row[0])
        if math.isnan(moment):
            continue
        found["time"].append(moment)
        for name, value in zip(_COLUMNS[1:], row[1:], strict=True):
            found[name].append(_number(value))
    first = min(found["time"], default=0.0)
    found["time"] = [moment - first for moment in found["time"]]
    return found


def draw(rollout: Mapping[str, Any], title: str) -> bytes:
    """The picture; the same rollout gives the same bytes. Needs matplotlib."""
    import matplotlib as mpl  # noqa: PLC0415 - an extra, and it takes half a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    columns = series(rollout)
    times = columns["time"]
    with mpl.rc_context({"svg.hashsalt": "slipway", "svg.fonttype": "none"}):
        figure = Figure(figsize=_SIZE, layout="constrained")
        share, errors, latency, answers = figure.subplots(4, 1, sharex=True)
        share.step(times, columns["percent"], where="post", color="0.3")
        share.set_ylabel("new release, %")
        share.set_ylim(-2, 102)
        share.set_title(title)
        for axes, name, unit in ((errors, "errors", "errors"), (latency, "p95_ms", "p95, ms")):
            axes.plot(times, columns[f"new_{name}"], label="new", marker=".")
            axes.plot(times, columns[f"old_{name}"], label="old", marker=".")
            axes.set_ylabel(unit)
            axes.set_ylim(bottom=0)
        answers.step(times, columns["compared"], where="post", color="0.6", label="answers compared")
        answers.step(times, columns["disagreements"], where="post", color="C3", label="of them different")
        answers.set_ylabel("answers")
        answers.set_xlabel("seconds since the judge began")
        answers.legend(loc="upper left")
        errors.legend(loc="upper left")
        for axes in (share, errors, latency, answers):
            axes.grid(visible=True, alpha=0.3)
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def _seconds(value: Any) -> float:
    """A moment as the judge writes it: ISO 8601, or seconds."""
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).timestamp()
        except ValueError:
            return math.nan
    return _number(value)
