"""An environment on AWS goes down to nothing, though AWS is slow, forgets late and makes a group of logs again."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from slipway.aws.account import Account
from slipway.environments.running.aws_down import made_again, settled, stop_logging, sweep_interfaces
from slipway.environments.running.aws_state import arns, network_of
from slipway.errors.failures import LeftBehind
from slipway.values.waiting import Waiting
from tests.support.moto_account import ACCOUNT, REGION, client, emulated

GROUP = "/aws/eks/slipway-dev/cluster"


@dataclass
class Clock:
    """Time that passes while somebody waits; `later` happens at the first pause."""

    now_s: float = 0.0
    pauses: int = 0

    def pause(self, seconds: float) -> None:
        self.pauses += 1
        self.now_s += seconds

    def waiting(self, limit_s: float) -> Waiting:
        return Waiting(limit_s, 10.0, self.pause, lambda: self.now_s)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    with emulated(monkeypatch) as made:
        yield made


def silent(_: str) -> None:
    pass


class FakeEks:
    """An account whose one cluster takes some looks for a change, one at a time, as EKS does; never, when None."""

    def __init__(self, *, logs: bool, looks: int | None = 2, status: str = "ACTIVE") -> None:
        self.logs, self.left, self.status = logs, looks, status
        self.wanted: bool | None = None
        self.calls: list[str] = []

    def find(self, service: str, operation: str, missing: tuple[str, ...], **parameters: Any) -> dict[str, Any] | None:
        assert (service, operation, parameters) == ("eks", "describe_cluster", {"name": "slipway-dev"})
        assert missing == ("ResourceNotFoundException",)
        if self.status == "gone":
            return None
        if self.status == "UPDATING" and self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.status = "ACTIVE"
                self.logs = self.logs if self.wanted is None else self.wanted
        setups = [{"types": ["api", "audit"], "enabled": self.logs}]
        return {"cluster": {"status": self.status, "logging": {"clusterLogging": setups}}}

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        assert self.status == "ACTIVE", "ResourceInUseException: the cluster has an update in progress"
        self.calls.append(f"{service} {operation}")
        (setup,) = parameters["logging"]["clusterLogging"]
        self.wanted, self.status = setup["enabled"], "UPDATING"
        return {"update": {"status": "InProgress"}}


def test_the_logs_of_a_control_plane_are_off_before_it_is_deleted() -> None:
    eks, clock = FakeEks(logs=True), Clock()
    stop_logging(eks, "dev", silent, clock.waiting(600))  # type: ignore[arg-type]
    assert eks.calls == ["eks update_cluster_config"]
    assert not eks.logs
    assert clock.pauses == 3


def test_a_change_that_is_under_way_is_waited_for_first() -> None:
    eks = FakeEks(logs=True, status="UPDATING", looks=1)
    stop_logging(eks, "dev", silent, Clock().waiting(600))  # type: ignore[arg-type]
    assert eks.calls == ["eks update_cluster_config"]
    assert not eks.logs


@pytest.mark.parametrize(("logs", "status"), [(False, "ACTIVE"), (True, "DELETING"), (True, "gone")])
def test_nothing_is_switched_off_where_nothing_is_logged(*, logs: bool, status: str) -> None:
    eks, clock = FakeEks(logs=logs, status=status), Clock()
    stop_logging(eks, "dev", silent, clock.waiting(600))  # type: ignore[arg-type]
    assert eks.calls == []
    assert clock.pauses == 0


def test_a_control_plane_that_never_ends_its_change_is_named() -> None:
    clock = Clock()
    with pytest.raises(LeftBehind, match="cluster slipway-dev, which is UPDATING and still writes logs"):
        stop_logging(FakeEks(logs=True, looks=None), "dev", silent, clock.waiting(600))  # type: ignore[arg-type]
    assert clock.now_s == 600


def test_a_group_of_logs_is_taken_for_made_again_only_without_the_environments_tag(account: Account) -> None:
    logs = client("logs")
    assert made_again(account, "dev") is None
    logs.create_log_group(logGroupName=f"{GROUP}-of-others")
    assert made_again(account, "dev") is None
    logs.create_log_group(logGroupName=GROUP)
    assert made_again(account, "dev") == GROUP
    logs.delete_log_group(logGroupName=GROUP)
    logs.create_log_group(logGroupName=GROUP, tags={"slipway:environment": "dev"})
    assert made_again(account, "dev") is None


def test_a_group_that_is_made_again_while_down_looks_is_deleted_each_time(account: Account) -> None:
    logs, clock = client("logs"), Clock()
    told: list[str] = []
    logs.create_log_group(logGroupName=GROUP)

    def pause(seconds: float) -> None:
        clock.pause(seconds)
        if clock.pauses == 1:
            logs.create_log_group(logGroupName=GROUP)
            role.delete_role(RoleName="slipway-dev-cluster")

    role = client("iam")
    role.create_role(RoleName="slipway-dev-cluster", AssumeRolePolicyDocument=json.dumps({"Statement": []}))
    left = settled(account, "dev", (), told.append, Waiting(300, 10, pause, lambda: clock.now_s))
    assert left == []
    assert logs.describe_log_groups()["logGroups"] == []
    assert sum("which AWS made again" in text for text in told) == 2


def test_roles_and_groups_of_logs_that_carry_no_tag_are_left_by_name_and_those_of_others_are_not(
    account: Account,
) -> None:
    iam, logs, trust = client("iam"), client("logs"), json.dumps({"Statement": []})
    tags = [{"Key": "slipway:environment", "Value": "dev-eu"}]
    iam.create_role(RoleName="slipway-dev-eu-cluster", AssumeRolePolicyDocument=trust, Tags=tags)
    iam.create_role(RoleName="slipway-dev-model-digits", AssumeRolePolicyDocument=trust)
    logs.create_log_group(logGroupName="/slipway/slipway-dev/flow-logs")
    logs.create_log_group(logGroupName="/slipway/slipway-dev-eu/flow-logs")
    clock = Clock()
    left = settled(account, "dev", (), silent, clock.waiting(300))
    assert [item.arn for item in left] == [
        f"arn:aws:iam::{ACCOUNT}:role/slipway-dev-model-digits",
        f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/slipway/slipway-dev/flow-logs",
    ]
    assert clock.now_s == 300


def test_nobody_waits_for_what_was_to_stay(account: Account) -> None:
    client("s3").create_bucket(Bucket="slipway-dev-1", CreateBucketConfiguration={"LocationConstraint": REGION})
    client("s3").put_bucket_tagging(
        Bucket="slipway-dev-1", Tagging={"TagSet": [{"Key": "slipway:environment", "Value": "dev"}]}
    )
    clock = Clock()
    left = settled(account, "dev", {"arn:aws:s3:::slipway-dev-1"}, silent, clock.waiting(300))
    assert [item.arn for item in left] == ["arn:aws:s3:::slipway-dev-1"]
    assert clock.pauses == 0


def test_network_interfaces_that_nodes_left_behind_are_deleted_and_no_others(account: Account) -> None:
    ec2 = client("ec2")
    vpcs = [ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"] for number in (8, 9)]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.{number}.1.0/24")["Subnet"]["SubnetId"]
        for vpc, number in zip(vpcs, (8, 9), strict=True)
    ]

    def interface(subnet: str, description: str) -> str:
        made = ec2.create_network_interface(SubnetId=subnet, Description=description)["NetworkInterface"]
        return str(made["NetworkInterfaceId"])

    lingering = interface(subnets[0], "aws-K8S-i-0123456789abcdef0")
    stay = {interface(subnets[0], "of somebody"), interface(subnets[1], "aws-K8S-i-0123456789abcdef1")}
    image = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, SubnetId=subnets[0])["Instances"][0]
    used = interface(subnets[0], "aws-K8S-i-0123456789abcdef2")
    ec2.attach_network_interface(NetworkInterfaceId=used, InstanceId=image["InstanceId"], DeviceIndex=1)
    assert sweep_interfaces(account, vpcs[0], silent) == 1
    there = {one["NetworkInterfaceId"] for one in ec2.describe_network_interfaces()["NetworkInterfaces"]}
    assert lingering not in there
    assert stay | {used} <= there


def test_a_state_names_its_network_and_all_that_it_still_has() -> None:
    vpc = {"type": "aws:ec2/vpc:Vpc", "id": "vpc-1", "outputs": {"arn": "arn:aws:ec2:::vpc/vpc-1"}}
    state = {"deployment": {"resources": [{"type": "pulumi:pulumi:Stack"}, vpc]}}
    assert arns(state) == {"arn:aws:ec2:::vpc/vpc-1"}
    assert network_of(state) == "vpc-1"
    assert arns(None) == set()
    assert network_of({"deployment": {}}) is None
