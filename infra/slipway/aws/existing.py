"""Ask AWS by its ARN whether an object is there: lists of objects by their tags go on naming what was deleted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.aws.account import Account

_GONE = ("deleted", "terminated", "PendingDeletion")
"""States in which AWS still shows what nobody can use and what costs nothing."""


@dataclass(frozen=True, slots=True)
class Arn:
    """The parts of an ARN: `arn:aws:ec2:eu-central-1:123456789012:natgateway/nat-1` is `ec2`, `natgateway`, `nat-1`.

    Of a bucket and of a queue the kind is empty.
    """

    text: str
    service: str
    kind: str
    name: str

    @classmethod
    def of(cls, text: str) -> "Arn":
        """The parts of a text. Some services separate kind and name by a colon, most by a slash."""
        service, rest = text.split(":", 5)[2], text.split(":", 5)[5]
        if service in ("s3", "sqs"):
            return cls(text, service, "", rest)
        end = min(found for found in (rest.find("/"), rest.find(":"), len(rest)) if found >= 0)
        return cls(text, service, rest[:end], rest[end + 1 :])


@dataclass(frozen=True, slots=True)
class _Look:
    """How to ask for one object: the call, its parameters, the list in its answer, and what it says of an absent one.

    `missing`: codes of errors, each by its beginning. `listed`: None where the answer is the object itself. `is_it`:
    where a call cannot ask for one object alone.
    """

    operation: str
    parameters: Callable[[Arn], Mapping[str, Any]]
    missing: tuple[str, ...]
    listed: str | None = None
    is_it: Callable[[Arn, Any], bool] = lambda _, __: True
    service: str | None = None


def _by_id(kind: str, operation: str, parameter: str, listed: str) -> dict[tuple[str, str], _Look]:
    """EC2 has its own code for each kind: `InvalidVpcID.NotFound`; a launch template's ends in NotFoundException."""
    return {("ec2", kind): _Look(operation, lambda arn: {parameter: [arn.name]}, ("Invalid",), listed)}


def _one(
    service: str, kind: str, operation: str, parameter: str, *missing: str, listed: str | None = None
) -> dict[tuple[str, str], _Look]:
    return {(service, kind): _Look(operation, lambda arn: {parameter: arn.name}, missing, listed)}


def _by_arn(kind: str, operation: str, parameter: str, missing: str, listed: str) -> dict[tuple[str, str], _Look]:
    look = _Look(operation, lambda arn: {parameter: [arn.text]}, (missing,), listed, service="elbv2")
    return {("elasticloadbalancing", kind): look}


_OF_CLUSTER = _Look(
    "describe_cluster", lambda arn: {"name": arn.name.partition("/")[0]}, ("ResourceNotFoundException",)
)
"""What belongs to a cluster ends with it."""
_LOOKS: Mapping[tuple[str, str], _Look] = {
    **_by_id("elastic-ip", "describe_addresses", "AllocationIds", "Addresses"),
    **_by_id("instance", "describe_instances", "InstanceIds", "Reservations"),
    **_by_id("internet-gateway", "describe_internet_gateways", "InternetGatewayIds", "InternetGateways"),
    **_by_id("launch-template", "describe_launch_templates", "LaunchTemplateIds", "LaunchTemplates"),
    **_by_id("natgateway", "describe_nat_gateways", "NatGatewayIds", "NatGateways"),
    **_by_id("network-interface", "describe_network_interfaces", "NetworkInterfaceIds", "NetworkInterfaces"),
    **_by_id("route-table", "describe_route_tables", "RouteTableIds", "RouteTables"),
    **_by_id("security-group", "describe_security_groups", "GroupIds", "SecurityGroups"),
    **_by_id("security-group-rule", "describe_security_group_rules", "SecurityGroupRuleIds", "SecurityGroupRules"),
    **_by_id("snapshot", "describe_snapshots", "SnapshotIds", "Snapshots"),
    **_by_id("subnet", "describe_subnets", "SubnetIds", "Subnets"),
    **_by_id("volume", "describe_volumes", "VolumeIds", "Volumes"),
    **_by_id("vpc", "describe_vpcs", "VpcIds", "Vpcs"),
    **_by_id("vpc-endpoint", "describe_vpc_endpoints", "VpcEndpointIds", "VpcEndpoints"),
    **_by_id("vpc-flow-log", "describe_flow_logs", "FlowLogIds", "FlowLogs"),
    **{("eks", kind): _OF_CLUSTER for kind in ("access-entry", "addon", "cluster", "nodegroup")},
    ("eks", "podidentityassociation"): _OF_CLUSTER,
    **_one("events", "rule", "describe_rule", "Name", "ResourceNotFoundException"),
    **_one("sqs", "", "get_queue_url", "QueueName", "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"),
    **_one("iam", "role", "get_role", "RoleName", "NoSuchEntity"),
    **_one("kms", "key", "describe_key", "KeyId", "NotFoundException"),
    **_one("s3", "", "head_bucket", "Bucket", "404", "NoSuchBucket"),
    **_one("secretsmanager", "secret", "describe_secret", "SecretId", "ResourceNotFoundException"),
    **_one("rds", "db", "describe_db_instances", "DBInstanceIdentifier", "DBInstanceNotFound", listed="DBInstances"),
    **_one(
        "rds", "snapshot", "describe_db_snapshots", "DBSnapshotIdentifier", "DBSnapshotNotFound", listed="DBSnapshots"
    ),
    **_one(
        "rds", "subgrp", "describe_db_subnet_groups", "DBSubnetGroupName", "DBSubnetGroupNotFound",
        listed="DBSubnetGroups",
    ),
    ("ecr", "repository"): _Look(
        "describe_repositories", lambda arn: {"repositoryNames": [arn.name]}, ("RepositoryNotFound",), "repositories"
    ),
    ("logs", "log-group"): _Look(
        "describe_log_groups",
        lambda arn: {"logGroupNamePrefix": arn.name.removesuffix(":*")},
        ("ResourceNotFoundException",),
        "logGroups",
        lambda arn, group: bool(group["logGroupName"] == arn.name.removesuffix(":*")),
    ),
    **_by_arn("loadbalancer", "describe_load_balancers", "LoadBalancerArns", "LoadBalancerNotFound", "LoadBalancers"),
    **_by_arn("targetgroup", "describe_target_groups", "TargetGroupArns", "TargetGroupNotFound", "TargetGroups"),
}  # fmt: skip
"""How each kind of object that an environment may have is asked for."""


def is_gone(account: Account, text: str) -> bool:
    """Whether the object with an ARN is no more, by a call about itself; an unknown kind counts as there."""
    arn = Arn.of(text)
    look = _LOOKS.get((arn.service, arn.kind))
    if look is None:
        return False
    parameters = look.parameters(arn)
    answer = account.find(look.service or arn.service, look.operation, look.missing, **parameters)
    if answer is None:
        return True
    if look.listed is None:
        return _state(answer) in _GONE
    found = [one for one in answer.get(look.listed, []) if look.is_it(arn, one)]
    return all(_state(part) in _GONE for one in found for part in one.get("Instances", [one]))


def _state(one: Mapping[str, Any]) -> str:
    """The state of an object, where it has one: some say it in a mapping, and that of a key is in its metadata."""
    state = one.get("State", one.get("KeyMetadata", {}).get("KeyState", ""))
    return str(state["Name"] if isinstance(state, Mapping) and "Name" in state else state)
