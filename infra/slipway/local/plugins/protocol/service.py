"""Answer what every provider answers the same way; a subclass adds its configuration and its resources."""

# ruff: noqa: N802 (the protocol names its methods)

import json
from typing import Any, ClassVar, Generic

import grpc
import grpc.aio
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from slipway.local.plugins.protocol.calls import answering
from slipway.local.plugins.protocol.connections import C, Connections
from slipway.local.plugins.protocol.errors import SettingsError
from slipway.local.plugins.protocol.properties import Object, decode, plain


class Service(provider_pb2_grpc.ResourceProviderServicer, Generic[C]):
    """A provider, for any number of engines at once."""

    package: ClassVar[str]
    """Whose place it takes: `aws`."""
    version: ClassVar[str]
    what: ClassVar[str]
    """Its own name in messages."""
    notice: ClassVar[str]
    """What each engine is told once."""
    instead: ClassVar[str]
    """What a program does instead of using components, functions and parameterized packages."""
    expected: ClassVar[tuple[type[Exception], ...]] = ()
    """Errors of its own that a person reads, beside the protocol's."""

    def __init__(self, connections: Connections[C]) -> None:
        self.connections = connections

    def parsed(self, args: Object) -> Any:
        """The provider's configuration, read from its arguments. Raises SettingsError."""
        raise NotImplementedError

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
        return plugin_pb2.PluginInfo(version=self.version)

    async def GetSchema(self, _request: Any, _context: Any) -> Any:
        """A schema without types: programs bring their own SDK."""
        schema = {"name": self.package, "version": self.version, "resources": {}}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

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
        """Components are refused."""
        await self._refuse(context, f"{request.type}: components are")

    async def Invoke(self, request: Any, context: Any) -> Any:
        """Functions are refused."""
        await self._refuse(context, f"{request.tok}: functions are")

    async def Call(self, request: Any, context: Any) -> Any:
        """Methods are refused."""
        await self._refuse(context, f"{request.tok}: methods are")

    async def Parameterize(self, _request: Any, context: Any) -> Any:
        """Packages that are made from a parameter are refused."""
        await self._refuse(context, "parameterized packages are")

    async def _refuse(self, context: Any, these: str) -> None:
        text = f"{these} not handled by {self.what}; {self.instead}"
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, text)

    @answering
    async def CheckConfig(self, request: Any, _connection: C) -> Any:
        """Validate the provider's own configuration."""
        try:
            self.parsed(plain(decode(request.news)))
        except SettingsError as error:
            failure = provider_pb2.CheckFailure(property=error.key, reason=str(error))
            return provider_pb2.CheckResponse(inputs=request.news, failures=[failure])
        return provider_pb2.CheckResponse(inputs=request.news)

    async def greet(self, connection: C) -> None:
        """Tell an engine once what it talks to."""
        if connection.engine.address and self.connections.first_of_engine(connection.engine.address):
            await connection.engine.info(self.notice)


def arguments(request: Any) -> Object:
    """The arguments of Configure; engines send them in one of two ways."""
    args: Object = plain(decode(request.args))
    return args or {key.rpartition(":")[2]: value for key, value in request.variables.items()}


def changed_keys(old: Object, new: Object) -> list[str]:
    """The keys that two versions of a property map do not agree on."""
    return sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))


def difference(changed: list[str], replaces: list[str], *, delete_first: bool = False) -> Any:
    """The answer to Diff and DiffConfig of which keys changed, and for which the resource is made anew."""
    some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=some, diffs=changed, replaces=replaces, deleteBeforeReplace=delete_first and bool(replaces)
    )
