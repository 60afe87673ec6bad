"""Write replays as one HTML page that needs nothing else: the picture, and tables."""

import html
from collections.abc import Sequence

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:1rem 0}"
    "th,td{padding:.15rem .8rem;text-align:right;border-bottom:1px solid #ddd}"
    "th:first-child,td:first-child{text-align:left}svg{max-width:100%;height:auto}"
)

Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]
"""Title, columns, rows."""


def page(title: str, lines: Sequence[str], picture: bytes, tables: Sequence[Table]) -> str:
    """Return the page; `picture` is SVG, all else is text."""
    svg = picture.decode()
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>{html.escape(title)}</h1>",
        *(f"<p>{html.escape(line)}</p>" for line in lines),
        svg[svg.index("<svg") :],
    ]
    for name, columns, rows in tables:
        head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
        body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>\n" for row in rows)
        parts.append(f"<h2>{html.escape(name)}</h2>\n<table><tr>{head}</tr>\n{body}</table>")
    return "\n".join([*parts, "</body></html>", ""])
