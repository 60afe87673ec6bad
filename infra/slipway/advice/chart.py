"""Draw advice as one picture: a decision tree, and cost against latency, with matplotlib, which is an extra."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from slipway.advice.questions import QUESTIONS
from slipway.advice.ranking import Advice
from slipway.advice.shown import RANKED, REFUSED
from slipway.simulation.page import anchor

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH = 12.0
_ROW = 0.62
_SCATTER = 5.0
_LABEL = (
    "a decision tree of what is feasible, and a scatter of cost against latency; the tables below say the same in words"
)


def draw(advice: Sequence[Advice]) -> bytes:
    """SVG. Locations in it lead to the tables `RANKED` and `REFUSED` of the same page."""
    import matplotlib as mpl  # noqa: PLC0415 - an extra, and it takes half a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    rows = [(question, _no(advice, question)) for question in QUESTIONS]
    feasible = [one for one in advice if one.refused is None]
    height = _ROW * (sum(max(1, len(names)) for _, names in rows) + len(feasible) / 2 + 1)
    # The same advice gives the same bytes.
    with mpl.rc_context({"svg.hashsalt": "slipway", "svg.fonttype": "none"}):
        figure = Figure(figsize=(_WIDTH, height + _SCATTER), layout="constrained")
        tree, scatter = figure.subplots(2, 1, height_ratios=[height, _SCATTER])
        _tree(tree, rows, feasible)
        _scatter(scatter, advice)
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    svg = file.getvalue().replace(b"<svg ", f'<svg role="group" aria-label="{_LABEL}" '.encode(), 1)
    # Its links lead to tables of the same page, not to a new window.
    return svg.replace(b' target="_blank"', b"")


def _no(advice: Sequence[Advice], question: str) -> list[str]:
    return [one.location.name for one in advice if one.refused is not None and one.refused.question == question]


def _tree(axes: "Axes", rows: Sequence[tuple[str, Sequence[str]]], feasible: Sequence[Advice]) -> None:
    """Questions from top to bottom, what each refuses to the right of it, and what is feasible below them all."""
    axes.axis("off")
    box = {"boxstyle": "round", "facecolor": "none", "edgecolor": "#888888"}
    at, before = 0.0, None
    for question, names in rows:
        text = axes.text(0, at, f"{question}?", va="center", bbox=box, parse_math=False)
        text.set_gid(f"question-{anchor(question)}")
        if before is not None:
            axes.annotate("yes", (0.02, at + 0.3), (0.02, before - 0.3), arrowprops={"arrowstyle": "->"}, ha="center")
        for index, name in enumerate(names):
            axes.annotate("", (0.52, at - index), (0.4, at), arrowprops={"arrowstyle": "->", "color": "#888888"})
            refused = axes.text(0.53, at - index, f"no: {name}", va="center", parse_math=False)
            refused.set_url(f"#{anchor(REFUSED)}")
        before = at - max(0, len(names) - 1)
        at = before - 1
    lines = [f"{number}. {one.location.name}{_unproven(one)}" for number, one in enumerate(feasible, 1)]
    for line in lines or ["no location is feasible"]:
        text = axes.text(0, at, line, va="center", weight="bold", parse_math=False)
        text.set_url(f"#{anchor(RANKED)}")
        at -= 0.5
    axes.set_xlim(-0.02, 1.1)
    axes.set_ylim(at - 0.7, 0.7)


def _unproven(one: Advice) -> str:
    return f", unless: {one.unproven[0].why}" if one.unproven else ""


def _scatter(axes: "Axes", advice: Sequence[Advice]) -> None:
    """Latency to the right, dollars a month upwards: a disc for what is feasible, a cross for what is refused."""
    known = [
        (one, one.latency_ms.value, usd.value)
        for one in advice
        if one.latency_ms is not None and one.cost is not None and (usd := one.cost.usd) is not None
    ]
    for one, latency, usd_month in known:
        marker, color = ("x", "#b04040") if one.refused is not None else ("o", "#2060a0")
        axes.plot([latency], [usd_month], marker, color=color)
        note = axes.annotate(
            one.location.name, (latency, usd_month), xytext=(8, 4), textcoords="offset points", parse_math=False
        )
        note.set_url(f"#{anchor(REFUSED if one.refused is not None else RANKED)}")
    if not known:
        axes.text(0.5, 0.5, "no location whose cost and latency are both known", ha="center", transform=axes.transAxes)
    axes.margins(0.2)
    axes.set_xlabel("latency of a request, ms (disc: feasible, cross: not)")
    axes.set_ylabel("$ a month")
    axes.grid(visible=True, alpha=0.3)
