"""Write results as one HTML page that needs nothing else: a picture where there is one, and tables.

It follows the reader's dark or light setting. All that can be pressed or scrolled is reached by keyboard.
"""

import html
import re
from collections.abc import Sequence

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;"
    "background:Canvas;color:CanvasText}"
    "table{border-collapse:collapse;margin:1rem 0}.wide{overflow-x:auto}"
    "th,td{padding:.15rem .8rem;text-align:right;border-bottom:1px solid #8888}"
    "th:first-child,td:first-child{text-align:left}svg{max-width:100%;height:auto}"
    "a{color:LinkText}:focus-visible{outline:3px solid Highlight;outline-offset:2px}"
    # matplotlib draws black on white; here the picture takes the page's colours.
    "svg text{fill:currentColor!important}svg a text{fill:LinkText!important;text-decoration:underline}"
    'svg [style*="stroke: #000000"]{stroke:currentColor!important}svg [style*="fill: #ffffff"]{fill:Canvas!important}'
)

Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]
"""Title, columns, rows."""


def page(title: str, lines: Sequence[str], picture: bytes | None, tables: Sequence[Table]) -> str:
    """Return the page; `picture` is SVG, which may link to `#anchor(title of a table)`, all else is text."""
    svg = picture.decode() if picture is not None else ""
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<style>{_STYLE}</style></head><body><main>",
        f"<h1>{html.escape(title)}</h1>",
        *(f"<p>{html.escape(line)}</p>" for line in lines),
        *([svg[svg.index("<svg") :]] if svg else []),
    ]
    for name, columns, rows in tables:
        head = "".join(f'<th scope="col">{html.escape(column)}</th>' for column in columns)
        body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>\n" for row in rows)
        heading = f'<h2 id="{anchor(name)}">{html.escape(name)}</h2>'
        # A region that scrolls takes the focus, so that arrow keys move it.
        region = f'<div class="wide" role="region" tabindex="0" aria-labelledby="{anchor(name)}">'
        parts.append(f"{heading}\n{region}<table><tr>{head}</tr>\n{body}</table></div>")
    return "\n".join([*parts, "</main></body></html>", ""])


def anchor(title: str) -> str:
    """What a link to the table of this title ends in: `Confusion of int8` gives `confusion-of-int8`."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
