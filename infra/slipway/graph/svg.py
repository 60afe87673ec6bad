"""Write a picture as SVG that needs nothing else: it follows the reader's dark or light setting, and has words."""

import itertools
from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from slipway.graph.drawing import Arrow, Box, Picture
from slipway.graph.layout import CHARACTER, LINE, PADDING, Layout, Placed, Point, layout

_MARGIN = 24.0
_TITLE = 44.0
_LEGEND = (
    "Solid green: encrypted by TLS, as the plan has it. Dashed: the plan adds no encryption.",
    "Thick border: a person or their program. Dotted border: others' software. Rounded: data that is kept.",
)
_STYLE = """
.ink{fill:#1b1b1b}.paper{fill:#fff}.box{fill:#f3f4f6;stroke:#565b60;stroke-width:1.5}.arrow{fill:none;stroke:#565b60;
stroke-width:1.5;stroke-dasharray:6 4}.encrypted{stroke:#1b6e3c;stroke-dasharray:none;stroke-width:2.5}
.head{fill:#565b60}.person{stroke-width:4}.others{stroke-dasharray:2 3}
text{font:13px system-ui,'DejaVu Sans',sans-serif}.heading{font-weight:bold}.title{font-size:18px;font-weight:bold}
.said{stroke:#fff;stroke-width:6px;paint-order:stroke;stroke-linejoin:round}
@media(prefers-color-scheme:dark){.ink{fill:#e8e8e8}.paper{fill:#16181a}.box{fill:#22262a;stroke:#a0a6ac}
.arrow{stroke:#a0a6ac}.encrypted{stroke:#6fd092}.head{fill:#a0a6ac}.said{stroke:#16181a}}
"""


def svg(picture: Picture) -> str:
    """The picture; the same picture gives the same text."""
    where = layout(picture)
    below = [*picture.notes, *_LEGEND]
    longest = max(len(line) for line in (*below, picture.title))
    width = max(where.width, longest * CHARACTER) + 2 * _MARGIN
    height = where.height + _TITLE + 2 * _MARGIN + LINE * (len(below) + 1)
    size = {"width": _n(width), "height": _n(height), "viewBox": f"0 0 {_n(width)} {_n(height)}"}
    root = Xml.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img", "aria-labelledby": "t d", **size})
    _text(root, "title", picture.title, {"id": "t"})
    _text(root, "desc", " ".join(picture.sentences()), {"id": "d"})
    _text(root, "style", _STYLE, {})
    _head(root)
    Xml.SubElement(root, "rect", {"class": "paper", "width": "100%", "height": "100%"})
    _text(root, "text", picture.title, {"class": "ink title", "x": _n(_MARGIN), "y": _n(_MARGIN + 14)})
    drawn = Xml.SubElement(root, "g", {"transform": f"translate({_n(_MARGIN)} {_n(_MARGIN + _TITLE)})"})
    for arrow, way in zip(picture.arrows, where.ways, strict=True):
        _arrow(drawn, arrow, way)
    for box in picture.boxes.values():
        _box(drawn, box, where.boxes[box.id])
    for arrow, way in zip(picture.arrows, where.ways, strict=True):
        _said(drawn, arrow, way)
    _below(drawn, below, where)
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode") + "\n"


def _head(root: Xml.Element) -> None:
    marker = {"id": "head", "viewBox": "0 0 10 10", "refX": "9", "refY": "5", "orient": "auto-start-reverse"}
    size = {"markerWidth": "10", "markerHeight": "10", "markerUnits": "userSpaceOnUse"}
    head = Xml.SubElement(Xml.SubElement(root, "defs"), "marker", marker | size)
    Xml.SubElement(head, "path", {"class": "head", "d": "M0 0L10 5L0 10z"})


def _box(parent: Xml.Element, box: Box, at: Placed) -> None:
    group = Xml.SubElement(parent, "g")
    _text(group, "title", "; ".join((box.heading, *box.lines)), {})
    where = {"x": _n(at.x), "y": _n(at.y), "width": _n(at.width), "height": _n(at.height)}
    corner = "16" if box.kind == "data" else "3"
    Xml.SubElement(group, "rect", {"class": f"box {box.kind}", "rx": corner, **where})
    for index, line in enumerate((box.heading, *box.lines)):
        y = at.y + PADDING + LINE * (index + 0.75)
        style = "ink heading" if index == 0 else "ink"
        _text(group, "text", line, {"class": style, "x": _n(at.x + PADDING), "y": _n(y)})


def _arrow(parent: Xml.Element, arrow: Arrow, way: Sequence[Point]) -> None:
    parts = [f"M{_n(way[0][0])} {_n(way[0][1])}"]
    for index, ((x0, y0), (x1, y1)) in enumerate(itertools.pairwise(way)):
        middle = (x0 + x1) / 2
        curved = index % 2 == 0
        parts.append(
            f"C{_n(middle)} {_n(y0)} {_n(middle)} {_n(y1)} {_n(x1)} {_n(y1)}" if curved else f"L{_n(x1)} {_n(y1)}"
        )
    style = "arrow encrypted" if arrow.encrypted else "arrow"
    Xml.SubElement(parent, "path", {"class": style, "d": "".join(parts), "marker-end": "url(#head)"})


def _said(parent: Xml.Element, arrow: Arrow, way: Sequence[Point]) -> None:
    """The text of an arrow, in the room before the column in which it ends."""
    if arrow.text:
        (x0, y0), (x1, y1) = max((way[:2], way[-2:]), key=lambda ends: max(ends)[0])
        middle = {"x": _n((x0 + x1) / 2), "y": _n((y0 + y1) / 2 + 4), "text-anchor": "middle"}
        _text(parent, "text", arrow.text, {"class": "ink said", **middle})


def _below(parent: Xml.Element, lines: Sequence[str], where: Layout) -> None:
    for index, line in enumerate(lines):
        _text(parent, "text", line, {"class": "ink", "x": "0", "y": _n(where.height + LINE * (index + 2))})


def _text(parent: Xml.Element, tag: str, text: str, attributes: dict[str, str]) -> None:
    """An element with text, without characters that XML cannot hold."""
    Xml.SubElement(parent, tag, attributes).text = "".join(
        one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in text
    )


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
