"""Draw replays: requests, replicas and p95 over time, as PNG or SVG, with matplotlib, which is an extra."""

import io
from collections.abc import Sequence
from typing import Literal

from slipway.errors.base import Place, UserError
from slipway.simulation.outcome import Outcome

_SIZE = (10, 7.5)
_DPI = 110


class PlotMissing(UserError):
    """matplotlib, which draws, is not installed."""

    def __init__(self, option: str) -> None:
        super().__init__(
            Place(option), None, "needs matplotlib, which is not installed", "Slipway with its extra `plot`",
            "pip install 'slipway-ml[plot]', or uv sync --extra plot in Slipway's own repository",
        )  # fmt: skip


def require(option: str) -> None:
    """Raise PlotMissing when nothing can be drawn, before anything is replayed."""
    try:
        import matplotlib  # noqa: F401, PLC0415 - an extra
    except ImportError:
        raise PlotMissing(option) from None


def draw(outcomes: Sequence[Outcome], objective_s: float | None, title: str, kind: Literal["png", "svg"]) -> bytes:
    """Return a picture of one replay, or of several over each other.

    Args:
        outcomes: the replays, of one trace.
        objective_s: a line in the picture of p95, or None.
        title: above it.
        kind: format of the picture.
    """
    import matplotlib as mpl  # noqa: PLC0415 - an extra, and it takes half a second
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.ticker import StrMethodFormatter  # noqa: PLC0415

    # The same replay gives the same bytes.
    with mpl.rc_context({"svg.hashsalt": "slipway", "svg.fonttype": "none"}):
        figure = Figure(figsize=_SIZE, layout="constrained")
        load, replicas, latency = figure.subplots(3, 1, sharex=True)
        first = outcomes[0]
        scale_s, unit = _unit(first)
        times = [row.start_s / scale_s for row in first.rows]
        load.step(times, [row.arrivals / first.interval_s for row in first.rows], where="post", color="0.3")
        load.set_ylabel("requests a second")
        load.set_title(title)
        for outcome in outcomes:
            line = replicas.step(times, [row.ready for row in outcome.rows], where="post", label=outcome.target)[0]
            color = line.get_color()
            replicas.step(times, [row.replicas for row in outcome.rows], where="post", color=color, alpha=0.35)
            p95 = [float("nan") if row.p95_s is None else row.p95_s * 1000 for row in outcome.rows]
            latency.plot([time + first.interval_s / scale_s / 2 for time in times], p95, color=color)
            lost = [(time, row.p95_s or 0) for time, row in zip(times, outcome.rows, strict=True) if row.lost]
            latency.plot([at for at, _ in lost], [1000 * p95_s for _, p95_s in lost], "x", color=color)
        load.set_ylim(bottom=0)
        replicas.set_ylabel("replicas (pale: not ready)")
        figure.legend(*replicas.get_legend_handles_labels(), loc="outside lower center", ncols=4)
        replicas.set_ylim(0, 1.15 * max(outcome.most for outcome in outcomes) + 0.1)
        if objective_s is not None:
            latency.axhline(objective_s * 1000, color="0.5", linestyle="--")
        latency.set_ylabel("p95, ms (x: requests lost)")
        latency.set_yscale("log")
        for which in (latency.yaxis.set_major_formatter, latency.yaxis.set_minor_formatter):
            which(StrMethodFormatter("{x:g}"))
        latency.set_xlabel(unit)
        for axes in (load, replicas, latency):
            axes.grid(visible=True, alpha=0.3)
        file = io.BytesIO()
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        figure.savefig(file, format=kind, dpi=_DPI, metadata=metadata)
    return file.getvalue()


def _unit(outcome: Outcome) -> tuple[float, str]:
    """Return the seconds of a unit of time in which a replay is easy to read, and what the axis says."""
    time = outcome.time(outcome.rows[0])
    since = f" from {time:%Y-%m-%d %H:%M:%S} UTC" if time else ""
    lasts_s = len(outcome.rows) * outcome.interval_s
    name, seconds = next(
        unit for unit in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0), ("seconds", 1.0)) if
        lasts_s >= 3 * unit[1] or unit[1] == 1
    )  # fmt: skip
    return seconds, f"{name}{since}"
