"""Calls of the API: validated, journalled, kept where moto lacks them."""

from pathlib import Path

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from slipway.local.plugins.aws.backend import CONTROL, JOURNAL, Backend, refuse
from slipway.local.plugins.aws.compare import as_given, differences
from slipway.local.plugins.aws.faults import Control, control
from slipway.local.plugins.aws.journal import entries
from slipway.local.plugins.aws.registry import TYPES
from tests.support.made_in_aws import REGION

_ENTRY = {"clusterName": "slipway-dev", "principalArn": "arn:aws:iam::123456789012:role/admin"}


@pytest.fixture
def backend(endpoint: str, tmp_path: Path) -> Backend:
    return Backend(tmp_path, endpoint)


def test_what_is_kept_is_there_for_the_next_stand_in(backend: Backend, endpoint: str) -> None:
    aws = backend.aws(REGION, "urn")
    with aws.keep("eks", "create_access_entry", **_ENTRY, type="STANDARD") as kept:
        kept.put("eks.access_entry", "one", {"type": "STANDARD"})
    assert Backend(backend.state, endpoint).kept.get("eks.access_entry", "one") == {"type": "STANDARD"}
    assert [(entry.operation, entry.by) for entry in entries(backend.state / JOURNAL)] == [
        ("CreateAccessEntry", "kept"),
    ]  # fmt: skip


def test_a_parameter_that_amazons_model_does_not_have_is_refused(backend: Backend) -> None:
    with (
        pytest.raises(ParamValidationError, match='Unknown parameter in input: "kind"'),
        backend.aws(REGION, "urn").keep("eks", "create_access_entry", **_ENTRY, kind="STANDARD"),
    ):
        pytest.fail("the block must not run")


def test_a_parameter_that_amazons_model_requires_must_be_there(backend: Backend) -> None:
    with (
        pytest.raises(ParamValidationError, match='Missing required parameter in input: "principalArn"'),
        backend.aws(REGION, "urn").keep("eks", "create_access_entry", clusterName="slipway-dev"),
    ):
        pytest.fail("the block must not run")


def test_what_is_kept_fails_on_demand_too(backend: Backend) -> None:
    aws = backend.aws(REGION, "urn")
    control(backend.state / CONTROL, Control(fail_every=2))
    with aws.keep("eks", "create_access_entry", **_ENTRY) as kept:
        kept.put("eks.access_entry", "first", {})
    with (
        pytest.raises(ClientError, match="InternalError"),
        aws.keep("eks", "create_access_entry", **_ENTRY) as kept,
    ):
        kept.put("eks.access_entry", "second", {})
    assert list(backend.kept.all()["eks.access_entry"]) == ["first"]
    assert [entry.outcome for entry in entries(backend.state / JOURNAL)] == ["done", "injected: before"]


def test_the_count_of_calls_goes_on_when_the_wish_changes(backend: Backend) -> None:
    aws = backend.aws(REGION, "urn")
    control(backend.state / CONTROL, Control(fail_every=3))
    aws.call("ec2", "describe_vpcs")
    control(backend.state / CONTROL, Control(fail_every=3, when="after"))
    aws.call("ec2", "describe_vpcs")
    with pytest.raises(ClientError, match="its answer is lost"):
        aws.call("ec2", "describe_vpcs")


def test_a_refusal_of_the_stand_in_reads_like_one_of_aws(backend: Backend) -> None:
    with (
        pytest.raises(ClientError, match=r"\(ResourceInUseException\).*CreateAccessEntry operation: it is there"),
        backend.aws(REGION, "urn").keep("eks", "create_access_entry", **_ENTRY),
    ):
        raise refuse("ResourceInUseException", "it is there", "CreateAccessEntry")
    assert [entry.outcome for entry in entries(backend.state / JOURNAL)] == ["failed: ResourceInUseException"]


def test_the_order_of_a_set_means_nothing() -> None:
    endpoint = TYPES["aws:ec2/vpcEndpoint:VpcEndpoint"]
    given = {"vpcId": "vpc-1", "subnetIds": ["b", "a"]}
    assert differences(endpoint, given, {"vpcId": "vpc-1", "subnetIds": ["a", "b"]}) == []
    assert as_given(endpoint, {"vpcId": "vpc-1", "subnetIds": ["a", "b"], "state": "x"}, given) == given
    assert as_given(endpoint, {"vpcId": "vpc-1", "subnetIds": ["a"]}, given)["subnetIds"] == ["a"]


def test_what_no_look_at_aws_can_find_stays_as_given() -> None:
    bucket = TYPES["aws:s3/bucket:Bucket"]
    assert as_given(bucket, {"bucket": "b"}, {"bucket": "b", "forceDestroy": True})["forceDestroy"] is True
