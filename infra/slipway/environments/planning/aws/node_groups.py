"""Plan the EKS managed node group of the platform: pure, so that a change can be judged before anything happens.

Models run on the nodes that Karpenter starts (`karpenter`); Karpenter itself, and what else the platform is, runs on
this group. What a node group cannot change is in its name as a digest: such a change is a new group beside the old one,
and `slipway rotate` empties and removes the old one. The groups of a stack are its output `pools`, so that the program
can be run again with the old ones among the new (`kept`).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import TypeAdapter

from slipway.settings.aws import AwsSettings
from slipway.values import names

SYSTEM_TAINT = {"key": "CriticalAddonsOnly", "value": "true", "effect": "NoSchedule"}
"""Keeps models off the nodes of the platform; DNS and the add-ons of EKS tolerate it by themselves."""
SYSTEM_DISK_GIB = 50


@dataclass(frozen=True, slots=True)
class NodeGroup:
    """One EKS managed node group.

    Attributes:
        pool: that it is.
        name: of the group; ends in a digest of what it cannot change.
        capacity: how its nodes are paid for.
        ami_type: kind of the EKS-optimized image.
        instance_types: the first preferred.
        zones: of its nodes.
        nodes: how many there are; nothing scales them.
        disk_gib: disk of a node.
        labels: of its nodes.
        taints: of its nodes: `key`, `value`, `effect` as Kubernetes writes them.
    """

    pool: str
    name: str
    capacity: Literal["ON_DEMAND"]
    ami_type: Literal["AL2023_x86_64_STANDARD"]
    instance_types: tuple[str, ...]
    zones: tuple[str, ...]
    nodes: int
    disk_gib: int
    labels: dict[str, str]
    taints: tuple[dict[str, str], ...]


_STORED = TypeAdapter(tuple[NodeGroup, ...])


def to_store(groups: Sequence[NodeGroup]) -> list[dict[str, Any]]:
    """The groups as JSON values, for the stack's output `pools`."""
    values: list[dict[str, Any]] = _STORED.dump_python(tuple(groups), mode="json")
    return values


def stored(output: Sequence[dict[str, Any]]) -> tuple[NodeGroup, ...]:
    """The groups of a stack, from its output `pools`."""
    return _STORED.validate_python(output)


def node_groups(settings: AwsSettings) -> tuple[NodeGroup, ...]:
    """The node groups that an environment's settings ask for: that of the platform."""
    group = NodeGroup(
        pool=names.SYSTEM_POOL,
        name="",
        capacity="ON_DEMAND",
        ami_type="AL2023_x86_64_STANDARD",
        instance_types=(settings.platform.instance_type,),
        zones=settings.zones,
        nodes=settings.platform.nodes,
        disk_gib=SYSTEM_DISK_GIB,
        labels={names.POOL_LABEL: names.SYSTEM_POOL},
        taints=(SYSTEM_TAINT,),
    )
    fixed = [group.ami_type, group.capacity, group.instance_types, group.zones]
    digest = hashlib.sha256(json.dumps(fixed).encode()).hexdigest()
    return (replace(group, name=names.node_group(group.pool, digest)),)
