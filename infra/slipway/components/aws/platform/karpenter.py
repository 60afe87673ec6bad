"""Karpenter, which starts and ends the nodes of models, and what it is told about each pool."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from slipway.components.kubernetes.object import KubernetesObject
from slipway.render.karpenter import ZONE
from slipway.render.templates import Manifest

NODE_CLASS = "EC2NodeClass"
_NODES_LIMIT = "60m"
"""An EC2NodeClass goes when the last node that it started is gone, and that when its pods have left it."""


@dataclass(frozen=True)
class NodeObjectsArgs:
    """What the objects of Karpenter are made of.

    `manifests`: from `render_karpenter`. `subnets`: private ones by zone. `nodes_group`: the security group of nodes.
    `disks_key`: ARN. `provider`: of Kubernetes. `needs`: Karpenter, its kinds, and what a node becomes ready with.
    """

    manifests: Sequence[Manifest]
    subnets: Mapping[str, pulumi.Input[str]]
    nodes_group: pulumi.Input[str]
    disks_key: pulumi.Input[str]
    provider: pulumi.ProviderResource
    needs: tuple[pulumi.Resource, ...]


class NodeObjects(pulumi.ComponentResource):
    """All EC2NodeClasses, then the NodePools that name them.

    The other way round on the way down: a NodePool takes its nodes with it, and Karpenter, which ends them, goes last.
    """

    def __init__(self, name: str, args: NodeObjectsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:aws:NodeObjects", name, None, opts)
        classes: list[pulumi.Resource] = [
            KubernetesObject(_with_ids(manifest, args), self._options(args, args.needs))
            for manifest in args.manifests
            if manifest["kind"] == NODE_CLASS
        ]
        for manifest in args.manifests:
            if manifest["kind"] != NODE_CLASS:
                KubernetesObject(manifest, self._options(args, (*args.needs, *classes)))
        self.register_outputs({})

    def _options(self, args: NodeObjectsArgs, needs: Sequence[pulumi.Resource]) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(
            parent=self,
            provider=args.provider,
            depends_on=list(needs),
            custom_timeouts=pulumi.CustomTimeouts(delete=_NODES_LIMIT),
        )


def _zones(node_class: str, args: NodeObjectsArgs) -> list[str]:
    """The zones that the NodePools of an EC2NodeClass name."""
    specs = [manifest["spec"]["template"]["spec"] for manifest in args.manifests if manifest["kind"] == "NodePool"]
    return sorted(
        {
            zone
            for spec in specs
            if spec["nodeClassRef"]["name"] == node_class
            for wanted in spec["requirements"]
            if wanted["key"] == ZONE
            for zone in wanted["values"]
            if zone in args.subnets
        }
    )


def _with_ids(manifest: Manifest, args: NodeObjectsArgs) -> dict[str, Any]:
    """An EC2NodeClass with the ids that AWS made up, in place of what the plan cannot know."""
    (disk,) = manifest["spec"]["blockDeviceMappings"]
    spec = {
        **manifest["spec"],
        "subnetSelectorTerms": [{"id": args.subnets[zone]} for zone in _zones(manifest["metadata"]["name"], args)],
        "securityGroupSelectorTerms": [{"id": args.nodes_group}],
        "blockDeviceMappings": [{**disk, "ebs": {**disk["ebs"], "kmsKeyID": args.disks_key}}],
    }
    return {**manifest, "spec": spec}
