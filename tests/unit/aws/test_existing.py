"""Whether an object is still there is asked of AWS by a call about itself (moto here)."""

from collections.abc import Callable, Iterator

import pytest

from slipway.aws.account import Account
from slipway.aws.existing import Arn, is_gone
from tests.support.moto_account import ACCOUNT, REGION, client, emulated


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    with emulated(monkeypatch) as made:
        yield made


def of_ec2(kind: str, name: str) -> str:
    return f"arn:aws:ec2:{REGION}:{ACCOUNT}:{kind}/{name}"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (of_ec2("natgateway", "nat-1"), ("ec2", "natgateway", "nat-1")),
        ("arn:aws:s3:::slipway-dev", ("s3", "", "slipway-dev")),
        (f"arn:aws:rds:{REGION}:{ACCOUNT}:db:slipway-dev-keys", ("rds", "db", "slipway-dev-keys")),
        (f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/eks/a/cluster", ("logs", "log-group", "/aws/eks/a/cluster")),
        (f"arn:aws:eks:{REGION}:{ACCOUNT}:addon/slipway-dev/coredns/1", ("eks", "addon", "slipway-dev/coredns/1")),
    ],
)
def test_an_arn_has_service_kind_and_name(text: str, parts: tuple[str, str, str]) -> None:
    found = Arn.of(text)
    assert (found.service, found.kind, found.name) == parts


ABSENT = {
    "elastic-ip": "eipalloc-0123456789abcdef0",
    "instance": "i-0123456789abcdef0",
    "internet-gateway": "igw-0123456789abcdef0",
    "launch-template": "lt-0123456789abcdef0",
    "natgateway": "nat-0123456789abcdef0",
    "network-interface": "eni-0123456789abcdef0",
    "route-table": "rtb-0123456789abcdef0",
    "security-group": "sg-0123456789abcdef0",
    "snapshot": "snap-0123456789abcdef0",
    "subnet": "subnet-0123456789abcdef0",
    "volume": "vol-0123456789abcdef0",
    "vpc": "vpc-0123456789abcdef0",
    "vpc-endpoint": "vpce-0123456789abcdef0",
    "vpc-flow-log": "fl-0123456789abcdef0",
}


@pytest.mark.parametrize("kind", sorted(ABSENT))
def test_what_ec2_does_not_know_is_gone(account: Account, kind: str) -> None:
    assert is_gone(account, of_ec2(kind, ABSENT[kind]))


@pytest.mark.parametrize(
    "arn",
    [
        f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/slipway/dev/digits",
        f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/slipway-dev",
        f"arn:aws:eks:{REGION}:{ACCOUNT}:nodegroup/slipway-dev/cpu-1/uuid",
        f"arn:aws:iam::{ACCOUNT}:role/slipway-dev-cluster",
        f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000",
        f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/eks/slipway-dev/cluster",
        f"arn:aws:rds:{REGION}:{ACCOUNT}:db:slipway-dev-keys",
        f"arn:aws:rds:{REGION}:{ACCOUNT}:snapshot:slipway-dev-keys-1",
        f"arn:aws:rds:{REGION}:{ACCOUNT}:subgrp:slipway-dev-keys",
        f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:slipway-abcdef",
        f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/net/k8s-a/0123456789abcdef",
        f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/k8s-a/0123456789abcdef",
        "arn:aws:s3:::slipway-dev-there-is-no-such",
    ],
)
def test_what_its_service_does_not_know_is_gone(account: Account, arn: str) -> None:
    assert is_gone(account, arn)


def test_a_kind_that_nobody_said_how_to_ask_for_counts_as_there(account: Account) -> None:
    assert not is_gone(account, f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:file-system/fs-1")


def _vpc() -> tuple[str, Callable[[], object]]:
    made = client("ec2").create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    return of_ec2("vpc", made), lambda: client("ec2").delete_vpc(VpcId=made)


def _volume() -> tuple[str, Callable[[], object]]:
    made = client("ec2").create_volume(AvailabilityZone=f"{REGION}a", Size=1)["VolumeId"]
    return of_ec2("volume", made), lambda: client("ec2").delete_volume(VolumeId=made)


def _instance() -> tuple[str, Callable[[], object]]:
    made = client("ec2").run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    return of_ec2("instance", made), lambda: client("ec2").terminate_instances(InstanceIds=[made])


def _key() -> tuple[str, Callable[[], object]]:
    made = client("kms").create_key()["KeyMetadata"]
    return made["Arn"], lambda: client("kms").schedule_key_deletion(KeyId=made["KeyId"])


def _bucket() -> tuple[str, Callable[[], object]]:
    where = {"LocationConstraint": REGION}
    client("s3").create_bucket(Bucket="slipway-dev-1", CreateBucketConfiguration=where)
    return "arn:aws:s3:::slipway-dev-1", lambda: client("s3").delete_bucket(Bucket="slipway-dev-1")


def _log_group() -> tuple[str, Callable[[], object]]:
    client("logs").create_log_group(logGroupName="/a")
    client("logs").create_log_group(logGroupName="/a/b")
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/a"
    return arn, lambda: client("logs").delete_log_group(logGroupName="/a")


@pytest.mark.parametrize("make", [_vpc, _volume, _instance, _key, _bucket, _log_group])
def test_what_is_there_is_there_until_it_is_deleted(
    account: Account, make: Callable[[], tuple[str, Callable[[], object]]]
) -> None:
    arn, delete = make()
    assert not is_gone(account, arn)
    delete()
    assert is_gone(account, arn)
