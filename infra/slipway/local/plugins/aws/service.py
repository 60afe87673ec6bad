"""Answer the provider protocol: read a request, have its work done, write the answer."""

# ruff: noqa: N802 (the protocol names its methods)

import asyncio
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2

from slipway.local.plugins.aws import compare, operations
from slipway.local.plugins.aws.backend import Aws, Backend
from slipway.local.plugins.aws.registry import TYPES
from slipway.local.plugins.aws.schema import Object, ResourceType
from slipway.local.plugins.aws.settings import Settings, check_account, parse
from slipway.local.plugins.protocol import connections
from slipway.local.plugins.protocol.calls import answering
from slipway.local.plugins.protocol.connections import EnvironmentOf
from slipway.local.plugins.protocol.errors import NotConfiguredError, RefusedError
from slipway.local.plugins.protocol.properties import decode, encode, plain
from slipway.local.plugins.protocol.service import Service, arguments, changed_keys, difference

_MOTO = version("moto")


@dataclass(slots=True)
class Connection(connections.Connection):
    """One engine's use of the provider with one configuration."""

    settings: Settings | None = None


class Provider(Service[Connection]):
    """The aws provider. Its work waits for moto, so that each call runs in a thread of its own."""

    package = "aws"
    version = version("pulumi-aws")
    what = "the rehearsal"
    notice = f"this is Slipway's rehearsal of pulumi-aws {version} on moto {_MOTO}, not AWS"
    instead = "register each resource in the program itself"

    def __init__(self, backend: Backend, environment_of: EnvironmentOf) -> None:
        super().__init__(connections.Connections(Connection, environment_of))
        self.backend = backend

    def parsed(self, args: Object) -> Settings:
        """The provider's configuration. Raises SettingsError."""
        return parse(args)

    @answering
    async def DiffConfig(self, request: Any, _connection: Connection) -> Any:
        """Another region means other resources, so that all are made anew; anything else is a change in place."""
        changed = changed_keys(plain(decode(request.olds)), plain(decode(request.news)))
        return difference(changed, [key for key in changed if key == "region"])

    @answering
    async def Configure(self, request: Any, connection: Connection) -> Any:
        """Take the configuration for this connection, and refuse another account than the program is for."""
        settings = parse(arguments(request))
        check_account(settings, await asyncio.to_thread(lambda: self.backend.aws(settings.region, "").account))
        connection.settings = settings
        await self.greet(connection)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=False
        )

    @answering
    def Check(self, request: Any, _connection: Connection) -> Any:
        """Refuse unknown and missing properties by name."""
        inputs = _without_notes(decode(request.news))
        failures = [
            provider_pb2.CheckFailure(property=refusal.path, reason=refusal.reason)
            for refusal in compare.refusals(_type(request.urn), inputs)
        ]
        return provider_pb2.CheckResponse(inputs=encode(inputs), failures=failures)

    @answering
    def Diff(self, request: Any, _connection: Connection) -> Any:
        """Which properties an update would change, and whether it is a replacement."""
        kind = _type(request.urn)
        old, new = _old_inputs(kind, request), decode(request.news)
        found = compare.differences(kind, old, new, tuple(request.ignoreChanges))
        replaces = [one.path for one in found if one.replaces]
        same_name = kind.name is not None and plain(old).get(kind.name) == plain(new).get(kind.name)
        detail = {
            one.path: provider_pb2.PropertyDiff(kind=provider_pb2.PropertyDiff.Kind.Value(one.kind), inputDiff=True)
            for one in found
        }
        some = bool(found) or bool(decode(request.olds).get(operations.INCOMPLETE))
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if some else provider_pb2.DiffResponse.DIFF_NONE,
            replaces=replaces,
            deleteBeforeReplace=bool(replaces) and (kind.delete_first or same_name),
            detailedDiff=detail,
            hasDetailedDiff=True,
        )

    @answering
    def Create(self, request: Any, connection: Connection) -> Any:
        """Make a resource, or foresee it."""
        kind, inputs = _type(request.urn), decode(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(id="", properties=encode(operations.foresee(kind, inputs, {})))
        identifier, state = operations.create(kind, self._aws(connection, request.urn), inputs)
        return provider_pb2.CreateResponse(id=identifier, properties=encode(state))

    @answering
    def Update(self, request: Any, connection: Connection) -> Any:
        """Change a resource, or foresee the change."""
        kind, state, new = _type(request.urn), decode(request.olds), decode(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=encode(operations.foresee(kind, new, state)))
        aws = self._aws(connection, request.urn)
        updated = operations.update(kind, aws, request.id, state, _old_inputs(kind, request), new)
        return provider_pb2.UpdateResponse(properties=encode(updated))

    @answering
    def Read(self, request: Any, connection: Connection) -> Any:
        """Look at a resource for refresh or import."""
        state, inputs = decode(request.properties), decode(request.inputs)
        kind, aws = _type(request.urn), self._aws(connection, request.urn)
        identifier, known = operations.named(kind, aws, request.id, state)
        found = operations.read(kind, aws, identifier, known, inputs)
        if found is None:
            return provider_pb2.ReadResponse()
        live, now = found
        kept = {operations.INCOMPLETE: True} if state.get(operations.INCOMPLETE) else {}
        return provider_pb2.ReadResponse(id=identifier, properties=encode({**live, **kept}), inputs=encode(now))

    @answering
    def Delete(self, request: Any, connection: Connection) -> Any:
        """Delete a resource."""
        aws = self._aws(connection, request.urn)
        operations.delete(_type(request.urn), aws, request.id, decode(request.properties))
        return Empty()

    def _aws(self, connection: Connection, urn: str) -> Aws:
        if connection.settings is None:
            raise NotConfiguredError
        return self.backend.aws(connection.settings.region, urn)


def _type(urn: str) -> ResourceType:
    token = urn.split("::")[2].rpartition("$")[2]
    if token not in TYPES:
        raise RefusedError(f"the rehearsal does not know the type {token}; it knows {', '.join(sorted(TYPES))}")
    return TYPES[token]


def _without_notes(inputs: Object) -> Object:
    """Without what bridges note beside inputs (`__defaults`)."""
    return {key: value for key, value in inputs.items() if not key.startswith("__")}


def _old_inputs(kind: ResourceType, request: Any) -> Object:
    """What was asked for before; from the state where the engine does not tell."""
    told = decode(request.old_inputs)
    return told or {key: value for key, value in decode(request.olds).items() if key in kind.properties}
