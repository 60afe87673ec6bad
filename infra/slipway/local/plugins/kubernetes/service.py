"""Answer the provider protocol: read a request, have its work done, write the answer."""

# ruff: noqa: N802 (the protocol names its methods)

import json
import logging
from importlib.metadata import version
from typing import Any

import grpc
import grpc.aio
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from slipway.local.plugins.kubernetes.calls import answering
from slipway.local.plugins.kubernetes.client import changes_of_provider, kinds
from slipway.local.plugins.kubernetes.client.api import UnreachableError
from slipway.local.plugins.kubernetes.client.connections import Connection, Connections
from slipway.local.plugins.kubernetes.client.discovery import KindMissingError
from slipway.local.plugins.kubernetes.client.settings import SettingsError, parse
from slipway.local.plugins.kubernetes.objects import checkpoint, inputs, operations, preview
from slipway.local.plugins.kubernetes.objects.difference import Change
from slipway.local.plugins.kubernetes.objects.operations import InitError, OperationError, Target
from slipway.local.plugins.protocol.properties import Object, decode, encode, plain

log = logging.getLogger("slipway.local.plugins.kubernetes")

VERSION = version("pulumi-kubernetes")
NOTICE = (
    f"this is Slipway's stand-in for the pulumi-kubernetes plugin {VERSION}, not the plugin itself: "
    "server-side apply only, for the environment `local`"
)


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """The kubernetes provider, for any number of engines at once."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections

    async def Handshake(self, request: Any, context: Any) -> Any:
        """The engine introduces itself."""
        await self.connections.open(context.peer(), request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    async def Attach(self, request: Any, context: Any) -> Any:
        """The engine says where it can be reached, to a provider that it did not start itself."""
        await self.connections.open(context.peer(), request.address)
        return Empty()

    async def GetPluginInfo(self, _request: Any, _context: Any) -> Any:
        """The version of the plugin that this stands in for."""
        return plugin_pb2.PluginInfo(version=VERSION)

    async def GetSchema(self, _request: Any, _context: Any) -> Any:
        """A schema without types: programs bring their own SDK."""
        return provider_pb2.GetSchemaResponse(
            schema=json.dumps({"name": "kubernetes", "version": VERSION, "resources": {}})
        )

    async def GetMapping(self, _request: Any, _context: Any) -> Any:
        """No mapping from another tool."""
        return provider_pb2.GetMappingResponse()

    async def GetMappings(self, _request: Any, _context: Any) -> Any:
        """No mapping from another tool."""
        return provider_pb2.GetMappingsResponse()

    async def Cancel(self, _request: Any, context: Any) -> Any:
        """End all waits of this engine; what was stored is reported as not live."""
        self.connections.get(context.peer()).cancelled.set()
        return Empty()

    async def Construct(self, request: Any, context: Any) -> Any:
        """Components (Helm charts, YAML files, Kustomize) are refused."""
        await context.abort(
            grpc.StatusCode.UNIMPLEMENTED,
            f"{request.type}: components are not handled by this stand-in for the pulumi-kubernetes plugin; "
            "render the objects beforehand and register each as a resource, or use the real plugin",
        )

    async def Invoke(self, request: Any, context: Any) -> Any:
        """Functions (decoding YAML, rendering charts) are refused."""
        await context.abort(
            grpc.StatusCode.UNIMPLEMENTED,
            f"{request.tok}: functions are not handled by this stand-in for the pulumi-kubernetes plugin; "
            "do the work in the program itself, or use the real plugin",
        )

    async def Call(self, request: Any, context: Any) -> Any:
        """Methods are refused."""
        await self.Invoke(request, context)

    async def Parameterize(self, _request: Any, context: Any) -> Any:
        """Packages made from CustomResourceDefinitions are refused."""
        await context.abort(
            grpc.StatusCode.UNIMPLEMENTED,
            "parameterized packages are not handled by this stand-in for the pulumi-kubernetes plugin; "
            "register custom resources by their apiVersion and kind",
        )

    @answering
    async def CheckConfig(self, request: Any, _connection: Connection) -> Any:
        """Validate the provider's own configuration."""
        try:
            parse(decode(request.news))
        except SettingsError as error:
            failure = provider_pb2.CheckFailure(property=error.key, reason=str(error))
            return provider_pb2.CheckResponse(inputs=request.news, failures=[failure])
        return provider_pb2.CheckResponse(inputs=request.news)

    @answering
    async def DiffConfig(self, request: Any, connection: Connection) -> Any:
        """Whether a change of configuration means another cluster, so that all objects must be made anew."""
        return changes_of_provider.compare(decode(request.olds), decode(request.news), connection.environment)

    @answering
    async def Configure(self, request: Any, connection: Connection) -> Any:
        """Take the configuration for this connection; the cluster is not asked anything yet."""
        args = decode(request.args) or {key.rpartition(":")[2]: value for key, value in request.variables.items()}
        connection.settings = parse(args)
        connection.cluster = await self.connections.clusters.find(connection.settings, connection.environment)
        if self.connections.first_of_engine(connection.engine.address):
            await connection.engine.info(NOTICE)
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
            raise InitError(f"{live['kind']} {request.id}: {reason}", request.id, packed)
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
