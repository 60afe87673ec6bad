"""Read what the Pulumi CLI printed with --json into one outcome."""

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from slipway.values.listing import some

_VERBS = {
    "create": "creating",
    "update": "updating",
    "delete": "deleting",
    "replace": "replacing",
    "create-replacement": "replacing",
    "delete-replaced": "deleting the old",
    "refresh": "reading",
    "import": "importing",
}
"""What a person calls the engine's steps; of the others nobody waits for one."""
_NAMED = 3
_TELL_S = 1.0
_NOISE = ("update failed", "destroy failed", "preview failed")
_PREFIXES = ("error: ", "an unhandled error occurred: ", "Exception calling application: ")
"""What the engine and gRPC put before the sentence of a program that failed, which comes twice then."""
_COLOUR = re.compile(r"<\{%.*?%\}>|\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Outcome:
    """How an operation ended. `changes` counts the engine's steps by kind; `errors` are its diagnostics.

    An error begins with the resource it is about, when it is about one.
    """

    failed: bool
    changes: dict[str, int]
    errors: tuple[str, ...]

    @property
    def changed(self) -> int:
        """How many objects were created, updated, replaced or deleted."""
        return sum(count for kind, count in self.changes.items() if kind not in ("same", "read", "refresh"))


class Steps:
    """What the engine is doing now, from its events as they arrive."""

    def __init__(self) -> None:
        self._under_way: dict[str, str] = {}
        self._done = 0

    def follow(self, line: str) -> str | None:
        """What to show after one line of the engine's output; None when it changed nothing."""
        for event in _events(line):
            if begun := _step(event, "resourcePreEvent"):
                self._under_way[begun["urn"]] = f"{_VERBS[begun['op']]} {resource_of(begun['urn'])}"
                return str(self)
            if ended := _step(event, "resOutputsEvent") or _step(event, "resOpFailedEvent"):
                self._done += self._under_way.pop(ended["urn"], None) is not None
                return str(self) if self._under_way else None
        return None

    def __str__(self) -> str:
        return (f"{self._done} done; " if self._done else "") + some(list(self._under_way.values()), _NAMED)


def followed(lines: Iterable[str], report: Callable[[str], None]) -> Iterator[str]:
    """Pass lines on, and tell at most once a second what the engine does."""
    steps, told = Steps(), 0.0
    for line in lines:
        text = steps.follow(line)
        if text and time.monotonic() - told >= _TELL_S:
            report(text)
            told = time.monotonic()
        yield line


def _step(event: dict[str, Any], kind: str) -> dict[str, Any] | None:
    """The step that an event is about, when a provider works on it: components are nothing to wait for."""
    step: dict[str, Any] = event.get(kind, {}).get("metadata") or {}
    state = step.get("new") or step.get("old") or {}
    waited_for = state.get("custom") and not step.get("type", "").startswith("pulumi:")
    return step if step.get("op") in _VERBS and waited_for else None


def outcome(returncode: int, stdout: str, stderr: str) -> Outcome:
    """Sum up one finished command from its event stream and its standard error."""
    errors: list[str] = []
    changes: dict[str, int] = {}
    for event in _events(stdout):
        if diagnostic := event.get("diagnosticEvent"):
            if diagnostic.get("severity") == "error":
                _add(errors, _about(diagnostic.get("urn", "")) + diagnostic["message"])
        elif summary := event.get("summaryEvent"):
            changes = dict(summary.get("resourceChanges") or {})
    if returncode and not errors:
        _add(errors, stderr or stdout or f"the Pulumi CLI ended with code {returncode}")
    return Outcome(failed=returncode != 0, changes=changes, errors=tuple(errors))


def _events(stdout: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON lines; anything else that a command printed is passed over."""
    for line in stdout.splitlines():
        if line.startswith("{"):
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                yield event


def resource_of(urn: str) -> str:
    """`urn:...::kubernetes:apps/v1:Deployment::digits` gives `Deployment digits`; empty for a stack itself."""
    parts = urn.split("::")
    if len(parts) < 4 or parts[2].startswith("pulumi:pulumi:"):
        return ""
    return f"{parts[2].rpartition(':')[2].rpartition('$')[2]} {parts[3]}"


def _about(urn: str) -> str:
    """The resource that a diagnostic is about, and what stands before it."""
    resource = resource_of(urn)
    return f"{resource}: " if resource else ""


def distinct(texts: Iterable[str]) -> tuple[str, ...]:
    """Diagnostics, each once, without colour codes and the engine's own closing line."""
    errors: list[str] = []
    for text in texts:
        _add(errors, text)
    return tuple(errors)


def _add(errors: list[str], text: str) -> None:
    """Keep a diagnostic once, without colour codes and the engine's own closing line."""
    clean = _COLOUR.sub("", text).strip()
    for prefix in _PREFIXES:
        clean = clean.removeprefix(prefix).strip()
    if clean and clean not in _NOISE and not any(clean in known for known in errors):
        errors.append(clean)
