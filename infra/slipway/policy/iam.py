"""Check what IAM roles, their trust policies and the policies of keys grant."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from slipway.policy.resource import Resource, Unknown, entries

NOT_BY_RESOURCE = {
    "ec2:Describe": "lists; AWS limits it to no resource",
    "ec2:GetSecurityGroupsForVpc": "lists, as ec2:DescribeSecurityGroups does",
    "ecr:GetAuthorizationToken": "a login to the registry, not to a repository",
    "elasticloadbalancing:Describe": "lists; AWS limits it to no resource",
    "iam:ListInstanceProfiles": "lists names; AWS limits it to no resource",
    "logs:DescribeLogGroups": "lists; AWS limits it to no resource",
    "pricing:GetProducts": "lists prices, which are the same for everybody",
    "route53:ListHostedZones": "lists; AWS limits it to no resource",
}
"""Actions, by how they begin, that may be granted on every resource, since they only list, and what they give."""

_READING = ("Describe", "Get", "List", "BatchGet")
_TOO_MUCH = ("AdministratorAccess", "PowerUserAccess", "FullAccess")
_NEGATIONS = ("NotAction", "NotResource", "NotPrincipal")


def statements(policy: Any) -> list[Mapping[str, Any]]:
    """The statements of a policy, given as JSON or as values; none where it is missing or not known yet."""
    if isinstance(policy, str):
        policy = json.loads(policy)
    found = policy.get("Statement") if isinstance(policy, Mapping) else None
    return [found] if isinstance(found, Mapping) else entries(found)


def anyone(statement: Mapping[str, Any]) -> bool:
    """Whether a statement allows something to everybody, under no condition."""
    if statement.get("Effect") != "Allow" or statement.get("Condition"):
        return False
    principal = statement.get("Principal")
    named = list(principal.values()) if isinstance(principal, Mapping) else [principal]
    return any("*" in _listed(name) for name in named)


def needs_tls(policy: Any) -> bool:
    """Whether a bucket's policy denies everybody everything without TLS."""
    return any(
        statement.get("Effect") == "Deny"
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        and "s3:*" in _listed(statement.get("Action"))
        and statement.get("Principal") in ("*", {"AWS": "*"})
        for statement in statements(policy)
    )


def least_privilege(resource: Resource) -> Iterator[str]:
    """No wildcard in what a role may do, none in who may become it or use a key, and no policy of AWS that has one."""
    if resource.type == "aws:iam/rolePolicy:RolePolicy":
        yield from _granted(resource.read("policy"))
    elif resource.type == "aws:iam/role:Role":
        for inline in entries(resource.read("inlinePolicies")):
            yield from _granted(inline.get("policy"))
        yield from _trusted(resource.read("assumeRolePolicy"))
    elif resource.type == "aws:kms/key:Key":
        yield from _trusted(resource.read("policy"))
    elif resource.type == "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
        arn = resource.read("policyArn")
        if isinstance(arn, str) and arn.endswith(_TOO_MUCH):
            yield f"attaches {arn}"


def _trusted(policy: Any) -> Iterator[str]:
    if any(anyone(statement) for statement in statements(policy)):
        yield "allows something to everybody"


def _granted(policy: Any) -> Iterator[str]:
    for statement in statements(policy):
        if statement.get("Effect") != "Allow":
            continue
        for field in _NEGATIONS:
            if field in statement:
                yield f"allows all but {field}"
        actions = _listed(statement.get("Action"))
        for action in actions:
            verb = action.partition(":")[2]
            if "*" in action and not verb.startswith(_READING):
                yield f"allows {action}"
        wide = [action for action in actions if not action.startswith(tuple(NOT_BY_RESOURCE))]
        if "*" in _listed(statement.get("Resource")) and wide and not statement.get("Condition"):
            yield f"allows {', '.join(wide)} on every resource"


def _listed(value: Any) -> list[str]:
    """One or several of a policy's texts, as a list; those not known yet are left out."""
    if isinstance(value, str):
        return [value]
    return [] if isinstance(value, Unknown) else [entry for entry in entries(value) if isinstance(entry, str)]
