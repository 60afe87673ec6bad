"""The protocol, as an engine speaks it: over gRPC, without an engine."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto import provider_pb2_grpc, status_pb2

from slipway.local.plugins.aws.backend import CONTROL, JOURNAL, Backend
from slipway.local.plugins.aws.faults import Control, control
from slipway.local.plugins.aws.journal import entries
from slipway.local.plugins.aws.service import Provider
from slipway.local.plugins.protocol.properties import UNKNOWN, Secret, decode, encode
from slipway.local.plugins.protocol.server import serving
from tests.support.made_in_aws import Json, unique

_VPC = "urn:pulumi:dev::slipway::slipway:aws:Network$aws:ec2/vpc:Vpc::net"
_ROLE = "urn:pulumi:dev::slipway::aws:iam/role:Role::role"
_LIFECYCLE = "urn:pulumi:dev::slipway::aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration::life"
_TRUST = '{"Version": "2012-10-17", "Statement": []}'


class Client:
    """A connection to a stand-in, and the folder of that stand-in."""

    def __init__(self, port: int, state: Path) -> None:
        self.state = state
        self.stub: Any = provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{port}"))

    def configure(self, **args: str) -> None:
        self.stub.Configure(pb.ConfigureRequest(args=encode({"region": "eu-central-1", **args})))

    def check(self, urn: str, inputs: Json) -> Any:
        return self.stub.Check(pb.CheckRequest(urn=urn, news=encode(inputs)))

    def diff(self, urn: str, old: Json, new: Json, ignore: tuple[str, ...] = ()) -> Any:
        request = pb.DiffRequest(
            urn=urn, id="i", olds=encode(old), old_inputs=encode(old), news=encode(new), ignoreChanges=ignore
        )
        return self.stub.Diff(request)

    def create(self, urn: str, inputs: Json, *, preview: bool = False) -> Any:
        return self.stub.Create(pb.CreateRequest(urn=urn, properties=encode(inputs), preview=preview))


@pytest.fixture(scope="module")
def loop() -> Iterator[BlockingPortal]:
    """An event loop in a thread of its own: the client here is a blocking one, as the engine is another process."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def client(endpoint: str, tmp_path: Path, loop: BlockingPortal) -> Iterator[Client]:
    backend = Backend(tmp_path, endpoint)
    served = serving(lambda environment_of: Provider(backend, environment_of), Provider.what)
    with loop.wrap_async_context_manager(served) as port:
        made = Client(port, tmp_path)
        made.configure()
        yield made


def test_another_account_is_refused(client: Client) -> None:
    client.configure(allowedAccountIds='["123456789012"]')
    with pytest.raises(grpc.RpcError, match="AWS account ID not allowed: 123456789012"):
        client.configure(allowedAccountIds='["111111111111"]')


def test_an_unknown_setting_of_the_provider_is_refused_by_name(client: Client) -> None:
    answer = client.stub.CheckConfig(pb.CheckRequest(news=encode({"region": "eu-central-1", "defaultTags": "{}"})))
    assert [failure.property for failure in answer.failures] == ["defaultTags"]
    assert "the rehearsal does not know defaultTags of the aws provider" in answer.failures[0].reason


def test_an_unknown_type_is_refused_by_name(client: Client) -> None:
    with pytest.raises(grpc.RpcError, match="does not know the type aws:sns/topic:Topic; it knows aws:"):
        client.check("urn:pulumi:dev::slipway::aws:sns/topic:Topic::topic", {})


def test_an_unknown_property_is_refused_by_name(client: Client) -> None:
    failures = client.check(_VPC, {"cidrBlock": "10.0.0.0/16", "ipv6": True}).failures
    assert [failure.property for failure in failures] == ["ipv6"]
    assert "the rehearsal does not know ipv6 of aws:ec2/vpc:Vpc; it knows cidrBlock," in failures[0].reason


def test_an_unknown_property_of_a_block_in_a_list_is_refused_by_its_path(client: Client) -> None:
    rules = [{"id": "a", "status": "Enabled", "expiration": {"date": "2027-01-01"}}]
    failures = client.check(_LIFECYCLE, {"bucket": "b", "rules": rules}).failures
    assert [failure.property for failure in failures] == ["rules[0].expiration.date"]


def test_a_missing_property_is_refused_by_name(client: Client) -> None:
    assert [failure.property for failure in client.check(_ROLE, {"name": "r"}).failures] == ["assumeRolePolicy"]


def test_a_preview_knows_what_was_given_and_makes_nothing(client: Client) -> None:
    answer = client.create(_VPC, {"cidrBlock": UNKNOWN, "tags": {"a": "b"}}, preview=True)
    outputs = decode(answer.properties)
    assert outputs["tags"] == {"a": "b"}
    assert outputs["arn"] is UNKNOWN
    assert outputs["cidrBlock"] is UNKNOWN
    assert {entry.operation for entry in entries(client.state / JOURNAL)} == {"GetCallerIdentity"}


def test_a_secret_stays_one(client: Client) -> None:
    inputs = {"name": unique("role"), "assumeRolePolicy": _TRUST, "description": Secret("hidden")}
    answer = client.create(_ROLE, inputs)
    assert decode(answer.properties)["description"] == Secret("hidden")


def test_a_replacement_under_the_same_name_deletes_first(client: Client) -> None:
    old = {"name": "r", "assumeRolePolicy": _TRUST, "path": "/"}
    answer = client.diff(_ROLE, old, {**old, "path": "/slipway/"})
    assert list(answer.replaces) == ["path"]
    assert answer.deleteBeforeReplace
    assert answer.detailedDiff["path"].kind == pb.PropertyDiff.UPDATE_REPLACE
    assert not client.diff(_ROLE, old, {**old, "name": "other"}).deleteBeforeReplace


def test_json_that_is_only_spelled_otherwise_is_no_change(client: Client) -> None:
    old = {"name": "r", "assumeRolePolicy": _TRUST}
    again = json.dumps(json.loads(_TRUST), indent=2)
    assert client.diff(_ROLE, old, {**old, "assumeRolePolicy": again}).changes == pb.DiffResponse.DIFF_NONE


def test_ignored_changes_are_none(client: Client) -> None:
    old = {"cidrBlock": "10.0.0.0/16", "tags": {"a": "1", "b": "1"}}
    new = {"cidrBlock": "10.0.0.0/16", "tags": {"a": "2", "b": "2"}}
    assert list(client.diff(_VPC, old, new, ("tags.a",)).detailedDiff) == ["tags.b"]
    assert client.diff(_VPC, old, new, ("tags",)).changes == pb.DiffResponse.DIFF_NONE


def test_a_call_that_fails_before_it_is_done_makes_nothing(client: Client) -> None:
    control(client.state / CONTROL, Control(fail_every=1))
    name = unique("role")
    with pytest.raises(grpc.RpcError, match="injected by the rehearsal: the call was not done"):
        client.create(_ROLE, {"name": name, "assumeRolePolicy": _TRUST})
    control(client.state / CONTROL, Control())
    assert client.create(_ROLE, {"name": name, "assumeRolePolicy": _TRUST}).id == name


def test_a_call_whose_answer_is_lost_was_done_and_is_found_by_its_name(client: Client) -> None:
    control(client.state / CONTROL, Control(fail_every=1, when="after"))
    name = unique("role")
    with pytest.raises(grpc.RpcError, match="done, but its answer is lost"):
        client.create(_ROLE, {"name": name, "assumeRolePolicy": _TRUST})
    control(client.state / CONTROL, Control())
    with pytest.raises(grpc.RpcError, match="EntityAlreadyExists"):
        client.create(_ROLE, {"name": name, "assumeRolePolicy": _TRUST})


def test_a_resource_that_was_made_but_not_finished_is_recorded_and_finished_later(client: Client) -> None:
    inputs = {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True}
    client.configure()
    calls = sum(1 for _ in entries(client.state / JOURNAL))
    control(client.state / CONTROL, Control(fail_every=calls + 2))
    with pytest.raises(grpc.RpcError, match="is there but not finished") as caught:
        client.create(_VPC, inputs)
    control(client.state / CONTROL, Control())
    detail = _init_failed(caught.value)
    state = decode(detail.properties)
    assert detail.id.startswith("vpc-")
    again = client.stub.Diff(
        pb.DiffRequest(urn=_VPC, id=detail.id, olds=detail.properties, old_inputs=detail.inputs, news=encode(inputs))
    )
    assert again.changes == pb.DiffResponse.DIFF_SOME
    updated = client.stub.Update(
        pb.UpdateRequest(urn=_VPC, id=detail.id, olds=encode(state), old_inputs=detail.inputs, news=encode(inputs))
    )
    assert decode(updated.properties)["enableDnsHostnames"] is True
    assert "__incomplete" not in decode(updated.properties)


def _init_failed(error: Any) -> Any:
    trailing = {item.key: item.value for item in error.trailing_metadata()}
    status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])
    detail = pb.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    return detail


def test_a_resource_that_is_gone_reads_as_nothing(client: Client) -> None:
    answer = client.create(_ROLE, {"name": unique("role"), "assumeRolePolicy": _TRUST})
    request = pb.ReadRequest(urn=_ROLE, id=answer.id, properties=answer.properties)
    assert client.stub.Read(request).id == answer.id
    client.stub.Delete(pb.DeleteRequest(urn=_ROLE, id=answer.id, properties=answer.properties))
    assert client.stub.Read(request).id == ""


def test_an_import_reads_everything_from_the_id(client: Client) -> None:
    name = unique("role")
    client.create(_ROLE, {"name": name, "assumeRolePolicy": _TRUST, "tags": {"a": "b"}})
    answer = client.stub.Read(pb.ReadRequest(urn=_ROLE, id=name))
    assert decode(answer.inputs)["name"] == name
    assert decode(answer.inputs)["tags"] == {"a": "b"}


def test_the_journal_names_the_resource_and_who_answered(client: Client) -> None:
    client.create(_ROLE, {"name": unique("role"), "assumeRolePolicy": _TRUST})
    made = [entry for entry in entries(client.state / JOURNAL) if entry.operation == "CreateRole"]
    assert [(entry.urn, entry.service, entry.by, entry.outcome) for entry in made] == [(_ROLE, "iam", "moto", "done")]
