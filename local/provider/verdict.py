"""The three answers to "is this object live?" and what they are drawn from."""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

Manifest: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ready:
    """The object is what it should become."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not yet; `reason` says what is awaited."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """It will not become live by itself, once this has been so for `after_s` seconds.

    `code` tells kinds of failure apart (its clock starts again when it changes). Where a pod is at fault, `pod` and
    `container` name it, and `evidence` what else is worth showing: its "log", or its "events".
    """

    reason: str
    code: str
    after_s: float = 0.0
    pod: str = ""
    container: str = ""
    evidence: str = ""


Verdict: TypeAlias = Ready | Waiting | Failed


@dataclass(slots=True)
class Related:
    """The objects around the one that is judged, as far as they are known yet."""

    pods: list[Manifest] = field(default_factory=list)
    replica_sets: list[Manifest] = field(default_factory=list)
    slices: list[Manifest] = field(default_factory=list)
    events: list[Manifest] = field(default_factory=list)


def condition(manifest: Manifest, kind: str) -> Manifest:
    """The status condition of that type; empty when there is none."""
    for item in (manifest.get("status") or {}).get("conditions") or []:
        if item.get("type") == kind:
            found: Manifest = item
            return found
    return {}


def name(manifest: Manifest) -> str:
    """metadata.name."""
    return str(manifest.get("metadata", {}).get("name", ""))
