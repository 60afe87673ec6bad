"""Foresee what a change does: which fields differ, whether that replaces the object, what it will look like."""

import base64
from dataclasses import dataclass
from typing import Any

from slipway.local.plugins.kubernetes.client.api import ApiError, UnreachableError
from slipway.local.plugins.kubernetes.client.discovery import KindMissingError
from slipway.local.plugins.kubernetes.client.refusals import explain
from slipway.local.plugins.kubernetes.client.settings import Settings
from slipway.local.plugins.kubernetes.objects import immutable
from slipway.local.plugins.kubernetes.objects.checkpoint import READ_ONLY
from slipway.local.plugins.kubernetes.objects.difference import changes, prune, under
from slipway.local.plugins.kubernetes.objects.inputs import is_autonamed
from slipway.local.plugins.kubernetes.objects.operations import Target, apply, read
from slipway.local.plugins.kubernetes.waiting.verdict import Manifest, Ready, Related
from slipway.local.plugins.kubernetes.waiting.workloads import job
from slipway.local.plugins.protocol.changes import Change, render
from slipway.local.plugins.protocol.errors import OperationError
from slipway.local.plugins.protocol.properties import UNKNOWN, Object, has_unknown, plain

REPLACE_UNREADY = "pulumi.com/replaceUnready"
_ALLOCATED = {
    "metadata": ("creationTimestamp", "generation", "resourceVersion", "uid", "managedFields", "selfLink"),
    "spec": ("clusterIP", "clusterIPs", "healthCheckNodePort"),
}
"""What the server chooses anew when the object is really made: a preview must not promise its guesses."""


_SERVERS_NOTES = frozenset({"deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration"})


@dataclass(frozen=True, slots=True)
class Plan:
    """What an update would do: the fields, those among them that force a replacement, and its order."""

    changes: list[Change]
    replaces: list[str]
    delete_first: bool


def compare(old_inputs: Object, new_inputs: Object, settings: Settings, target: Target) -> Plan:
    """Plan by what is known without asking the cluster."""
    old, new = plain(old_inputs), plain(new_inputs)
    found = sorted(changes(old, new), key=str)
    fields = immutable.fields(
        target.kind,
        new,
        mutable_config_maps=settings.enableConfigMapMutable,
        mutable_secrets=settings.enableSecretMutable,
    )
    replaces = [str(change) for change in found if under(str(change), fields)]
    return _ordered(found, replaces, old, new)


def _ordered(found: list[Change], replaces: list[str], old: Manifest, new: Manifest) -> Plan:
    """A replacement under the same name can only be made after what it replaces is gone."""
    before, after = old.get("metadata") or {}, new.get("metadata") or {}
    same = isinstance(before, dict) and isinstance(after, dict) and all(
        before.get(field) == after.get(field) for field in ("name", "namespace")
    )  # fmt: skip
    return Plan(found, replaces, bool(replaces) and same and not is_autonamed(new))


async def plan(target: Target, old_inputs: Object, settings: Settings) -> Plan:
    """Plan an update; the API server is asked (dry run) whether it would take it, unless a replacement is certain.

    Other refusals than of immutable fields are left to the update itself to report.
    """
    known = compare(old_inputs, target.inputs, settings, target)
    if settings_want_new_job(target.manifest) and not known.replaces and not await _job_is_ready(target):
        path = render(("metadata", "annotations", REPLACE_UNREADY))
        old = plain(old_inputs)
        return _ordered(
            [*known.changes, Change(("metadata", "annotations", REPLACE_UNREADY), "update")],
            [path],
            old,
            target.manifest,
        )
    if not known.changes or known.replaces or has_unknown(target.inputs):
        return known
    try:
        await apply(target, dry_run=True)
    except ApiError as error:
        refused = immutable.refused_fields(error.status) if error.code == 422 else None
        if refused is None:
            return known
        paths = [str(change) for change in known.changes]
        replaces = (
            [path for path in paths if under(path, refused)]
            or [path for path in paths if path.startswith("spec")]
            or paths
        )
        return _ordered(known.changes, replaces, plain(old_inputs), target.manifest)
    except (KindMissingError, UnreachableError):
        return known
    return known


def settings_want_new_job(manifest: Manifest) -> bool:
    """Whether the annotation asks for a Job that is not complete to be replaced."""
    found = (manifest.get("metadata") or {}).get("annotations")
    return manifest.get("kind") == "Job" and isinstance(found, dict) and found.get(REPLACE_UNREADY) == "true"


async def _job_is_ready(target: Target) -> bool:
    metadata = target.manifest["metadata"]
    live = await read(target.cluster, target.kind, f"{metadata.get('namespace', '')}/{metadata.get('name', '')}")
    return live is None or isinstance(job(live, Related()), Ready)


async def foresee(target: Target, *, creating: bool) -> Manifest | None:
    """What the object would look like, by a dry run; None when that cannot be told yet.

    It cannot while inputs are unknown, the namespace or the kind is yet to be made by the same program, the caller may
    not do it, or an object of this name is about to be replaced. Raises OperationError for what would be refused.
    """
    if has_unknown(target.inputs):
        return None
    kind, manifest = target.kind, target.manifest
    try:
        answer = await apply(target, dry_run=True)
    except KindMissingError:
        return None
    except UnreachableError as error:
        raise OperationError(f"{kind.kind}: {error}") from error
    except ApiError as error:
        if _later(error) or (creating and error.code in (409, 422) and await _taken(target)):
            return None
        raise OperationError(explain(error, kind, _identifier(manifest))) from error
    if creating and not answer.created and "name" in manifest["metadata"]:
        return None
    return _promise(answer.body) if creating else answer.body


def _identifier(manifest: Manifest) -> str:
    metadata = manifest["metadata"]
    return "/".join(text for text in (metadata.get("namespace"), metadata.get("name")) if text)


def _later(error: ApiError) -> bool:
    missing_namespace = error.code == 404
    return missing_namespace or error.code == 403 or (error.code == 400 and "dry run" in str(error))


async def _taken(target: Target) -> bool:
    return await read(target.cluster, target.kind, _identifier(target.manifest)) is not None


def _promise(answer: Manifest) -> Manifest:
    """A dry run's answer with what only the real creation will choose marked as unknown."""
    promise: dict[str, Any] = {key: item for key, item in answer.items() if key != "status"}
    for part, fields in _ALLOCATED.items():
        held = promise.get(part)
        if isinstance(held, dict) and (part == "metadata" or answer.get("kind") == "Service"):
            promise[part] = {key: UNKNOWN if key in fields and item != "None" else item for key, item in held.items()}
    spec = promise.get("spec")
    if answer.get("kind") == "Service" and isinstance(spec, dict) and isinstance(spec.get("ports"), list):
        spec["ports"] = [{**port, "nodePort": UNKNOWN} if "nodePort" in port else port for port in spec["ports"]]
    return promise


def refreshed(live: Manifest, old_inputs: Object) -> Manifest:
    """The inputs as the live object has them now: drift in what the program manages, and nothing else."""
    given = plain(old_inputs)
    now: Manifest = prune(live, given)
    if given.get("kind") == "Secret" and isinstance(given.get("stringData"), dict):
        now["stringData"] = _string_data(live, given["stringData"])
    return now


def _string_data(live: Manifest, given: dict[str, Any]) -> dict[str, Any]:
    """stringData is written, never read: look at what it became."""
    data = live.get("data") or {}
    return {
        key: value if data[key] == base64.b64encode(str(value).encode()).decode() else "(changed in the cluster)"
        for key, value in given.items()
        if key in data
    }


def imported(live: Manifest) -> Manifest:
    """Inputs for an object that this program did not make: all of it but what the server alone writes."""
    metadata = {key: item for key, item in live["metadata"].items() if key not in READ_ONLY}
    noted = {key: item for key, item in (metadata.get("annotations") or {}).items() if key not in _SERVERS_NOTES}
    metadata.pop("annotations", None)
    if noted:
        metadata["annotations"] = noted
    return {**{key: item for key, item in live.items() if key != "status"}, "metadata": metadata}
