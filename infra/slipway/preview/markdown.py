"""Write a preview as the comment of a pull request, in GitHub's Markdown: the table first, diffs folded away.

The same preview gives the same text, so that a comment is written anew only when something is otherwise. What is longer
than the limit is cut, and said to be: first the diffs, then lines about models, then rows.
"""

from collections.abc import Iterator, Sequence

from slipway.preview.cells import COLUMNS, about, cells, environment, summary
from slipway.preview.model import ModelPreview, Preview
from slipway.preview.quoted import block, cell, code

LIMIT = 60_000
"""Characters. GitHub takes 65,536 of a comment; what a workflow puts around it fits as well."""
_LINE = 600
_ROOM = (
    (1_000, 100_000),
    (1_000, 400),
    (1_000, 100),
    (1_000, 20),
    (1_000, 0),
    (300, 0),
    (100, 0),
    (30, 0),
    (10, 0),
    (3, 0),
    (0, 0),
)
"""How many models and lines of each kind are shown, and lines of each diff: the first pair with which all fits."""


def marker(environment_name: str) -> str:
    """First line of the comment, by which a workflow finds the one that it writes anew."""
    return f"<!-- slipway-preview: {environment_name} -->"


def markdown(preview: Preview, limit: int = LIMIT) -> str:
    """The comment, at most `limit` characters long, which is 4,000 at least."""
    text = ""
    for rows, lines in _ROOM:
        text = "\n".join(_text(preview, rows, lines)) + "\n"
        if len(text) <= limit:
            break
    return text


def _text(preview: Preview, rows: int, lines: int) -> Iterator[str]:
    yield marker(preview.environment)
    yield f"## Preview of {code(preview.environment, _LINE)}"
    yield ""
    if preview.refused:
        yield "**Refused: `slipway up` would change nothing.**"
        yield ""
        yield from _bullets(preview.refused, rows, "findings")
        yield ""
    shown = preview.models[:rows]
    if shown:
        yield f"| {' | '.join(name.lower() for name in COLUMNS)} |"
        yield f"|{' --- |' * len(COLUMNS)}"
        yield from (f"| {' | '.join(map(cell, cells(one)))} |" for one in shown)
        yield ""
    yield f"Models: {summary(preview)}.{_left(len(preview.models) - len(shown), 'changed models')}"
    yield ""
    yield from _bullets(list(environment(preview)), rows, "lines about the environment")
    yield ""
    if preview.warnings:
        yield from _folded(f"{len(preview.warnings)} warnings", _bullets(preview.warnings, rows, "warnings"))
    for one in shown:
        yield from _folded(one.name, _model(one, rows, lines))


def _model(one: ModelPreview, rows: int, lines: int) -> Iterator[str]:
    yield from _bullets([line.strip() for line in about(one)], rows, "lines")
    yield from _bullets(list(one.change.differences), rows, "differences") if one.manifests is None else ()
    diff = one.manifests or ()
    if diff[:lines]:
        yield ""
        yield from block((line[:_LINE] for line in diff[:lines]), "diff")
    if len(diff) > lines:
        yield ""
        yield f"Cut: {len(diff) - lines} of {len(diff)} lines of the diff of its manifests."


def _folded(title: str, inside: Iterator[str]) -> Iterator[str]:
    """What a reader opens. Titles are names, which have no character of HTML, or counts."""
    yield f"<details><summary>{title}</summary>"
    yield ""
    yield from inside
    yield ""
    yield "</details>"
    yield ""


def _bullets(texts: Sequence[str], rows: int, what: str) -> Iterator[str]:
    yield from (f"- {code(text, _LINE)}" for text in texts[:rows])
    if len(texts) > rows:
        yield f"- Cut: {len(texts) - rows} more {what}."


def _left(count: int, what: str) -> str:
    return f" Cut: {count} {what} are not in the table." if count else ""
