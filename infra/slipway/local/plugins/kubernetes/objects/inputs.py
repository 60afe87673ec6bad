"""Complete and check a resource's inputs: apiVersion, kind, name and namespace, as the real plugin does."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from slipway.local.plugins.kubernetes.client.kinds import Kind
from slipway.local.plugins.kubernetes.objects.checkpoint import READ_ONLY
from slipway.local.plugins.protocol.properties import UNKNOWN, Object, Secret

AUTONAMED = "pulumi.com/autonamed"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An input that is wrong: the property's path and why."""

    path: str
    reason: str


def complete(
    news: Object, olds: Object, kind: Kind, name: str, seed: bytes, namespace: str | None
) -> tuple[Object, list[Refusal]]:
    """The inputs to store and apply, and what is wrong with them.

    `news` is what the program gives, `olds` what it gave before (empty at first), `name` the resource's name in the
    program, `seed` the engine's randomness, `namespace` the one for objects that name none (None: the kind has none).
    A resource without metadata.name gets `<name>-<8 hex>` and keeps it from then on.
    """
    inputs: Object = {"apiVersion": kind.api_version, "kind": kind.kind, **news}
    metadata = inputs.get("metadata", {})
    if metadata is UNKNOWN:
        return inputs, []
    secret = isinstance(metadata, Secret)
    metadata = metadata.value if isinstance(metadata, Secret) else metadata
    refusals = list(_shape(inputs, metadata))
    if refusals:
        return inputs, refusals
    metadata = {key: item for key, item in metadata.items() if key not in READ_ONLY}
    if not metadata.get("name") and not metadata.get("generateName"):
        metadata = _named(metadata, olds, name, seed)
    if namespace is None:
        metadata.pop("namespace", None)
    elif not metadata.get("namespace"):
        metadata["namespace"] = namespace
    return {**inputs, "metadata": Secret(metadata) if secret else metadata}, []


def _shape(inputs: Object, metadata: Any) -> list[Refusal]:
    refusals = []
    if not isinstance(metadata, dict):
        return [
            Refusal("metadata", f"is a {_type(metadata)}; expected a map with name, namespace, labels, annotations")
        ]
    for field in ("name", "namespace", "generateName"):
        value = metadata.get(field)
        if value is not None and value is not UNKNOWN and not isinstance(value, (str, Secret)):
            refusals.append(Refusal(f"metadata.{field}", f"is a {_type(value)}; expected text"))
    for field in ("labels", "annotations"):
        held = metadata.get(field)
        if held is None or held is UNKNOWN or isinstance(held, Secret):
            continue
        if not isinstance(held, dict):
            refusals.append(Refusal(f"metadata.{field}", f"is a {_type(held)}; expected a map of texts"))
            continue
        refusals += [
            Refusal(f'metadata.{field}["{key}"]', f"is a {_type(item)}; expected text: quote it")
            for key, item in held.items()
            if item is not UNKNOWN and not isinstance(item, (str, Secret))
        ]
    refusals += [
        Refusal(field, f"is a {_type(inputs[field])}; expected text")
        for field in ("apiVersion", "kind")
        if inputs[field] is not UNKNOWN and not isinstance(inputs[field], str)
    ]
    return refusals


def _type(value: Any) -> str:
    names = {bool: "boolean", int: "number", float: "number", str: "text", list: "list", dict: "map"}
    return names.get(type(value), type(value).__name__)


def _named(metadata: Object, olds: Object, name: str, seed: bytes) -> Object:
    before = olds.get("metadata", {})
    before = before.value if isinstance(before, Secret) else before
    kept = before.get("name") if isinstance(before, dict) and (before.get("annotations") or {}).get(AUTONAMED) else None
    digits = hashlib.sha256(seed + name.encode()).hexdigest()[:8] if seed else secrets.token_hex(4)
    annotations = metadata.get("annotations") or {}
    if not isinstance(annotations, dict):
        return {**metadata, "name": kept or f"{name}-{digits}"}
    return {**metadata, "name": kept or f"{name}-{digits}", "annotations": {**annotations, AUTONAMED: "true"}}


def is_autonamed(inputs: dict[str, Any]) -> bool:
    """Whether the name was made by `complete`, so that a replacement may stand beside what it replaces."""
    annotations = (inputs.get("metadata") or {}).get("annotations")
    return isinstance(annotations, dict) and annotations.get(AUTONAMED) == "true"
