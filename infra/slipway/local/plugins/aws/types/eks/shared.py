"""What the types of EKS share: looking for a cluster, roles that a service may assume, identifiers of two parts."""

import json
from typing import Any

from slipway.local.plugins.aws.backend import Aws, refuse

MISSING = ("ResourceNotFoundException",)
KINDS_OF_CLUSTER = ("eks.access_entry", "eks.access_policy", "eks.addon", "eks.pod_identity", "eks.node_group")
"""Records that end with their cluster; their keys begin with its name and a colon."""


def cluster(aws: Aws, name: str) -> Any:
    """The cluster as moto has it. Raises ClientError when there is none."""
    return aws.call("eks", "describe_cluster", name=name)["cluster"]


def arn(aws: Aws, kind: str, rest: str) -> str:
    """The name that AWS gives to something of EKS."""
    return f"arn:aws:eks:{aws.region}:{aws.account}:{kind}/{rest}"


def require_role(aws: Aws, role: str, service: str, operation: str) -> None:
    """Refuse a role that is not there, or that the service may not assume, as EKS does."""
    found = aws.find("iam", "get_role", ("NoSuchEntity",), RoleName=role.rpartition("/")[2])
    trust = json.dumps(found["Role"]["AssumeRolePolicyDocument"]) if found else ""
    if found is None or found["Role"]["Arn"] != role or f'"{service}"' not in trust:
        raise refuse(
            "InvalidParameterException",
            f"Role with arn: {role} could not be assumed because it does not exist or does not trust {service}",
            operation,
        )


def text(moment: Any) -> str:
    """A moment as text."""
    return moment.isoformat() if hasattr(moment, "isoformat") else str(moment)
