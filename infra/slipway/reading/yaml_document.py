"""Read a file of YAML into plain values, and remember the line of every one of them.

It reads less than YAML on purpose: no anchors and aliases (ten lines of them can stand for gigabytes), no tags, no
duplicate keys, `yes` is text and `1:30` no number. What is left means the same to every reader.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml._yaml import CParser

from slipway.errors.base import FileRefused, Place, SyntaxRefused, shown
from slipway.reading.files import BadFile, open_inside, refuse_pointer
from slipway.reading.folders import find_root

SIZE_LIMIT = 2**20
DEPTH_LIMIT = 32

_INTEGER = re.compile(r"[-+]?[0-9]{1,20}")
_FLOAT = re.compile(r"[-+]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}

FieldPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A file's values: mappings, lists, text, numbers, truth values and None; and the line of each by its path."""

    file: str
    value: Any
    lines: dict[FieldPath, int]

    def place(self, path: FieldPath) -> Place:
        """Where `path` is written, or the nearest thing around it that is."""
        while path and path not in self.lines:
            path = path[:-1]
        return Place(self.file, self.lines.get(path, 1))


def read_bytes(path: Path, file: str, limit: int, kind: str, root: Path) -> bytes:
    """Return a file's bytes.

    Args:
        path: the file.
        file: its name in messages.
        limit: largest size in bytes that is read.
        kind: what the file should be, for messages.
        root: folder that links may not lead out of.

    Raises:
        FileRefused: missing, no regular file, not readable, a link out of `root`, a Git LFS pointer, or larger than
            `limit`.
    """
    try:
        with open_inside(path, root, kind) as stream:
            data = stream.read(limit + 1)
        refuse_pointer(data, kind)
    except BadFile as error:
        raise FileRefused(file, error.problem, error.allowed, error.todo) from None
    if len(data) > limit:
        raise FileRefused(file, f"is larger than {limit} bytes", f"{kind}, at most {limit} bytes", "make it smaller")
    return data


def read_text(path: Path, file: str) -> str:
    """Read a file of YAML as text, line breaks as they are; errors as of `read_document`."""
    data = read_bytes(path, file, SIZE_LIMIT, "a file of YAML in UTF-8", find_root(path.parent))
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = f"byte {error.start} is not UTF-8"
        raise SyntaxRefused(file, line, problem, "text in UTF-8", "save the file as UTF-8") from None


def read_document(path: Path, file: str) -> Document:
    """Read one document of YAML; a link may not lead out of the repository that its folder is in, see `find_root`.

    Raises:
        FileRefused: see `read_bytes`; or not UTF-8.
        SyntaxRefused: not YAML, or more of YAML than is read here.
    """
    text = read_text(path, file)
    return parse_document(text, file)


def parse_document(text: str, file: str) -> Document:
    """Like `read_document`, of text; `file` is its name in messages."""
    lines: dict[FieldPath, int] = {}
    parser = CParser(text.removeprefix("\ufeff"))
    try:
        return Document(file, _Builder(parser, file, lines).document(), lines)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"has the character U+{error.character:04X}"
        allowed = "printable characters"
        raise SyntaxRefused(file, line, problem, allowed, "remove the character") from None
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, text, file) from None
    finally:
        parser.dispose()


def with_value(text: str, path: FieldPath, value: str) -> str:
    """The text of a document that `parse_document` takes, with another plain or quoted value at `path`; all else stays.

    `value` means the same with and without quotes. Raises KeyError when there is nothing at `path`.
    """
    node: Any = yaml.compose(text, yaml.SafeLoader)
    for part in path:
        node = node.value[part] if isinstance(part, int) else {key.value: below for key, below in node.value}[part]
    quote = node.style if node.style in ("'", '"') else ""
    return f"{text[: node.start_mark.index]}{quote}{value}{quote}{text[node.end_mark.index :]}"


def refuse_empty(document: Document, allowed: str) -> None:
    """Raise FileRefused if a file has nothing but comments."""
    if document.value is None:
        raise FileRefused(document.file, "is empty", allowed, "write it")


def _not_yaml(error: yaml.MarkedYAMLError, text: str, file: str) -> SyntaxRefused:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    rows = text.splitlines()
    while line > 1 and (line > len(rows) or not rows[line - 1].strip()):
        line -= 1  # the parser notices a missing bracket at the end of the file, past the last thing written
    for number in (line, line - 1):
        if 0 < number <= len(rows) and re.match(r"[ ]*\t|.*:[ ]*\t", rows[number - 1]):
            return SyntaxRefused(file, number, "has a tab", "spaces to indent", "replace the tab by spaces")
    said = " ".join(filter(None, (error.context, error.problem)))
    written = shown(rows[line - 1].strip()) if line <= len(rows) else "the end of the file"
    problem = f"{written} is not YAML ({said})"
    allowed = "`key: value` lines, spaces to indent, quotes around text with special characters"
    return SyntaxRefused(file, line, problem, allowed, "correct the line or the one before it")


class _Builder:
    """Builds values from the parser's events, one document, and keeps the line where each begins."""

    def __init__(self, parser: Any, file: str, lines: dict[FieldPath, int]) -> None:
        self._next: Callable[[], Any] = parser.get_event
        self._file = file
        self._lines = lines

    def document(self) -> Any:
        self._next()  # stream start
        if isinstance(self._next(), yaml.StreamEndEvent):
            self._lines[()] = 1
            return None
        value = self._value(self._next(), ())
        self._next()  # document end
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            raise self._refused(event, "a second document begins", "one document in a file", "make it a second file")
        return value

    def _refused(self, event: Any, problem: str, allowed: str, todo: str) -> SyntaxRefused:
        return SyntaxRefused(self._file, event.start_mark.line + 1, problem, allowed, todo)

    def _value(self, event: Any, path: FieldPath) -> Any:
        self._lines.setdefault(path, event.start_mark.line + 1)
        kind = type(event)
        if kind is yaml.AliasEvent or event.anchor is not None:
            sign = "*" if kind is yaml.AliasEvent else "&"
            problem = f"{shown(sign + event.anchor)} is an alias or anchor"
            raise self._refused(event, problem, "values written out", "write the value where it is used")
        if event.tag is not None and event.tag != "!":
            raise self._refused(event, f"{shown(event.tag)} is a tag", "values without tags", "remove the tag")
        if kind is yaml.ScalarEvent:
            return _scalar(event.value) if event.implicit[0] else event.value
        if len(path) >= DEPTH_LIMIT:
            problem = f"is nested more than {DEPTH_LIMIT} deep"
            raise self._refused(event, problem, f"{DEPTH_LIMIT} levels", "write it flatter")
        return self._mapping(path) if kind is yaml.MappingStartEvent else self._list(path)

    def _list(self, path: FieldPath) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items))))
        return items

    def _mapping(self, path: FieldPath) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while True:
            event = self._next()
            kind = type(event)
            if kind is yaml.MappingEndEvent:
                return mapping
            if kind is not yaml.ScalarEvent or event.anchor is not None:
                raise self._refused(event, "a key is not plain text", "text before the colon", "write `key: value`")
            key = event.value
            if key in mapping:
                first = self._lines[*path, key]
                problem = f"duplicate key {shown(key)}, first on line {first}"
                raise self._refused(event, problem, "each key once", "remove one of the two")
            if event.implicit[0] and key == "<<":
                raise self._refused(event, "`<<` merges an alias", "values written out", "write the values here")
            self._lines[*path, key] = event.start_mark.line + 1
            mapping[key] = self._value(self._next(), (*path, key))


def _scalar(text: str) -> Any:
    """A plain scalar by the rules of YAML 1.2's core schema, without octal, hexadecimal, infinity and NaN.

    Whole numbers are exact as far as 64 bits go, with or without sign; larger ones are as near as a float is.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text) and -(2**63) <= int(text) < 2**64:
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
