"""What every stand-in answers the same way, asked over gRPC by one that provides nothing."""

import json
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from anyio.from_thread import start_blocking_portal
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto import provider_pb2_grpc, status_pb2

from slipway.local.plugins.protocol.calls import answering
from slipway.local.plugins.protocol.connections import Connection, Connections
from slipway.local.plugins.protocol.errors import InitError, NotConfiguredError, SettingsError
from slipway.local.plugins.protocol.properties import Object, decode, encode
from slipway.local.plugins.protocol.server import serving
from slipway.local.plugins.protocol.service import Service, arguments, changed_keys, difference
from tests.support.other_user import NOBODY, needs_root, relay


class KnownError(Exception):
    """One that the plugin expects."""


class Nothing(Service[Connection]):
    """Fails in the way that the name of a resource asks for."""

    package, version, what, notice = "nothing", "1.2.3", "this test", "only a test"
    instead = "do without"
    expected = (KnownError,)

    def parsed(self, args: Object) -> None:
        if "wrong" in args:
            raise SettingsError("wrong", "wrong is not known")

    @answering
    def Create(self, request: Any, _connection: Connection) -> Any:  # noqa: N802
        """A call that works in a thread."""
        raise {
            "known": KnownError("the cluster said no"),
            "defect": KeyError("spec"),
            "unready": InitError("not live", "web", {"a": 1}, {"b": 2}),
            "unconfigured": NotConfiguredError(),
        }[request.urn]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    made = serving(lambda environment_of: Nothing(Connections(Connection, environment_of)), Nothing.what)
    with start_blocking_portal() as loop, loop.wrap_async_context_manager(made) as number:
        yield number


@pytest.fixture
def stub(port: int) -> Iterator[Any]:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)


@needs_root
def test_another_user_of_the_machine_is_refused(port: int) -> None:
    refusal = pytest.raises(grpc.RpcError, match="this test: it serves processes of uid 0 and root")
    with relay(port, NOBODY) as passed, grpc.insecure_channel(f"127.0.0.1:{passed}") as channel, refusal as refused:
        provider_pb2_grpc.ResourceProviderStub(channel).GetSchema(pb.GetSchemaRequest(), timeout=10)
    assert _code(refused.value) == grpc.StatusCode.PERMISSION_DENIED


def test_the_schema_names_the_package_and_its_version(stub: Any) -> None:
    schema = json.loads(stub.GetSchema(pb.GetSchemaRequest()).schema)
    assert schema == {"name": "nothing", "version": "1.2.3", "resources": {}}


@pytest.mark.parametrize(
    ("method", "request_", "text"),
    [
        ("Construct", pb.ConstructRequest(type="a:b:C"), "a:b:C: components are not handled by this test; do without"),
        ("Invoke", pb.InvokeRequest(tok="a:b:c"), "a:b:c: functions are not handled by this test; do without"),
        ("Call", pb.CallRequest(tok="a:b:d"), "a:b:d: methods are not handled by this test; do without"),
        ("Parameterize", pb.ParameterizeRequest(), "parameterized packages are not handled by this test; do without"),
    ],
)
def test_what_no_stand_in_does_is_refused_by_name(stub: Any, method: str, request_: Any, text: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        getattr(stub, method)(request_)
    assert (_code(refused.value), refused.value.details()) == (grpc.StatusCode.UNIMPLEMENTED, text)


def test_a_wrong_setting_is_a_failure_of_its_key(stub: Any) -> None:
    (failure,) = stub.CheckConfig(pb.CheckRequest(news=encode({"wrong": "x"}))).failures
    assert (failure.property, failure.reason) == ("wrong", "wrong is not known")
    assert not stub.CheckConfig(pb.CheckRequest(news=encode({"right": "x"}))).failures


@pytest.mark.parametrize(
    ("urn", "code", "text"),
    [
        ("known", grpc.StatusCode.UNKNOWN, "the cluster said no"),
        ("defect", grpc.StatusCode.INTERNAL, "defect in this test: KeyError: 'spec'"),
        ("unconfigured", grpc.StatusCode.UNKNOWN, "it was restarted meanwhile; run the command again"),
    ],
)
def test_an_error_reaches_the_engine_as_words(stub: Any, urn: str, code: grpc.StatusCode, text: str) -> None:
    with pytest.raises(grpc.RpcError) as failed:
        stub.Create(pb.CreateRequest(urn=urn))
    assert _code(failed.value) == code
    assert str(failed.value.details()).endswith(text)


def test_a_resource_that_is_there_but_not_live_is_recorded_with_its_reason(stub: Any) -> None:
    with pytest.raises(grpc.RpcError) as failed:
        stub.Create(pb.CreateRequest(urn="unready"))
    error: Any = failed.value
    (trailing,) = [item.value for item in error.trailing_metadata() if item.key == "grpc-status-details-bin"]
    detail = pb.ErrorResourceInitFailed()
    assert status_pb2.Status.FromString(trailing).details[0].Unpack(detail)
    assert (detail.id, list(detail.reasons)) == ("web", ["not live"])
    assert (decode(detail.properties), decode(detail.inputs)) == ({"a": 1}, {"b": 2})


def test_settings_come_as_properties_or_as_variables_with_the_package_before_them() -> None:
    assert arguments(pb.ConfigureRequest(args=encode({"region": "r"}))) == {"region": "r"}
    assert arguments(pb.ConfigureRequest(variables={"aws:config:region": "r"})) == {"region": "r"}


def test_only_what_is_made_anew_is_deleted_before() -> None:
    changed = changed_keys({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 3, "d": 4})
    assert changed == ["b", "c", "d"]
    answers = [difference([], []), difference(changed, [], delete_first=True), difference(changed, ["b"])]
    assert [answer.changes for answer in answers] == [
        pb.DiffResponse.DIFF_NONE,
        pb.DiffResponse.DIFF_SOME,
        pb.DiffResponse.DIFF_SOME,
    ]
    assert [answer.deleteBeforeReplace for answer in answers] == [False, False, False]
    assert difference(changed, ["b"], delete_first=True).deleteBeforeReplace


def _code(error: Any) -> grpc.StatusCode:
    code: grpc.StatusCode = error.code()
    return code
