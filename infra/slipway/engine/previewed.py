"""Read what `pulumi preview --json` printed: what an update of one stack would do, resource by resource."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slipway.engine.events import distinct, resource_of

_NAMES = {
    "create": "create",
    "update": "update",
    "delete": "delete",
    "import": "create",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
}
"""What the engine's steps come to for people. Of a replacement there are two or three steps: it counts once."""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """What the engine would do with one resource.

    Attributes:
        does: `create`, `update`, `delete` or `replace`.
        resource: kind and name: `Deployment digits`.
        urn: the engine's own name of it.
        because: names of the properties that differ, sorted; never their values, which may be secret.
    """

    does: str
    resource: str
    urn: str
    because: tuple[str, ...]

    def line(self) -> str:
        """For people: `update Deployment digits (spec)`."""
        return f"{self.does} {self.resource}" + (f" ({', '.join(self.because)})" if self.because else "")


@dataclass(frozen=True, slots=True)
class StackPreview:
    """What an update of one stack would do. `same`: how many resources stay as they are, itself included."""

    stack: str
    steps: tuple[PlannedStep, ...]
    same: int

    @property
    def counts(self) -> dict[str, int]:
        """How many resources of each kind of step, only those that there are."""
        found = Counter(step.does for step in self.steps)
        return {does: found[does] for does in ("create", "update", "replace", "delete") if found[does]}

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        steps = [
            {"does": one.does, "resource": one.resource, "urn": one.urn, "because": list(one.because)}
            for one in self.steps
        ]
        return {"stack": self.stack, "counts": self.counts, "same": self.same, "steps": steps}


def previewed(stack: str, printed: str) -> StackPreview:
    """What the CLI printed for a stack.

    Raises:
        ValueError: it is no document of the form that `pulumi preview --json` prints.
    """
    document = json.loads(printed)
    if not isinstance(document, dict):
        raise ValueError("no object of JSON")
    steps: dict[str, PlannedStep] = {}
    for step in document.get("steps") or []:
        does = _NAMES.get(step["op"])
        # A step about the stack itself, or about a component, says nothing that its parts do not.
        if does is None or not _is_custom(step):
            continue
        steps.setdefault(step["urn"], PlannedStep(does, resource_of(step["urn"]), step["urn"], _because(step)))
    # Of what stays as it is the document has the number alone; the stack itself and components are among it.
    same = (document.get("changeSummary") or {}).get("same", 0)
    return StackPreview(stack, tuple(sorted(steps.values(), key=lambda one: (one.resource, one.urn))), same)


def _is_custom(step: Mapping[str, Any]) -> bool:
    state = step.get("newState") or step.get("oldState") or {}
    return bool(state.get("custom")) and not str(state.get("type", "")).startswith("pulumi:")


def _because(step: Mapping[str, Any]) -> tuple[str, ...]:
    """The properties that differ, as deep as the engine tells; nothing of what is made or deleted as a whole."""
    detailed: Mapping[str, Any] = step.get("detailedDiff") or {}
    reasons: Sequence[str] = list(detailed) or step.get("replaceReasons") or step.get("diffReasons") or []
    return tuple(sorted(set(reasons)))


def diagnostics(printed: str, errors: str) -> tuple[str, ...]:
    """Why a preview failed: the errors in its document, where it printed one; else what it wrote to standard error."""
    try:
        found = json.loads(printed).get("diagnostics") or []
        said = distinct(one["message"] for one in found if one.get("severity") == "error")
    except (ValueError, AttributeError, KeyError, TypeError):
        said = ()
    return said or (errors.strip() or printed.strip() or "the Pulumi CLI said nothing",)
