"""Read the annotation pulumi.com/waitFor: conditions and JSONPath expressions that an object must come to satisfy."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slipway.local.plugins.kubernetes.waiting.verdict import Manifest, Ready, Verdict, Waiting, condition

ANNOTATION = "pulumi.com/waitFor"
_STEP = re.compile(
    r"""\.(?P<field>(?:\\.|[^.\[\]\\{}=\s])+)
      |\[(?P<index>-?\d+)\]
      |\[(?P<every>\*)\]
      |\[(?P<quote>['"])(?P<key>.*?)(?P=quote)\]
      |\[\?\(\s*@\.(?P<member>[\w.-]+)\s*==\s*(?P<mark>['"]?)(?P<equals>.*?)(?P=mark)\s*\)\]""",
    re.VERBOSE,
)
_ALLOWED = (
    "condition=<type>, condition=<type>=<status>, jsonpath={<path>}, jsonpath={<path>}=<value>, or a JSON list "
    "of these; a path may hold .field, ['key'], [0], [*] and [?(@.field==\"value\")]"
)
_Read = Callable[[Any], list[Any]]


class WaitForError(ValueError):
    """The annotation cannot be read."""

    def __init__(self, text: str) -> None:
        super().__init__(f"annotation {ANNOTATION} is {text!r}; allowed are {_ALLOWED}")


@dataclass(frozen=True, slots=True)
class Expression:
    """One thing to wait for: what is read, and the value it must have (None: any)."""

    text: str
    read: Callable[[Manifest], list[Any]]
    expected: str | None

    def holds(self, manifest: Manifest) -> bool:
        """Whether the object satisfies it."""
        found = self.read(manifest)
        if self.expected is None:
            return bool(found)
        return any(_text(value) == self.expected for value in found)


def parse(text: str) -> list[Expression]:
    """The expressions of the annotation. Raises WaitForError."""
    parts = [text]
    if text.lstrip().startswith("["):
        try:
            parts = json.loads(text)
        except ValueError as error:
            raise WaitForError(text) from error
        if not all(isinstance(part, str) for part in parts) or not parts:
            raise WaitForError(text)
    return [_expression(part.strip()) for part in parts]


def judge(expressions: list[Expression], manifest: Manifest) -> Verdict:
    """Ready when all hold."""
    missing = [expression.text for expression in expressions if not expression.holds(manifest)]
    return Waiting("waits for " + ", ".join(missing)) if missing else Ready()


def _expression(text: str) -> Expression:
    form, _, rest = text.partition("=")
    if form == "condition" and rest:
        kind, _, status = rest.partition("=")
        return Expression(text, lambda manifest: _condition(manifest, kind), status or "True")
    match = re.fullmatch(r"(\{.*?\}|[^={]+?)(?:={1,2}(.*))?", rest) if form == "jsonpath" else None
    if match is None:
        raise WaitForError(text)
    path, expected = match[1].strip().removeprefix("{").removesuffix("}").strip(), match[2]
    steps = _steps(path if path.startswith((".", "[")) else f".{path}", text)
    return Expression(text, lambda manifest: _walk(manifest, steps), expected.strip("'\"") if expected else None)


def _condition(manifest: Manifest, kind: str) -> list[Any]:
    status = condition(manifest, kind).get("status")
    return [] if status is None else [status]


def _steps(path: str, text: str) -> list[_Read]:
    steps: list[_Read] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise WaitForError(text)
        steps.append(_reader(match))
        at = match.end()
    if not steps:
        raise WaitForError(text)
    return steps


def _reader(match: re.Match[str]) -> _Read:
    if match["index"] is not None:
        index = int(match["index"])
        return lambda value: [value[index]] if isinstance(value, list) and -len(value) <= index < len(value) else []
    if match["every"]:
        return lambda value: (
            list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
        )
    if match["member"]:
        member, equals = match["member"].split("."), match["equals"]
        return lambda value: (
            [item for item in value if _text(_dig(item, member)) == equals] if isinstance(value, list) else []
        )
    key = match["key"] if match["key"] is not None else match["field"].replace("\\", "")
    return lambda value: [value[key]] if isinstance(value, dict) and key in value else []


def _walk(manifest: Manifest, steps: list[_Read]) -> list[Any]:
    values: list[Any] = [manifest]
    for step in steps:
        values = [found for value in values for found in step(value)]
    return values


def _dig(value: Any, path: list[str]) -> Any:
    for field in path:
        value = value.get(field) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
