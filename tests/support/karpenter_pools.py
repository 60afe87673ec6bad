"""Pools of an environment's settings as Karpenter's objects, as `slipway up` applies them on AWS."""

from collections.abc import Mapping
from typing import Any

from slipway.render.karpenter import render_karpenter
from slipway.settings.aws import AwsSettings
from slipway.settings.aws_node_pool import AwsNodePool

_OF_AWS: Mapping[str, Any] = {
    "subnetSelectorTerms": [{"id": "subnet-0123456789abcdef0"}],
    "securityGroupSelectorTerms": [{"id": "sg-0123456789abcdef0"}],
}


def node_objects(settings: AwsSettings, settle: str = "1s") -> list[dict[str, Any]]:
    """The objects of all pools, with what AWS makes up filled in.

    `settle`: how long a node stays as it is after a pod came to it or left; minutes on AWS.
    """
    found = []
    for one in render_karpenter("fleet", settings):
        spec = dict(one["spec"])
        if one["kind"] == "EC2NodeClass":
            spec |= _OF_AWS
        if one["kind"] == "NodePool":
            spec["disruption"] = {**spec["disruption"], "consolidateAfter": settle}
        found.append({**one, "spec": spec})
    return found


def with_pool(settings: AwsSettings, pool: Mapping[str, Any]) -> AwsSettings:
    """An environment like another, with one pool, of whole machines with 8 vCPUs if `pool` names no others."""
    wanted = AwsNodePool.model_validate({"instance_types": ["m7i.2xlarge"], **pool})
    return settings.model_copy(update={"node_pools": (wanted,)})
