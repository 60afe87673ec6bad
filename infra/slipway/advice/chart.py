"""Draw advice as one picture: a decision tree, and cost against latency, with matplotlib, which is an extra."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slipway.advice.questions import QUESTIONS
from slipway.advice.ranking import Advice
from slipway.advice.scatter import Point, scattered, svg_of
from slipway.advice.shown import RANKED, REFUSED
from slipway.simulation.page import anchor

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH = 12.0
_ROW = 0.62
_SCATTER = 5.0
_LINE = 0.45
"""Of a row: the height of a line of text."""
_LABEL = (
    "a decision tree of what is feasible, and a scatter of cost against latency; the tables below say the same in words"
)


def draw(advice: Sequence[Advice]) -> bytes:
    """SVG. Locations in it lead to the tables `RANKED` and `REFUSED` of the same page."""
    import matplotlib as mpl  # noqa: PLC0415 - an extra, and it takes half a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    rows = [(question, _no(advice, question)) for question in QUESTIONS]
    feasible = [one for one in advice if one.refused is None]
    height = _ROW * (sum(max(1, len(names) * _LINE) for _, names in rows) + max(1, len(feasible)) * _LINE + 0.7)
    # The same advice gives the same bytes.
    with mpl.rc_context({"svg.hashsalt": "slipway", "svg.fonttype": "none"}):
        figure = Figure(figsize=(_WIDTH, height + _SCATTER), layout="constrained")
        tree, scatter = figure.subplots(2, 1, height_ratios=[height, _SCATTER])
        _tree(tree, rows, feasible)
        scattered(scatter, _points(advice), ("latency of a request, ms (disc: feasible, cross: not)", "$ a month"))
        return svg_of(figure, _LABEL)


def _no(advice: Sequence[Advice], question: str) -> list[str]:
    return [one.location.name for one in advice if one.refused is not None and one.refused.question == question]


def _tree(axes: "Axes", rows: Sequence[tuple[str, Sequence[str]]], feasible: Sequence[Advice]) -> None:
    """Questions from top to bottom, what each refuses to the right of it, and what is feasible below them all."""
    axes.axis("off")
    box = {"boxstyle": "round", "facecolor": "none", "edgecolor": "#888888"}
    arrow = {"arrowstyle": "->", "color": "#888888"}
    at, before = 0.0, None
    for question, names in rows:
        axes.text(0, at, f"{question}?", va="center", bbox=box, parse_math=False)
        if before is not None:
            axes.annotate("", (0.02, at + 0.2), (0.02, before - 0.2), arrowprops={"arrowstyle": "->"})
            axes.text(0.03, at + 0.5, "yes", va="center")
        for index, name in enumerate(names):
            axes.annotate("", (0.34, at - index * _LINE), (0.27, at), arrowprops=arrow)
            refused = axes.text(0.345, at - index * _LINE, f"no: {name}", va="center", parse_math=False)
            refused.set_url(f"#{anchor(REFUSED)}")
        before = at - max(0, len(names) - 1) * _LINE
        at = before - 1
    lines = [f"{number}. {one.location.name}{_unproven(one)}" for number, one in enumerate(feasible, 1)]
    for line in lines or ["no location is feasible"]:
        text = axes.text(0, at, line, va="center", weight="bold", parse_math=False)
        text.set_url(f"#{anchor(RANKED)}")
        at -= _LINE
    axes.set_xlim(-0.02, 1.1)
    axes.set_ylim(at - 0.2, 0.5)


def _unproven(one: Advice) -> str:
    return f", unless: {one.unproven[0].why}" if one.unproven else ""


def _points(advice: Sequence[Advice]) -> list[Point]:
    return [
        Point(one.location.name, one.latency_ms.value, usd.value, one.refused is None)
        for one in advice
        if one.latency_ms is not None and one.cost is not None and (usd := one.cost.usd) is not None
    ]
