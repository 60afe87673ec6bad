"""Lay out a resource's state as the real plugin does: the live object, beside it the inputs it was made from."""

import hashlib
from typing import Any

from slipway.local.plugins.protocol.properties import Object, Secret, mark_secrets, plain

_INPUTS = "__inputs"
_API_VERSION = "__initialApiVersion"
_MANAGER = "__fieldManager"
MANAGER_ANNOTATION = "pulumi.com/patchFieldManager"

READ_ONLY = (
    "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields",
    "resourceVersion", "uid",
)  # fmt: skip
"""Fields of metadata that the server writes; in inputs they would fight with it."""


def pack(inputs: Object, live: dict[str, Any], api_version: str, manager: str) -> Object:
    """The state to store. `inputs` may hold secrets; what they make secret in the live object is marked.

    managedFields are left out: nothing reads them, and they are often half of an object's size, which the engine
    writes to its backend after every step.
    """
    outputs = dict(live)
    if "managedFields" in outputs.get("metadata", {}):
        outputs["metadata"] = {key: item for key, item in outputs["metadata"].items() if key != "managedFields"}
    outputs = mark_secrets(outputs, inputs)
    return {**outputs, _INPUTS: mark_secrets(inputs, inputs), _API_VERSION: api_version, _MANAGER: manager}


def mark(manifest: dict[str, Any], inputs: Object) -> Object:
    """`manifest` with what is secret in `inputs` marked as secret."""
    return mark_secrets(manifest, inputs)


def unpack(state: Object) -> tuple[Object, dict[str, Any]]:
    """The inputs (secrets kept) and the live object (plain) in a state; both empty for a state without them."""
    inputs = state.get(_INPUTS, {})
    live = {key: plain(item) for key, item in state.items() if key not in (_INPUTS, _API_VERSION, _MANAGER)}
    return (inputs.value if isinstance(inputs, Secret) else inputs), live


def api_version(state: Object, inputs: dict[str, Any]) -> str:
    """The apiVersion that the object was first made with."""
    return str(state.get(_API_VERSION) or inputs.get("apiVersion", ""))


def field_manager(state: Object, inputs: dict[str, Any], urn: str) -> str:
    """Whose name the fields are written under: the annotation's, else the state's, else one made from the URN.

    The real plugin draws a random name per object. Ours has the same form but follows from the URN, so that an object
    whose creation was cut off before the state was written is taken up again without a conflict with itself.
    """
    annotations = (inputs.get("metadata") or {}).get("annotations") or {}
    named = annotations.get(MANAGER_ANNOTATION) if isinstance(annotations, dict) else None
    if isinstance(named, str) and named:
        return named
    return str(state.get(_MANAGER) or f"pulumi-kubernetes-{hashlib.sha256(urn.encode()).hexdigest()[:8]}")


def object_id(manifest: dict[str, Any]) -> str:
    """`namespace/name`, or `name` for what is in no namespace."""
    metadata = manifest.get("metadata", {})
    namespace = metadata.get("namespace")
    return f"{namespace}/{metadata.get('name', '')}" if namespace else str(metadata.get("name", ""))


def parse_id(identifier: str) -> tuple[str, str]:
    """(namespace or empty, name)."""
    namespace, _, name = identifier.rpartition("/")
    return namespace, name
