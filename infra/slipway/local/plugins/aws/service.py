"""Answer the provider protocol: read a request, have its work done, write the answer."""

# ruff: noqa: N802 (the protocol names its methods)

import json
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, TypeVar

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from slipway.local.plugins.aws import compare, operations
from slipway.local.plugins.aws.backend import Aws, Backend
from slipway.local.plugins.aws.engine import say
from slipway.local.plugins.aws.operations import IncompleteError, OperationError
from slipway.local.plugins.aws.registry import TYPES
from slipway.local.plugins.aws.schema import Object, ResourceType
from slipway.local.plugins.aws.settings import Settings, SettingsError, check_account, parse
from slipway.local.plugins.protocol.properties import PropertyRefusedError, decode, encode, plain

log = logging.getLogger("slipway.local.plugins.aws")

VERSION = version("pulumi-aws")
NOTICE = f"this is Slipway's rehearsal of pulumi-aws {VERSION} on moto {version('moto')}, not AWS"

_Answer = TypeVar("_Answer")
_MOST_PEERS = 512
"""Connections end without a word, so the oldest records go; far more than engines that run at a time."""


class RefusedError(Exception):
    """The request is one that this stand-in does not take."""


@dataclass(slots=True)
class Session:
    """One engine's use of the provider with one configuration."""

    engine: str = ""
    settings: Settings | None = None


def answering(work: Callable[[Any, Any, Session], _Answer]) -> Callable[[Any, Any, Any], _Answer]:
    """Make a method of the protocol out of work that may raise: find the session, turn errors into answers."""

    def method(self: Any, request: Any, context: Any) -> _Answer:
        urn = getattr(request, "urn", "")
        try:
            return work(self, request, self.session(context.peer()))
        except IncompleteError as error:
            context.set_trailing_metadata((("grpc-status-details-bin", _details(error)),))
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except (OperationError, PropertyRefusedError, RefusedError, SettingsError) as error:
            log.info("%s %s: %s", work.__name__, urn, error)
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Exception as error:  # the last frame before the wire: a defect of ours must reach the user as words
            log.exception("%s %s failed", work.__name__, urn)
            context.abort(grpc.StatusCode.INTERNAL, f"defect in the rehearsal: {type(error).__name__}: {error}")
        raise AssertionError("abort raises")

    method.__name__ = work.__name__
    return method


def _details(error: IncompleteError) -> bytes:
    detail = provider_pb2.ErrorResourceInitFailed(
        id=error.identifier, properties=encode(error.state), reasons=[str(error)], inputs=encode(error.inputs)
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
    status.details.add().Pack(detail)
    return status.SerializeToString()


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """The aws provider, for any number of engines at once."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._greeted: set[str] = set()
        self._lock = threading.Lock()

    def session(self, peer: str) -> Session:
        """The record of a connection."""
        with self._lock:
            session = self._sessions.setdefault(peer, Session())
            if len(self._sessions) > _MOST_PEERS:
                self._sessions.popitem(last=False)
            return session

    @answering
    def Handshake(self, request: Any, session: Session) -> Any:
        """The engine introduces itself."""
        session.engine, session.settings = request.engine_address, None
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    @answering
    def Attach(self, request: Any, session: Session) -> Any:
        """The engine says where it can be reached, to a provider that it did not start itself."""
        session.engine, session.settings = request.address, None
        return Empty()

    def GetPluginInfo(self, _request: Any, _context: Any) -> Any:
        """The version of the plugin that this stands in for."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(self, _request: Any, _context: Any) -> Any:
        """A schema without types: programs bring their own SDK."""
        return provider_pb2.GetSchemaResponse(schema=json.dumps({"name": "aws", "version": VERSION, "resources": {}}))

    def GetMapping(self, _request: Any, _context: Any) -> Any:
        """No mapping from another tool."""
        return provider_pb2.GetMappingResponse()

    def GetMappings(self, _request: Any, _context: Any) -> Any:
        """No mapping from another tool."""
        return provider_pb2.GetMappingsResponse()

    def Cancel(self, _request: Any, _context: Any) -> Any:
        """Nothing waits here."""
        return Empty()

    @answering
    def Construct(self, request: Any, _session: Session) -> Any:
        """Components of the plugin are refused."""
        raise RefusedError(f"the rehearsal does not know the component {request.type}")

    @answering
    def Invoke(self, request: Any, _session: Session) -> Any:
        """Functions are refused: Slipway's programs use none."""
        raise RefusedError(f"the rehearsal does not know the function {request.tok}")

    @answering
    def Call(self, request: Any, _session: Session) -> Any:
        """Methods are refused."""
        raise RefusedError(f"the rehearsal does not know the method {request.tok}")

    @answering
    def CheckConfig(self, request: Any, _session: Session) -> Any:
        """Validate the provider's own configuration."""
        try:
            parse(plain(decode(request.news)))
        except SettingsError as error:
            failure = provider_pb2.CheckFailure(property=error.key, reason=str(error))
            return provider_pb2.CheckResponse(inputs=request.news, failures=[failure])
        return provider_pb2.CheckResponse(inputs=request.news)

    @answering
    def DiffConfig(self, request: Any, _session: Session) -> Any:
        """Another region means other resources, so that all are made anew; anything else is a change in place."""
        old, new = plain(decode(request.olds)), plain(decode(request.news))
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        replaces = [key for key in changed if key == "region"]
        return provider_pb2.DiffResponse(changes=some, diffs=changed, replaces=replaces)

    @answering
    def Configure(self, request: Any, session: Session) -> Any:
        """Take the configuration for this connection, and refuse another account than the program is for."""
        args = plain(decode(request.args)) or {
            key.rpartition(":")[2]: value for key, value in request.variables.items()
        }
        settings = parse(args)
        check_account(settings, self.backend.aws(settings.region, "").account)
        session.settings = settings
        if session.engine and session.engine not in self._greeted:
            self._greeted.add(session.engine)
            say(session.engine, NOTICE)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=False
        )

    @answering
    def Check(self, request: Any, _session: Session) -> Any:
        """Refuse unknown and missing properties by name."""
        inputs = _without_notes(decode(request.news))
        failures = [
            provider_pb2.CheckFailure(property=refusal.path, reason=refusal.reason)
            for refusal in compare.refusals(_type(request.urn), inputs)
        ]
        return provider_pb2.CheckResponse(inputs=encode(inputs), failures=failures)

    @answering
    def Diff(self, request: Any, _session: Session) -> Any:
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
    def Create(self, request: Any, session: Session) -> Any:
        """Make a resource, or foresee it."""
        kind, inputs = _type(request.urn), decode(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(id="", properties=encode(operations.foresee(kind, inputs, {})))
        identifier, state = operations.create(kind, self._aws(session, request.urn), inputs)
        return provider_pb2.CreateResponse(id=identifier, properties=encode(state))

    @answering
    def Update(self, request: Any, session: Session) -> Any:
        """Change a resource, or foresee the change."""
        kind, state, new = _type(request.urn), decode(request.olds), decode(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=encode(operations.foresee(kind, new, state)))
        aws = self._aws(session, request.urn)
        updated = operations.update(kind, aws, request.id, state, _old_inputs(kind, request), new)
        return provider_pb2.UpdateResponse(properties=encode(updated))

    @answering
    def Read(self, request: Any, session: Session) -> Any:
        """Look at a resource for refresh or import."""
        state, inputs = decode(request.properties), decode(request.inputs)
        kind, aws = _type(request.urn), self._aws(session, request.urn)
        identifier, known = operations.named(kind, aws, request.id, state)
        found = operations.read(kind, aws, identifier, known, inputs)
        if found is None:
            return provider_pb2.ReadResponse()
        live, now = found
        kept = {operations.INCOMPLETE: True} if state.get(operations.INCOMPLETE) else {}
        return provider_pb2.ReadResponse(id=identifier, properties=encode({**live, **kept}), inputs=encode(now))

    @answering
    def Delete(self, request: Any, session: Session) -> Any:
        """Delete a resource."""
        aws = self._aws(session, request.urn)
        operations.delete(_type(request.urn), aws, request.id, decode(request.properties))
        return Empty()

    def _aws(self, session: Session, urn: str) -> Aws:
        if session.settings is None:
            raise RefusedError(
                "the provider was not configured on this connection: it was restarted meanwhile; run the command again"
            )
        return self.backend.aws(session.settings.region, urn)


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
