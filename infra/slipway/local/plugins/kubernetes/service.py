"""Answer the provider protocol: read a request, have its work done, write the answer."""

# ruff: noqa: N802 (the protocol names its methods)

from importlib.metadata import version
from typing import Any

from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2

from slipway.local.plugins.kubernetes.client import changes_of_provider, kinds
from slipway.local.plugins.kubernetes.client.api import ApiError, UnreachableError
from slipway.local.plugins.kubernetes.client.connections import Connection, Connections
from slipway.local.plugins.kubernetes.client.discovery import KindMissingError
from slipway.local.plugins.kubernetes.client.kinds import KindRefusedError
from slipway.local.plugins.kubernetes.client.kubeconfig import KubeconfigError
from slipway.local.plugins.kubernetes.client.settings import Settings, parse
from slipway.local.plugins.kubernetes.objects import checkpoint, inputs, operations, preview
from slipway.local.plugins.kubernetes.objects.operations import Target
from slipway.local.plugins.protocol.calls import answering
from slipway.local.plugins.protocol.changes import Change
from slipway.local.plugins.protocol.errors import InitError, OperationError
from slipway.local.plugins.protocol.properties import Object, decode, encode, plain
from slipway.local.plugins.protocol.service import Service, arguments


class Provider(Service[Connection]):
    """The kubernetes provider."""

    package = "kubernetes"
    version = version("pulumi-kubernetes")
    what = "this stand-in for the pulumi-kubernetes plugin"
    notice = (
        f"this is Slipway's stand-in for the pulumi-kubernetes plugin {version}, not the plugin itself: "
        "server-side apply only, for the environment `local`"
    )
    instead = (
        "render the objects beforehand and register each as a resource, custom ones by their apiVersion and kind, "
        "or use the real plugin"
    )
    expected = (ApiError, KindMissingError, KindRefusedError, KubeconfigError, UnreachableError)
    connections: Connections

    def parsed(self, args: Object) -> Settings:
        """The provider's configuration. Raises SettingsError."""
        return parse(args)

    @answering
    async def DiffConfig(self, request: Any, connection: Connection) -> Any:
        """Whether a change of configuration means another cluster, so that all objects must be made anew."""
        return changes_of_provider.compare(decode(request.olds), decode(request.news), connection.environment)

    @answering
    async def Configure(self, request: Any, connection: Connection) -> Any:
        """Take the configuration for this connection; the cluster is not asked anything yet."""
        connection.settings = parse(arguments(request))
        connection.cluster = await self.connections.clusters.find(connection.settings, connection.environment)
        await self.greet(connection)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    @answering
    async def Check(self, request: Any, connection: Connection) -> Any:
        """Complete a resource's inputs and refuse wrong ones."""
        settings, cluster = connection.configured()
        kind = kinds.from_token(kinds.urn_type(request.urn))
        news, olds = decode(request.news), decode(request.olds)
        try:
            namespace = await self._namespace(cluster, kinds.of({**_identity(kind), **plain(news)}))
        except UnreachableError:
            if settings.skipUpdateUnreachable:
                return provider_pb2.CheckResponse(inputs=request.olds)
            raise
        completed, refusals = inputs.complete(
            news, olds, kind, kinds.urn_name(request.urn), request.randomSeed, namespace
        )
        failures = [provider_pb2.CheckFailure(property=refusal.path, reason=refusal.reason) for refusal in refusals]
        return provider_pb2.CheckResponse(inputs=encode(checkpoint.mark(completed, completed)), failures=failures)

    async def _namespace(self, cluster: Any, kind: kinds.Kind) -> str | None:
        try:
            resource = await cluster.discovery.find(kind)
        except KindMissingError:
            return str(cluster.api.namespace)  # most custom resources are in one; the creation corrects it
        return cluster.api.namespace if resource.namespaced else None

    @answering
    async def Diff(self, request: Any, connection: Connection) -> Any:
        """Which fields an update would change, and whether it is a replacement."""
        settings, _ = connection.configured()
        state = decode(request.olds)
        old_inputs = decode(request.old_inputs) or checkpoint.unpack(state)[0]
        target = _target(connection, request.urn, decode(request.news), state)
        found = await preview.plan(target, old_inputs, settings)
        replaces = set(found.replaces)
        detail = {
            str(change): provider_pb2.PropertyDiff(kind=_kind(change, replaced=str(change) in replaces), inputDiff=True)
            for change in found.changes
        }
        some = provider_pb2.DiffResponse.DIFF_SOME if found.changes else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some, replaces=found.replaces, deleteBeforeReplace=found.delete_first,
            detailedDiff=detail, hasDetailedDiff=True,
        )  # fmt: skip

    @answering
    async def Create(self, request: Any, connection: Connection) -> Any:
        """Make an object, or foresee it."""
        given = decode(request.properties)
        target = _target(connection, request.urn, given, {})
        if request.preview:
            foreseen = await preview.foresee(target, creating=True)
            return provider_pb2.CreateResponse(id="", properties=_foreseen(target, foreseen, request.properties))
        identifier, state = await operations.create(target, request.timeout)
        return provider_pb2.CreateResponse(id=identifier, properties=encode(state))

    @answering
    async def Update(self, request: Any, connection: Connection) -> Any:
        """Change an object, or foresee the change."""
        state = decode(request.olds)
        target = _target(connection, request.urn, decode(request.news), state)
        if request.preview:
            foreseen = await preview.foresee(target, creating=False)
            return provider_pb2.UpdateResponse(properties=_foreseen(target, foreseen, request.news))
        return provider_pb2.UpdateResponse(properties=encode(await operations.update(target, state, request.timeout)))

    @answering
    async def Delete(self, request: Any, connection: Connection) -> Any:
        """Delete an object and wait until it is gone."""
        settings, cluster = connection.configured()
        state = decode(request.properties)
        try:
            await operations.delete(connection, cluster, request.urn, request.id, state, request.timeout)
        except OperationError as error:
            if not (settings.deleteUnreachable and isinstance(error.__cause__, UnreachableError)):
                raise
            await connection.engine.warning(
                f"{error}; it is only taken out of the state (deleteUnreachable)", request.urn
            )
        return Empty()

    @answering
    async def Read(self, request: Any, connection: Connection) -> Any:
        """Look at an object for refresh or import."""
        settings, cluster = connection.configured()
        state, old_inputs = decode(request.properties), decode(request.inputs)
        kind = kinds.of(plain(old_inputs)) if old_inputs.get("kind") else kinds.from_token(kinds.urn_type(request.urn))
        try:
            live = await operations.read(cluster, kind, request.id)
        except OperationError as error:
            if not isinstance(error.__cause__, UnreachableError) or not (
                settings.deleteUnreachable or settings.skipUpdateUnreachable
            ):
                raise
            await connection.engine.warning(str(error), request.urn)
            if settings.deleteUnreachable:
                return provider_pb2.ReadResponse()
            return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)
        if live is None:
            return provider_pb2.ReadResponse()
        known = bool(old_inputs.get("kind"))
        now = preview.refreshed(live, old_inputs) if known else preview.imported(live)
        # What is imported is taken as it is.
        reason = await operations.trouble(cluster, live) if known else None
        return self._seen(request, live, checkpoint.mark(now, old_inputs), state, reason)

    def _seen(self, request: Any, live: dict[str, Any], now: Object, state: Object, reason: str | None) -> Any:
        manager = checkpoint.field_manager(state, plain(now), request.urn)
        packed = checkpoint.pack(now, live, checkpoint.api_version(state, live), manager)
        if reason is not None:
            raise InitError(f"{live['kind']} {request.id}: {reason}", request.id, packed, packed["__inputs"])
        return provider_pb2.ReadResponse(id=request.id, properties=encode(packed), inputs=encode(now))


def _kind(change: Change, *, replaced: bool) -> Any:
    return provider_pb2.PropertyDiff.Kind.Value(f"{change.kind}{'_replace' if replaced else ''}".upper())


def _identity(kind: kinds.Kind) -> Object:
    return {"apiVersion": kind.api_version, "kind": kind.kind}


def _target(connection: Connection, urn: str, given: Object, state: Object) -> Target:
    _, cluster = connection.configured()
    return Target(connection, cluster, urn, given, checkpoint.field_manager(state, plain(given), urn))


def _foreseen(target: Target, foreseen: dict[str, Any] | None, given: Any) -> Any:
    if foreseen is None:
        return given
    return encode(checkpoint.pack(target.inputs, foreseen, str(foreseen.get("apiVersion", "")), target.manager))
