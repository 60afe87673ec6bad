"""Create, update, read and delete one object: what the protocol's calls of these names do to the cluster."""

import asyncio
from dataclasses import dataclass
from functools import cached_property

from slipway.local.plugins.kubernetes.client.api import APPLY, JSON, Answer, ApiError, UnreachableError
from slipway.local.plugins.kubernetes.client.clusters import Cluster
from slipway.local.plugins.kubernetes.client.connections import Connection
from slipway.local.plugins.kubernetes.client.discovery import KindMissingError
from slipway.local.plugins.kubernetes.client.kinds import Kind, of
from slipway.local.plugins.kubernetes.client.refusals import already_there, explain
from slipway.local.plugins.kubernetes.objects import checkpoint, gone
from slipway.local.plugins.kubernetes.waiting import settle, watching
from slipway.local.plugins.kubernetes.waiting.settle import NotLiveError
from slipway.local.plugins.kubernetes.waiting.verdict import Manifest, Related
from slipway.local.plugins.protocol.errors import InitError, OperationError
from slipway.local.plugins.protocol.properties import Object, plain

FORCE = "pulumi.com/patchForce"
_PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Before each further try when what another resource of the program makes, a namespace or a kind, is missing."""


_LET_GO = frozenset(
    {
        ("", "Namespace"), ("", "Pod"), ("", "ReplicationController"), ("apps", "DaemonSet"), ("apps", "Deployment"),
        ("apps", "StatefulSet"), ("batch", "Job"),
    }
)  # fmt: skip
"""Kinds for which the real plugin takes skipAwait for deletion too; others are waited for all the same."""


@dataclass(frozen=True)
class Target:
    """One resource of a program on its way to the cluster."""

    connection: Connection
    cluster: Cluster
    urn: str
    inputs: Object
    manager: str

    @cached_property
    def manifest(self) -> Manifest:
        """The object to send."""
        sent: Manifest = plain(self.inputs)
        return sent

    @cached_property
    def kind(self) -> Kind:
        """Its kind."""
        return of(self.manifest)

    async def say(self, message: str) -> None:
        """Tell progress."""
        await self.connection.engine.progress(message, self.urn)


async def apply(target: Target, *, dry_run: bool) -> Answer:
    """Send the object by server-side apply. Raises ApiError, KindMissingError, UnreachableError."""
    manifest = target.manifest
    resource = await target.cluster.discovery.find(target.kind)
    metadata = manifest["metadata"]
    params = {"fieldManager": target.manager, "fieldValidation": "Strict"}
    if dry_run:
        params["dryRun"] = "All"
    namespace = metadata.get("namespace", "")
    if "name" not in metadata:
        answer = await target.cluster.api.request("POST", resource.collection(namespace), params, manifest, JSON)
    else:
        settings, _ = target.connection.configured()
        force = watching.annotations(manifest).get(FORCE, str(settings.enablePatchForce).lower())
        params["force"] = "true" if force == "true" else "false"
        path = resource.path(namespace, metadata["name"])
        answer = await target.cluster.api.request("PATCH", path, params, manifest, APPLY)
    if answer.warnings and not dry_run:
        await _warn(target, answer.warnings)
    return answer


async def _warn(target: Target, warnings: list[str]) -> None:
    settings, _ = target.connection.configured()
    for warning in warnings:
        if not (settings.suppressDeprecationWarnings and "deprecated" in warning):
            await target.connection.engine.warning(warning, target.urn)


async def create(target: Target, timeout_s: float) -> tuple[str, Object]:
    """Make the object and wait until it is live; (id, state). Raises OperationError, InitError."""
    identifier = checkpoint.object_id(target.manifest)
    _check_annotations(target.manifest, timeout_s)
    settings, _ = target.connection.configured()
    try:
        if not settings.upsertExistingObjects and await _exists(target):
            raise OperationError(already_there(target.kind, identifier))
        answer = await _apply_when_possible(target)
    except (ApiError, KindMissingError, UnreachableError) as error:
        raise _refused(error, target.kind, identifier) from error
    return await _finish(target, answer.body, timeout_s, target.manifest["apiVersion"])


async def _exists(target: Target) -> bool:
    metadata = target.manifest["metadata"]
    if "name" not in metadata:
        return False
    try:
        resource = await target.cluster.discovery.find(target.kind)
        await target.cluster.api.get(resource.path(metadata.get("namespace", ""), metadata["name"]))
    except KindMissingError:
        return False
    except ApiError as error:
        if error.code == 404:
            return False
        raise
    return True


async def _apply_when_possible(target: Target) -> Answer:
    """Apply; a namespace or a kind that is only just being made gets some seconds to appear."""
    for pause_s in _PAUSES_S:
        try:
            return await apply(target, dry_run=False)
        except (ApiError, KindMissingError) as error:
            if isinstance(error, ApiError) and error.code != 404:
                raise
            await target.say(f"waits for what it needs: {error}")
        try:
            await asyncio.wait_for(target.connection.cancelled.wait(), pause_s)
        except TimeoutError:
            continue
        raise OperationError("cancelled")
    return await apply(target, dry_run=False)


async def update(target: Target, state: Object, timeout_s: float) -> Object:
    """Change the object and wait until it is live again; its state. Raises OperationError, InitError."""
    identifier = checkpoint.object_id(target.manifest)
    _check_annotations(target.manifest, timeout_s)
    try:
        answer = await apply(target, dry_run=False)
        await _release(target, state)
    except (ApiError, KindMissingError, UnreachableError) as error:
        raise _refused(error, target.kind, identifier) from error
    return (await _finish(target, answer.body, timeout_s, checkpoint.api_version(state, target.manifest)))[1]


async def _release(target: Target, state: Object) -> None:
    """Give up the fields that are held under a previous manager's name, else nobody could remove them later."""
    old_inputs, _ = checkpoint.unpack(state)
    before = checkpoint.field_manager(state, plain(old_inputs), target.urn)
    if before == target.manager:
        return
    manifest = target.manifest
    metadata = manifest["metadata"]
    resource = await target.cluster.discovery.find(target.kind)
    nothing = {
        "apiVersion": manifest["apiVersion"], "kind": manifest["kind"], "metadata": {"name": metadata["name"]},
    }  # fmt: skip
    path = resource.path(metadata.get("namespace", ""), metadata["name"])
    await target.cluster.api.request("PATCH", path, {"fieldManager": before, "force": "false"}, nothing, APPLY)


async def _finish(target: Target, live: Manifest, timeout_s: float, api_version: str) -> tuple[str, Object]:
    resource = await target.cluster.discovery.find(target.kind)
    connection = target.connection
    identifier = checkpoint.object_id(live)
    try:
        live = await settle.settle(target.cluster.api, resource, live, timeout_s, connection.cancelled, target.say)
    except NotLiveError as error:
        state = checkpoint.pack(target.inputs, error.live, api_version, target.manager)
        reason = f"{target.kind.kind} {identifier}: {error.reason}"
        raise InitError(reason, identifier, state, state["__inputs"]) from error
    if target.kind.kind == "CustomResourceDefinition":
        target.cluster.discovery.forget()
    return identifier, checkpoint.pack(target.inputs, live, api_version, target.manager)


def _check_annotations(manifest: Manifest, timeout_s: float) -> None:
    """Refuse annotations that cannot be read before anything is sent."""
    try:
        watching.rule(manifest)
        watching.limit_s(manifest, timeout_s)
        gone.policy(manifest)
    except ValueError as error:
        raise OperationError(f"{of(manifest).kind} {checkpoint.object_id(manifest)}: {error}") from error


def _refused(error: ApiError | KindMissingError | UnreachableError, kind: Kind, identifier: str) -> OperationError:
    if isinstance(error, ApiError):
        return OperationError(explain(error, kind, identifier))
    return OperationError(f"{kind.kind} {identifier}: {error}")


async def read(cluster: Cluster, kind: Kind, identifier: str) -> Manifest | None:
    """The object as it is; None when it (or its kind) does not exist. Raises OperationError."""
    namespace, name = checkpoint.parse_id(identifier)
    try:
        resource = await cluster.discovery.find(kind)
        if resource.namespaced and not namespace:
            namespace = cluster.api.namespace
        return await cluster.api.get(resource.path(namespace, name))
    except KindMissingError:
        return None
    except ApiError as error:
        if error.code == 404:
            return None
        raise _refused(error, kind, identifier) from error
    except UnreachableError as error:
        raise _refused(error, kind, identifier) from error


async def trouble(cluster: Cluster, live: Manifest) -> str | None:
    """Why an object is not live now; None when it is, or when a refresh does not look."""
    related = Related()
    for name, (path, which) in settle.surroundings(live).items():
        setattr(related, name, (await cluster.api.get(path, **which)).get("items") or [])
    return watching.now_ready(live, related)


async def delete(
    connection: Connection, cluster: Cluster, urn: str, identifier: str, state: Object, timeout_s: float
) -> None:
    """Delete the object and wait until it is gone; those of some kinds are not waited for that ask for no waiting.

    Raises OperationError, InitError (accepted, not complete).
    """
    inputs, live = checkpoint.unpack(state)
    kind = of(live) if live.get("kind") else of(plain(inputs))
    namespace, name = checkpoint.parse_id(identifier)

    async def say(message: str) -> None:
        await connection.engine.progress(message, urn)

    try:
        resource = await cluster.discovery.find(kind)
        if resource.namespaced and not namespace:
            namespace = cluster.api.namespace
        limit = watching.limit_s(live, timeout_s)
        if (kind.group, kind.kind) in _LET_GO and watching.skipped(plain(inputs)):
            limit = 0.0
        await gone.delete(cluster.api, resource, live, namespace, name, limit, connection.cancelled, say)
    except KindMissingError:
        return
    except NotLiveError as error:
        manager = checkpoint.field_manager(state, plain(inputs), urn)
        left = checkpoint.pack(inputs, error.live, checkpoint.api_version(state, plain(inputs)), manager)
        raise InitError(f"{kind.kind} {identifier}: {error.reason}", identifier, left, left["__inputs"]) from error
    except ValueError as error:
        raise OperationError(f"{kind.kind} {identifier}: {error}") from error
    except (ApiError, UnreachableError) as error:
        raise _refused(error, kind, identifier) from error
    if kind.kind == "CustomResourceDefinition":
        cluster.discovery.forget()
