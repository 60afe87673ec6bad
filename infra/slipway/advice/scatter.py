"""Draw points with names, latency to the right and dollars upwards, with matplotlib, which is an extra."""

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NEAR = 0.04
"""Of the picture's height or width: points nearer to each other share a name tag."""


class Point(NamedTuple):
    """A point: milliseconds, dollars, and whether it is a disc or a cross."""

    name: str
    ms: float
    usd: float
    good: bool = True


def scattered(axes: "Axes", points: Sequence[Point], labels: tuple[str, str]) -> None:
    """Draw the points into axes with labels; without any, a sentence that says so."""
    for point in points:
        marker, color = ("o", "#2060a0") if point.good else ("x", "#b04040")
        axes.plot([point.ms], [point.usd], marker, color=color)
    for together in _near(points):
        first = together[0]
        tag = ", ".join(point.name for point in together)
        axes.annotate(tag, (first.ms, first.usd), xytext=(8, 4), textcoords="offset points", parse_math=False)
    if not points:
        axes.text(0.5, 0.5, "of nothing both are known", ha="center", transform=axes.transAxes)
    axes.margins(0.2)
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    axes.grid(visible=True, alpha=0.3)


def svg_of(figure: "Figure", label: str) -> bytes:
    """A figure as SVG; `label` is what a screen reader says of it."""
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    svg = file.getvalue().replace(b"<svg ", f'<svg role="group" aria-label="{label}" '.encode(), 1)
    # Its links lead to tables of the same page, not to a new window.
    return svg.replace(b' target="_blank"', b"")


def _near(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Yield points in groups that lie on each other, as far as an eye sees."""
    wide = max((point.ms for point in points), default=0) - min((point.ms for point in points), default=0)
    high = max((point.usd for point in points), default=0) - min((point.usd for point in points), default=0)
    left = sorted(points, key=lambda point: (point.usd, point.ms, point.name))
    while left:
        first = left[0]
        near = [
            point
            for point in left
            if abs(point.usd - first.usd) <= high * _NEAR and abs(point.ms - first.ms) <= wide * _NEAR
        ]
        yield near
        left = [point for point in left if point not in near]
