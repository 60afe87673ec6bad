"""Define the errors that users see: one family, each a whole message and an exit code."""

import difflib
import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from slipway_server.values.text import shortened


class Place(NamedTuple):
    """Where a person wrote something: a file as the user named it, and a line counted from 1 when there is one."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


class SlipwayError(Exception):
    """Something other than the user's input or the deployment itself failed: exit 3."""

    exit_code = 3


class DeployError(SlipwayError):
    """A deployment failed; what was serving before still serves: exit 2."""

    exit_code = 2


class UserError(SlipwayError):
    """The user's input was refused and nothing was changed: exit 1. `str()` is the whole message."""

    exit_code = 1

    def __init__(self, place: Place, field: str | None, problem: str, allowed: str, todo: str) -> None:
        super().__init__(place, field, problem, allowed, todo)
        self.place = place
        self.field = field
        self.problem = problem
        self.allowed = allowed
        self.todo = todo

    def __str__(self) -> str:
        where = _line(f"{self.place}: {self.field}" if self.field else str(self.place))
        return f"{where}: {_line(self.problem)}; allowed: {_line(self.allowed, 1500)}; next: {_line(self.todo)}"


class FileRefused(UserError):
    """A file or folder as a whole cannot be used: missing, unreadable, too large, not UTF-8."""

    def __init__(self, file: str, problem: str, allowed: str, todo: str) -> None:
        super().__init__(Place(file), None, problem, allowed, todo)


class SyntaxRefused(UserError):
    """A line is not the YAML that Slipway reads."""

    def __init__(self, file: str, line: int, problem: str, allowed: str, todo: str) -> None:
        super().__init__(Place(file, line), None, problem, allowed, todo)


class UnknownKey(UserError):
    """A key that nothing reads; the nearest known one is named, since most of these are slips of the finger."""

    def __init__(self, place: Place, field: str, key: str, known: Sequence[str], *, of_a_format: bool = False) -> None:
        """`of_a_format`: what may be written there grows from version to version of Slipway."""
        near = nearest(key, known)
        newer = ", or upgrade Slipway if a newer one has it" if of_a_format else ""
        todo = f"write {near} instead of {shown(key)}" if near else f"remove {shown(key)}{newer}"
        super().__init__(place, field, f"unknown key {shown(key)}", ", ".join(known), todo)
        self.meant = f"{field.removesuffix(key)}{near}" if near else None
        """The field that was most likely meant."""


class MissingKey(UserError):
    """A key that has to be there is not."""

    def __init__(self, place: Place, field: str, allowed: str, example: str) -> None:
        super().__init__(place, field, "value missing", allowed, f"add it, for example {example}")


class WrongValue(UserError):
    """A value that cannot be taken; the problem begins with the value itself, unless there is none."""

    def __init__(self, place: Place, field: str, value: object, problem: str, allowed: str, todo: str) -> None:
        super().__init__(place, field, problem if value is None else f"{shown(value)} {problem}", allowed, todo)
        self.value = value


class UnknownName(UserError):
    """Something was asked for by a name that nothing has. `todo`: when no known name is near; else to add a file."""

    def __init__(self, place: Place, field: str, name: str, known: Sequence[str], todo: str | None = None) -> None:
        near = nearest(name, known)
        todo = f"did you mean {near}?" if near else todo or f"name one of those, or add a file for {shown(name)}"
        allowed = ", ".join(known) if known else "none exists yet"
        super().__init__(place, field, f"{shown(name)} is not known", allowed, todo)


class UserErrors(UserError):
    """Everything wrong in everything that was read, so that nobody corrects one line at a time."""

    def __init__(self, findings: Iterable[UserError]) -> None:
        self.findings = tuple(
            sorted(
                (single for finding in findings for single in each(finding)),
                key=lambda f: (f.place.file, f.place.line or 0),
            )
        )
        first = self.findings[0]
        super().__init__(first.place, first.field, first.problem, first.allowed, first.todo)

    def __str__(self) -> str:
        return "\n".join(str(finding) for finding in self.findings)


def each(error: UserError) -> tuple[UserError, ...]:
    """The single findings of an error."""
    return error.findings if isinstance(error, UserErrors) else (error,)


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that `word` was most likely meant to be."""
    lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word[:100].lower(), lower, n=1, cutoff=0.6)
    return lower[found[0]] if found else None


def _line(text: str, limit: int = 500) -> str:
    """A text as one line that a terminal shows as it is, whatever was in the file."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shortened(text, limit))
    return shortened(text, limit)


def shown(value: object, limit: int = 80) -> str:
    """A value as one printable line; control characters are escaped, long ones cut."""
    return shortened(json.dumps(value, default=str), limit)
