"""Write proposals into the text of a spec: values are replaced where they stand, comments and layout are kept."""

from collections.abc import Sequence
from typing import Any

import yaml

from slipway.errors.base import FileRefused, SyntaxRefused
from slipway.measuring.proposal import Proposal
from slipway.reading.yaml_document import FieldPath, parse_document


def edited(text: str, file: str, environment: str, proposals: Sequence[Proposal]) -> str:
    """Return the text of a spec with proposals in it: where an environment overrides a field, in its part.

    Raises:
        FileRefused: the spec is laid out so that a field cannot be put in; nothing is written then.
    """
    value = parse_document(text, file).value
    for one in proposals:
        overriding = ("environments", environment, *one.path)
        path = overriding if _at(value, overriding) is not None else one.path
        text = _with(text, path, one.value)
        wanted = _put(value, path, parse_document(one.value, file).value)
        if _read(text, file) != wanted:
            shown = ".".join(map(str, path))
            todo = f"write {shown}: {one.value} by hand, or lay the section out as the reference of the spec does"
            raise FileRefused(file, f"has no place where {shown} could be put", "one key on a line, or {...}", todo)
        value = wanted
    return text


def _read(text: str, file: str) -> Any:
    """The values of a text; None when it is no document any more."""
    try:
        return parse_document(text, file).value
    except SyntaxRefused:
        return None


def _with(text: str, path: FieldPath, value: str) -> str:
    """Replace the scalar at `path`; where it is missing, add it to the section around it, or that to the file."""
    node: Any = yaml.compose(text, yaml.SafeLoader)
    for index, part in enumerate(path):
        below = {key.value: (key, one) for key, one in node.value}
        if part in below:
            node = below[str(part)][1]
            continue
        rest = _flow(path[index:], value)
        if node.flow_style:
            end = node.end_mark.index - 1
            return f"{text[:end].rstrip()}{', ' if node.value else ''}{rest}{text[end:]}"
        if index == 0:
            return f"{text.rstrip()}\n{rest}\n"
        # Before the first key of the section: where its last one ends is not certain.
        first = node.value[0][0].start_mark
        return f"{text[: first.index]}{rest}\n{' ' * first.column}{text[first.index :]}"
    return f"{text[: node.start_mark.index]}{value}{text[node.end_mark.index :]}"


def _flow(path: FieldPath, value: str) -> str:
    """`('a', 'b')` and `1` give `a: {b: 1}`."""
    key, *below = path
    return f"{key}: {value}" if not below else f"{key}: {{{_flow(tuple(below), value)}}}"


def _at(value: Any, path: FieldPath) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _put(value: Any, path: FieldPath, new: Any) -> Any:
    """The values with another one at `path`."""
    if not path:
        return new
    here = value if isinstance(value, dict) else {}
    return {**here, path[0]: _put(here.get(path[0]), path[1:], new)}
