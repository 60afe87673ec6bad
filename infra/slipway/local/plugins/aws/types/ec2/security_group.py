"""Security groups without rules of their own: the rules are resources beside them."""

from typing import Any

from slipway.local.plugins.aws.backend import Aws
from slipway.local.plugins.aws.schema import LOCAL, REQUIRED_FIXED, VALUE, Object, Property, ResourceType
from slipway.local.plugins.aws.types import tags
from slipway.local.plugins.aws.types.ec2 import dependencies

_MISSING = ("InvalidGroup.NotFound", "InvalidGroupId.NotFound")


def _create(aws: Aws, inputs: Object) -> str:
    made = aws.call(
        "ec2", "create_security_group", GroupName=inputs["name"], Description=inputs["description"],
        VpcId=inputs["vpcId"], TagSpecifications=tags.specification("security-group", inputs),
    )  # fmt: skip
    return str(made["GroupId"])


def _take_default_rule_away(aws: Aws, identifier: str, inputs: Object) -> None:
    """AWS lets a new group reach everything; Terraform's provider, and so Pulumi's, takes that away at once."""
    everywhere = [
        rule
        for rule in aws.call("ec2", "describe_security_groups", GroupIds=[identifier])["SecurityGroups"][0][
            "IpPermissionsEgress"
        ]
        if rule["IpProtocol"] == "-1" and not rule.get("UserIdGroupPairs") and not rule.get("PrefixListIds")
    ]
    if everywhere:
        aws.call("ec2", "revoke_security_group_egress", GroupId=identifier, IpPermissions=everywhere)


def _find(aws: Aws, identifier: str) -> dict[str, Any] | None:
    found = aws.find("ec2", "describe_security_groups", _MISSING, GroupIds=[identifier])
    return found["SecurityGroups"][0] if found and found["SecurityGroups"] else None


def _read(aws: Aws, identifier: str, state: Object) -> Object | None:
    group = _find(aws, identifier)
    if group is None:
        return None
    return {
        "arn": f"arn:aws:ec2:{aws.region}:{group['OwnerId']}:security-group/{identifier}",
        "name": group["GroupName"],
        "description": group["Description"],
        "vpcId": group["VpcId"],
        "ownerId": group["OwnerId"],
        **tags.outputs(tags.mapping(group.get("Tags"))),
    }


def _delete(aws: Aws, identifier: str, state: Object) -> None:
    def delete() -> None:
        dependencies.check_group(aws, identifier)
        aws.find("ec2", "delete_security_group", _MISSING, GroupId=identifier)

    dependencies.patiently(delete)


SECURITY_GROUP = ResourceType(
    token="aws:ec2/securityGroup:SecurityGroup",
    source="hashicorp/terraform-provider-aws internal/service/ec2/vpc_security_group.go",
    properties={
        "name": REQUIRED_FIXED, "description": REQUIRED_FIXED, "vpcId": REQUIRED_FIXED,
        "revokeRulesOnDelete": LOCAL, "tags": VALUE,
    },
    name="name",
    computed=frozenset({"arn", "ownerId", "tagsAll"}),
    create=_create, configure=_take_default_rule_away, read=_read, update=tags.update_ec2, delete=_delete,
)  # fmt: skip


def _adopt(aws: Aws, inputs: Object) -> str:
    of_vpc = [{"Name": "vpc-id", "Values": [inputs["vpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
    return str(aws.call("ec2", "describe_security_groups", Filters=of_vpc)["SecurityGroups"][0]["GroupId"])


def _close(aws: Aws, identifier: str, inputs: Object) -> None:
    """Take all rules away: the group that AWS makes with a network is never to be used."""
    group = _find(aws, identifier) or {}
    if group.get("IpPermissions"):
        aws.call("ec2", "revoke_security_group_ingress", GroupId=identifier, IpPermissions=group["IpPermissions"])
    if group.get("IpPermissionsEgress"):
        aws.call("ec2", "revoke_security_group_egress", GroupId=identifier, IpPermissions=group["IpPermissionsEgress"])
    tags.update_ec2(aws, identifier, {}, inputs)


def _read_default(aws: Aws, identifier: str, state: Object) -> Object | None:
    group, seen = _find(aws, identifier), _read(aws, identifier, state)
    if group is None or seen is None:
        return None
    rules = {"ingress": "IpPermissions", "egress": "IpPermissionsEgress"}
    return seen | {key: [{"protocol": rule["IpProtocol"]} for rule in group[name]] for key, name in rules.items()}


def _update_default(aws: Aws, identifier: str, old: Object, new: Object) -> None:
    _close(aws, identifier, {})
    tags.update_ec2(aws, identifier, old, new)


def _leave(aws: Aws, identifier: str, state: Object) -> None:
    """AWS deletes the group with its network; until then it stays as it is."""


DEFAULT_SECURITY_GROUP = ResourceType(
    token="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    source="hashicorp/terraform-provider-aws internal/service/ec2/vpc_default_security_group.go",
    properties={
        "vpcId": REQUIRED_FIXED, "ingress": Property(fields={}), "egress": Property(fields={}), "tags": VALUE,
    },
    computed=frozenset({"arn", "name", "ownerId", "tagsAll"}),
    create=_adopt, configure=_close, read=_read_default, update=_update_default, delete=_leave,
)  # fmt: skip
