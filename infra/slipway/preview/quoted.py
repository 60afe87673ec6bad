"""Put texts into GitHub's Markdown so that nothing in them is markup: each becomes a code span or a fenced block."""

import re
from collections.abc import Iterable, Iterator

from slipway_server.values.text import shortened

CELL = 120
"""Characters of a text in a table."""


def cell(text: str) -> str:
    """A text as a cell of a table, which an escaped `|` does not end."""
    return code(text, CELL).replace("|", r"\|")


def code(text: str, limit: int) -> str:
    """A text as a code span on one line, cut to `limit` characters, that does not end before the text does.

    Inside, GitHub reads backslashes, HTML, entities, `@` and `#` as they are (https://github.github.com/gfm/#code-spans);
    only backticks end it, so that its fence is longer than any run of them.
    """
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shortened(text, limit)).strip() or "-"
    fence = "`" * (_longest(line) + 1)
    space = " " if "`" in line[0] + line[-1] else ""
    return f"{fence}{space}{line}{space}{fence}"


def block(lines: Iterable[str], language: str = "") -> Iterator[str]:
    """Lines as a fenced block that none of them ends."""
    there = list(lines)
    fence = "`" * max(3, max(map(_longest, there), default=0) + 1)
    yield f"{fence}{language}"
    yield from there
    yield fence


def _longest(text: str) -> int:
    """Length of the longest run of backticks."""
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
