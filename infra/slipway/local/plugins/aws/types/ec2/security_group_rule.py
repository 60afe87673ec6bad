"""One rule of a security group, inwards or outwards."""

from typing import Any, Literal

from slipway.local.plugins.aws.backend import Aws
from slipway.local.plugins.aws.schema import REQUIRED, REQUIRED_FIXED, VALUE, Object, ResourceType
from slipway.local.plugins.aws.types import tags
from slipway.local.plugins.aws.types.spelling import given

_MISSING = ("InvalidSecurityGroupRuleId.NotFound", "InvalidGroup.NotFound", "InvalidPermission.NotFound")
_SOURCES = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")
_RULE_NAMES = {
    "ipProtocol": "IpProtocol", "fromPort": "FromPort", "toPort": "ToPort", "cidrIpv4": "CidrIpv4",
    "cidrIpv6": "CidrIpv6", "prefixListId": "PrefixListId", "referencedSecurityGroupId": "ReferencedGroupId",
    "description": "Description",
}  # fmt: skip


def _permission(inputs: Object) -> dict[str, Any]:
    described = {"Description": inputs["description"]} if "description" in inputs else {}
    permission = given(inputs, {"ipProtocol": "IpProtocol", "fromPort": "FromPort", "toPort": "ToPort"})
    spelled = {
        "cidrIpv4": ("IpRanges", "CidrIp"), "cidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
        "prefixListId": ("PrefixListIds", "PrefixListId"), "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    }  # fmt: skip
    for key, (ranges, name) in spelled.items():
        if key in inputs:
            permission[ranges] = [{name: inputs[key], **described}]
    return permission


def _source_changed(old: Object, new: Object) -> frozenset[str]:
    """A rule cannot change from one kind of source to another."""
    changed = {key for key in _SOURCES if (key in old) != (key in new)}
    return frozenset(changed)


def _rule(direction: Literal["ingress", "egress"]) -> ResourceType:
    def create(aws: Aws, inputs: Object) -> str:
        made = aws.call(
            "ec2", f"authorize_security_group_{direction}", GroupId=inputs["securityGroupId"],
            IpPermissions=[_permission(inputs)], TagSpecifications=tags.specification("security-group-rule", inputs),
        )  # fmt: skip
        return str(made["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    def read(aws: Aws, identifier: str, state: Object) -> Object | None:
        found = aws.find("ec2", "describe_security_group_rules", _MISSING, SecurityGroupRuleIds=[identifier])
        rules = [rule for rule in (found or {}).get("SecurityGroupRules", []) if rule["GroupId"]]
        if not rules:
            return None
        rule = rules[0]
        ports = {key: rule.get(name) for key, name in (("fromPort", "FromPort"), ("toPort", "ToPort"))}
        return {
            "arn": f"arn:aws:ec2:{aws.region}:{aws.account}:security-group-rule/{identifier}",
            "securityGroupRuleId": identifier,
            "securityGroupId": rule["GroupId"],
            "ipProtocol": rule["IpProtocol"],
            "cidrIpv4": rule.get("CidrIpv4"),
            "cidrIpv6": rule.get("CidrIpv6"),
            "prefixListId": rule.get("PrefixListId"),
            "referencedSecurityGroupId": (rule.get("ReferencedGroupInfo") or {}).get("GroupId"),
            "description": rule.get("Description"),
            **{key: port for key, port in ports.items() if port != -1},
            **tags.outputs(tags.mapping(rule.get("Tags"))),
        }

    def update(aws: Aws, identifier: str, old: Object, new: Object) -> None:
        if given(old, _RULE_NAMES) != given(new, _RULE_NAMES):
            change = {"SecurityGroupRuleId": identifier, "SecurityGroupRule": given(new, _RULE_NAMES)}
            aws.call("ec2", "modify_security_group_rules", GroupId=new["securityGroupId"], SecurityGroupRules=[change])
        tags.update_ec2(aws, identifier, old, new)

    def delete(aws: Aws, identifier: str, state: Object) -> None:
        method = f"revoke_security_group_{direction}"
        group = state["securityGroupId"]
        aws.find("ec2", method, _MISSING, GroupId=group, SecurityGroupRuleIds=[identifier])

    title = direction.title()
    return ResourceType(
        token=f"aws:vpc/securityGroup{title}Rule:SecurityGroup{title}Rule",
        source="hashicorp/terraform-provider-aws internal/service/ec2/vpc_security_group_ingress_rule.go",
        properties={
            "securityGroupId": REQUIRED_FIXED, "ipProtocol": REQUIRED, "fromPort": VALUE, "toPort": VALUE,
            "cidrIpv4": VALUE, "cidrIpv6": VALUE, "prefixListId": VALUE, "referencedSecurityGroupId": VALUE,
            "description": VALUE, "tags": VALUE,
        },
        replaces_when=_source_changed,
        computed=frozenset({"arn", "securityGroupRuleId", "tagsAll"}),
        create=create, read=read, update=update, delete=delete,
    )  # fmt: skip


INGRESS_RULE = _rule("ingress")
EGRESS_RULE = _rule("egress")
