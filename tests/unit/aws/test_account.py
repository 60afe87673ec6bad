"""An account is asked what is there; AWS is moto's emulation of it here."""

from collections.abc import Iterator
from typing import Any

import pytest

from slipway.aws.account import Account, Caller
from slipway.aws.identifiers import _BY_TAG, UnknownTypeError, identifiers
from slipway.aws.tagged import tagged
from slipway.errors.failures import AwsRefused
from tests.support.moto_account import ACCOUNT, client, emulated

TAGS = {"Name": "slipway-dev", "slipway:environment": "dev"}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    with emulated(monkeypatch) as made:
        yield made


def tags(values: dict[str, str] = TAGS) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in values.items()]


def vpc(cidr: str, values: dict[str, str]) -> str:
    specification = [{"ResourceType": "vpc", "Tags": tags(values)}]
    return str(client("ec2").create_vpc(CidrBlock=cidr, TagSpecifications=specification)["Vpc"]["VpcId"])


def test_the_caller_is_whom_sts_names(account: Account) -> None:
    assert account.caller().account == ACCOUNT


def test_a_session_is_known_by_the_name_of_its_role_whatever_its_path() -> None:
    caller = Caller(ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/break-glass/anna")
    assert caller.is_role(f"arn:aws:iam::{ACCOUNT}:role/oncall/break-glass")
    assert not caller.is_role(f"arn:aws:iam::{ACCOUNT}:role/break")
    assert not Caller(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/break-glass").is_role(
        f"arn:aws:iam::{ACCOUNT}:role/break-glass"
    )


def test_a_cluster_is_there_or_not_and_a_refusal_is_neither(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not account.has_cluster("slipway-dev")
    client("eks").create_cluster(
        name="slipway-dev",
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/control-plane",
        resourcesVpcConfig={"subnetIds": ["subnet-1", "subnet-2"]},
    )
    assert account.has_cluster("slipway-dev")

    def refused(*_: Any, **__: Any) -> Any:
        raise AwsRefused("eks", "describe_cluster", "not authorized", "AccessDeniedException")

    monkeypatch.setattr(account, "call", refused)
    with pytest.raises(AwsRefused, match="not authorized"):
        account.has_cluster("slipway-dev")


def test_a_vpc_is_found_by_its_name_in_its_environment_only(account: Account) -> None:
    vpc("10.9.0.0/16", TAGS | {"slipway:environment": "prod"})
    assert identifiers(account, "aws:ec2/vpc:Vpc", {"tags": TAGS}) == []
    made = vpc("10.8.0.0/16", TAGS)
    assert identifiers(account, "aws:ec2/vpc:Vpc", {"tags": TAGS}) == [made]


def test_what_was_deleted_is_not_found_though_its_tags_are_listed(account: Account) -> None:
    client("ec2").delete_vpc(VpcId=vpc("10.8.0.0/16", TAGS))
    made = vpc("10.8.0.0/16", TAGS)
    assert identifiers(account, "aws:ec2/vpc:Vpc", {"tags": TAGS}) == [made]


@pytest.mark.parametrize("kind", sorted(_BY_TAG))
def test_every_type_can_be_asked_for_by_its_tags(account: Account, kind: str) -> None:
    assert identifiers(account, kind, {"tags": TAGS}) == []


def test_a_key_is_found_by_all_its_tags(account: Account) -> None:
    made = client("kms").create_key(Tags=[{"TagKey": k, "TagValue": v} for k, v in TAGS.items()])["KeyMetadata"]
    assert identifiers(account, "aws:kms/key:Key", {"tags": TAGS}) == [made["KeyId"]]
    assert identifiers(account, "aws:kms/key:Key", {"tags": TAGS | {"Name": "other"}}) == []
    client("kms").schedule_key_deletion(KeyId=made["KeyId"])
    assert identifiers(account, "aws:kms/key:Key", {"tags": TAGS}) == []


@pytest.mark.parametrize(
    ("kind", "inputs", "identifier"),
    [
        ("aws:iam/role:Role", {"name": "slipway-dev-nodes"}, "slipway-dev-nodes"),
        ("aws:eks/nodeGroup:NodeGroup", {"clusterName": "c", "nodeGroupName": "cpu-1"}, "c:cpu-1"),
        ("aws:s3/bucketVersioning:BucketVersioning", {"bucket": "weights"}, "weights"),
        ("aws:budgets/budget:Budget", {"name": "slipway-dev"}, f"{ACCOUNT}:slipway-dev"),
        ("kubernetes:helm.sh/v3:Release", {"namespace": "keda", "name": "keda"}, "keda/keda"),
        ("kubernetes:core/v1:Namespace", {"metadata": {"name": "slipway"}}, None),
    ],
)
def test_what_goes_by_its_name_is_not_looked_for(
    account: Account, kind: str, inputs: dict[str, Any], identifier: str | None
) -> None:
    assert identifiers(account, kind, inputs) == ([identifier] if identifier else [])


def test_what_carries_the_environments_tag_is_listed_but_not_what_is_deleted_already(account: Account) -> None:
    vpc("10.9.0.0/16", TAGS | {"slipway:environment": "prod"})
    made = vpc("10.8.0.0/16", TAGS)
    key = client("kms").create_key(Tags=[{"TagKey": k, "TagValue": v} for k, v in TAGS.items()])["KeyMetadata"]
    client("kms").schedule_key_deletion(KeyId=key["KeyId"])
    assert [(item.arn.rpartition("/")[2], item.name) for item in tagged(account, "dev")] == [(made, "slipway-dev")]


def test_a_bucket_is_emptied_of_all_versions(account: Account) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="weights", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_versioning(Bucket="weights", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        s3.put_object(Bucket="weights", Key="digits/model.onnx", Body=body)
    s3.delete_object(Bucket="weights", Key="digits/model.onnx")
    account.empty_bucket("weights")
    s3.delete_bucket(Bucket="weights")
    assert s3.list_buckets()["Buckets"] == []


def test_a_type_that_nobody_said_how_to_find_is_no_empty_answer(account: Account) -> None:
    with pytest.raises(UnknownTypeError, match=r"no table .* says how objects of type aws:sns/topic:Topic are found"):
        identifiers(account, "aws:sns/topic:Topic", {"name": "digits"})


def test_a_queue_is_found_by_its_whole_name(account: Account) -> None:
    made = client("sqs").create_queue(QueueName="slipway-dev")["QueueUrl"]
    client("sqs").create_queue(QueueName="slipway-dev-2")
    assert identifiers(account, "aws:sqs/queue:Queue", {"name": "slipway-dev"}) == [made]
    assert identifiers(account, "aws:sqs/queue:Queue", {"name": "slipway-other"}) == []
