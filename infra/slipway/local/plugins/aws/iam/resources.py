"""Which resources a call names: their ARNs, from its parameters."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.local.plugins.aws.iam.reference import Action, Kind

_EC2 = {
    "VpcId": "vpc", "SubnetId": "subnet", "SubnetIds": "subnet", "AddSubnetIds": "subnet", "RemoveSubnetIds": "subnet",
    "GroupId": "security-group", "SecurityGroupIds": "security-group", "AddSecurityGroupIds": "security-group",
    "RemoveSecurityGroupIds": "security-group", "RouteTableId": "route-table", "RouteTableIds": "route-table",
    "AddRouteTableIds": "route-table", "RemoveRouteTableIds": "route-table", "InternetGatewayId": "internet-gateway",
    "NatGatewayId": "natgateway", "AllocationId": "elastic-ip", "VpcEndpointId": "vpc-endpoint",
    "VpcEndpointIds": "vpc-endpoint", "LaunchTemplateId": "launch-template", "FlowLogIds": "vpc-flow-log",
    "NetworkInterfaceId": "network-interface", "InstanceIds": "instance",
}  # fmt: skip
"""Parameters of EC2's operations, and the type of what they name."""

_PREFIXES = {
    "vpc": "vpc", "subnet": "subnet", "sg": "security-group", "sgr": "security-group-rule", "rtb": "route-table",
    "igw": "internet-gateway", "nat": "natgateway", "eipalloc": "elastic-ip", "vpce": "vpc-endpoint",
    "lt": "launch-template", "fl": "vpc-flow-log", "eni": "network-interface", "vol": "volume", "i": "instance",
}  # fmt: skip
"""What EC2's ids begin with, by type."""

_NAMES = {
    "AddonName": "addonName", "Alias": "AliasName", "BucketName": "Bucket", "ClusterName": "clusterName name",
    "DbInstanceName": "DBInstanceIdentifier", "KeyId": "KeyId TargetKeyId", "LogGroupName": "logGroupName",
    "NodegroupName": "nodegroupName", "ObjectName": "Key", "RepositoryName": "repositoryName repositoryNames",
    "RoleNameWithPath": "RoleName", "BudgetName": "BudgetName Budget.BudgetName NewBudget.BudgetName",
    "SubnetGroupName": "DBSubnetGroupName", "InstanceProfileNameWithPath": "InstanceProfileName",
    "QueueName": "QueueName QueueUrl", "RuleName": "Name Rule",
    "ParameterNameWithoutLeadingSlash": "Name",
    "SnapshotName": "DBSnapshotIdentifier FinalDBSnapshotIdentifier", "OptionGroupName": "OptionGroupName",
    "ParameterGroupName": "DBParameterGroupName",
}  # fmt: skip
"""Parts of ARNs, and the parameters that name them in other services than EC2."""

_OPEN = {"ObjectName", "UUID"}
"""Parts of ARNs that a call need not have: all objects of a bucket, and what AWS numbers itself."""

_OF_AWS = "/aws/service/"
"""What the names of AWS's own public parameters begin with; their ARNs have no account."""

_ARNS = ("resourceArn", "ResourceArn", "ResourceARN", "ResourceName")
"""Parameters that are an ARN themselves."""

_DEFAULTS = {"og": "default:*", "pg": "default.*"}
"""Groups that a database gets when the call names none (Amazon RDS User Guide, "Permission policies to create, modify
and delete resources", whose policies name them)."""


@dataclass(frozen=True)
class Place:
    """Where a call is made."""

    partition: str
    region: str
    account: str


@dataclass(frozen=True)
class Named:
    """A resource of a call. `identifier` is None for one that the call makes."""

    arn: str
    kind: Kind
    identifier: str | None


def named(action: Action, params: Mapping[str, Any], place: Place) -> Iterator[Named]:
    """The resources that a call asks for under an action: those that it names, and those that it makes."""
    if action.name.startswith("ec2:"):
        yield from _of_ec2(action, params, place)
        return
    given = [params[name] for name in _ARNS if name in params]
    found = [Named(arn, kind, arn) for arn in given for kind in action.kinds if _formed(arn, kind)]
    yield from found
    if not found:
        yield from _of_service(action, params, place)


def _of_ec2(action: Action, params: Mapping[str, Any], place: Place) -> Iterator[Named]:
    ids: dict[str, list[str]] = {}
    for name, type_ in _EC2.items():
        ids.setdefault(type_, []).extend(_listed(params.get(name)))
    for rule in params.get("SecurityGroupRules", ()):
        ids.setdefault("security-group-rule", []).append(rule["SecurityGroupRuleId"])
    for identifier in (*_listed(params.get("Resources")), *_listed(params.get("ResourceIds"))):
        ids.setdefault(_PREFIXES[identifier.rpartition("-")[0]], []).append(identifier)
    tagged = {one["ResourceType"] for one in params.get("TagSpecifications", ())}
    for kind in action.kinds:
        for identifier in ids.get(kind.name, ()):
            yield Named(_filled(kind, place, identifier), kind, identifier)
        if not ids.get(kind.name) and (kind.required or kind.name in tagged):
            yield Named(_filled(kind, place, "*"), kind, None)


def _of_service(action: Action, params: Mapping[str, Any], place: Place) -> Iterator[Named]:
    """Of types of which one is meant, the one that the call names best: a node group, not the cluster it is in."""
    some = any(kind.required for kind in action.kinds)
    written = [(kind, *_by_name(kind, params)) for kind in action.kinds]
    best = max((known for *_, known in written), default=0)
    for kind, text, known in written:
        arn = _placed(text, place)
        if kind.required or (known and action.name.startswith("rds:")) or (known and known == best and not some):
            yield Named(arn, kind, arn if known else None)
        elif action.name == "rds:CreateDBInstance" and kind.name in _DEFAULTS:
            yield Named(_filled(kind, place, _DEFAULTS[kind.name]), kind, None)


def _by_name(kind: Kind, params: Mapping[str, Any]) -> tuple[str, int]:
    """An ARN's format, filled in (`*` for what is not known), and how many parts were; 0 where a name is missing."""
    known, missing = 0, False

    def part(found: re.Match[str]) -> str:
        nonlocal known, missing
        if found[1] == "Account" and str(params.get("Name", "")).startswith(_OF_AWS):
            return ""
        if found[1] in ("Partition", "Region", "Account"):
            return found[0]
        values = [value for name in _NAMES.get(found[1], "").split() for value in _listed(at(params, name))]
        known += bool(values)
        missing |= not values and found[1] not in _OPEN
        if values and "://" in values[0]:  # of a queue
            return values[0].rpartition("/")[2]
        if found[1] == "ParameterNameWithoutLeadingSlash" and values:
            return values[0].removeprefix("/")
        return values[0].removeprefix("alias/").rpartition(":key/")[2] if values else "*"

    text = re.sub(r"\$\{(\w+)\}", part, kind.arn)
    return text, 0 if missing else known


def _filled(kind: Kind, place: Place, identifier: str) -> str:
    return re.sub(r"\$\{\w+\}", identifier, _placed(kind.arn, place))


def _placed(arn: str, place: Place) -> str:
    at = {"Partition": place.partition, "Region": place.region, "Account": place.account}
    return re.sub(r"\$\{(Partition|Region|Account)\}", lambda found: at[found[1]], arn)


def _formed(arn: str, kind: Kind) -> bool:
    """Whether an ARN is one of a type."""
    parts = re.split(r"\$\{\w+\}", kind.arn)
    return re.fullmatch("[^/]*".join(map(re.escape, parts[:-1])) + ".*" + re.escape(parts[-1]), arn) is not None


def at(params: Any, path: str) -> Any:
    """A parameter inside others, `provider.keyArn`; None when it is not given."""
    for name in path.split("."):
        if isinstance(params, Mapping):
            params = params.get(name)
        elif isinstance(params, list) and name.isdigit() and int(name) < len(params):
            params = params[int(name)]
        else:
            return None
    return params


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else [one for one in value if isinstance(one, str)]
