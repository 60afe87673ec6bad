"""The three answers to "is this object live?" and what they are drawn from."""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

Manifest: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ready:
    """The object is what it should become."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not yet; `reason` says what is awaited, and what stands in its way."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """It is not waited for any longer."""

    reason: str


Verdict: TypeAlias = Ready | Waiting | Failed


@dataclass(slots=True)
class Related:
    """The objects around the one that is judged, as far as they are known yet."""

    pods: list[Manifest] = field(default_factory=list)
    replica_sets: list[Manifest] = field(default_factory=list)
    endpoints: list[Manifest] = field(default_factory=list)
    services: list[Manifest] = field(default_factory=list)
    claims: list[Manifest] = field(default_factory=list)
    events: list[Manifest] = field(default_factory=list)
    settled: bool = False
    """Whether the endpoints have not changed for a while."""
    last_look: bool = False
    """Whether the wait ends with this look: its time is up, or it was cancelled."""


def condition(manifest: Manifest, kind: str) -> Manifest:
    """The status condition of that type; empty when there is none."""
    for item in (manifest.get("status") or {}).get("conditions") or []:
        if item.get("type") == kind:
            found: Manifest = item
            return found
    return {}


def holds(manifest: Manifest, kind: str) -> bool:
    """Whether the status condition of that type is True."""
    return condition(manifest, kind).get("status") == "True"


def name(manifest: Manifest) -> str:
    """metadata.name."""
    return str(manifest.get("metadata", {}).get("name", ""))


def owned(manifest: Manifest, owner: Manifest) -> bool:
    """Whether the object belongs to that one."""
    uid = owner.get("metadata", {}).get("uid")
    return any(item.get("uid") == uid for item in manifest.get("metadata", {}).get("ownerReferences") or [])
