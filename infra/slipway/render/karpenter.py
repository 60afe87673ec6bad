"""Render what Karpenter is told: how nodes are started, which there may be, and what holds those that always run.

What only AWS decides (the ids of subnets and of the nodes' security group, the key of disks) is not here: the
component puts it into each EC2NodeClass (`components.aws.platform.node_classes`).
"""

from typing import Any

from slipway.catalog.platform_images import copied
from slipway.catalog.platform_pins import PAUSE
from slipway.environments.planning.aws.karpenter import (
    NODE_POOL_LABEL,
    NodeClass,
    NodePool,
    image_alias,
    node_classes,
    node_pools,
)
from slipway.environments.planning.aws.pools import PODS_OF_A_NODE
from slipway.render.templates import Manifest, rendered
from slipway.settings.aws import AwsSettings
from slipway.values import names

_FOLDER = "kubernetes/karpenter"
ZONE = "topology.kubernetes.io/zone"
_TYPE, _ARCHITECTURE = "node.kubernetes.io/instance-type", "kubernetes.io/arch"
_CAPACITY = "karpenter.sh/capacity-type"
_FLOOR_LABEL = f"{names.DOMAIN}/floor"
UNKNOWN = "known-once-the-network-is-there"
FLOOR_NAMESPACE = "kube-system"


def render_node_objects(environment: str, settings: AwsSettings) -> dict[str, list[Manifest]]:
    """The objects of each pool: its EC2NodeClass, then the NodePools that name it, and what belongs to these.

    Cluster-wide, but for the Deployments that hold nodes, which are in kube-system.
    """
    labels = names.environment_labels(environment)
    closed = settings.nat == "none"
    pause = copied(PAUSE, names.copies(settings.registry, environment)) if closed else PAUSE
    found = {
        one.name: rendered(_FOLDER, ["ec2_node_class"], _class_values(environment, settings, one, labels))
        for one in node_classes(settings)
    }
    for pool in node_pools(settings):
        found[pool.pool] += rendered(_FOLDER, _templates(pool), _pool_values(pool, labels, pause))
    return found


def render_karpenter(environment: str, settings: AwsSettings) -> list[Manifest]:
    """The objects of all pools."""
    return [one for manifests in render_node_objects(environment, settings).values() for one in manifests]


def _templates(pool: NodePool) -> list[str]:
    overlay = ["node_overlay"] if pool.shared else []
    return ["node_pool", *overlay, *(["floor_network_policy", "floor"] if pool.min_nodes else [])]


def _class_values(
    environment: str, settings: AwsSettings, node_class: NodeClass, labels: dict[str, str]
) -> dict[str, Any]:
    reservation = node_class.capacity_reservation
    return {
        "class_name": node_class.name,
        "labels": labels,
        "image_alias": image_alias(settings),
        "instance_profile": names.role(environment, "nodes"),
        "subnets": [{"id": UNKNOWN}],
        "security_groups": [{"id": UNKNOWN}],
        "reservations": [{"id": reservation}] if reservation else None,
        "disk_size": f"{node_class.disk_gib}Gi",
        "disks_key": UNKNOWN,
        "most_pods": PODS_OF_A_NODE,
        "tags": names.aws_tags(environment, settings.tags),
    }


def _pool_values(pool: NodePool, labels: dict[str, str], pause: str) -> dict[str, Any]:
    wanted = {
        _CAPACITY: pool.capacity,
        _TYPE: pool.instance_types,
        ZONE: pool.zones,
        _ARCHITECTURE: (pool.architecture,),
    }
    return {
        "pool_name": pool.name,
        "class_name": pool.pool,
        "labels": labels,
        "node_labels": pool.labels,
        "taints": list(pool.taints) or None,
        "requirements": [{"key": key, "operator": "In", "values": list(value)} for key, value in wanted.items()],
        "limits": pool.limits,
        "weight": pool.weight,
        "of_pool": [{"key": NODE_POOL_LABEL, "operator": "In", "values": [pool.name]}],
        "shared": pool.shared,
        "namespace": FLOOR_NAMESPACE,
        "floor_name": f"floor-{pool.name}",
        "floor_labels": {**labels, _FLOOR_LABEL: pool.name},
        "floor_selector": {_FLOOR_LABEL: pool.name},
        "least_nodes": pool.min_nodes,
        "node_selector": {NODE_POOL_LABEL: pool.name},
        "tolerations": [{"key": taint["key"], "operator": "Exists"} for taint in pool.taints] or None,
        "pause_image": pause,
    }
