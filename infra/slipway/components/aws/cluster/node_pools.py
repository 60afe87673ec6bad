"""What nodes are to AWS, and those that the platform runs on: a launch template and a managed node group for each."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws.ec2 import (
    LaunchTemplate,
    LaunchTemplateBlockDeviceMappingArgs,
    LaunchTemplateBlockDeviceMappingEbsArgs,
    LaunchTemplateMetadataOptionsArgs,
    LaunchTemplateTagSpecificationArgs,
)
from pulumi_aws.eks import (
    NodeGroup,
    NodeGroupLaunchTemplateArgs,
    NodeGroupNodeRepairConfigArgs,
    NodeGroupScalingConfigArgs,
    NodeGroupTaintArgs,
    NodeGroupUpdateConfigArgs,
)
from pulumi_aws.iam import InstanceProfile, Role, RolePolicyAttachment

from slipway.catalog.platform_pins import EKS
from slipway.components.aws.iam.policies import service_trust
from slipway.components.aws.scope import AwsScope
from slipway.environments.planning.aws.node_groups import NodeGroup as PlannedNodeGroup
from slipway.values import names

_ROOT_DEVICE = "/dev/xvda"
_TAGGED = ("instance", "volume", "network-interface")
_EFFECTS = {"NoSchedule": "NO_SCHEDULE", "PreferNoSchedule": "PREFER_NO_SCHEDULE", "NoExecute": "NO_EXECUTE"}
_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly")
_LIMIT = "60m"
"""A rolling update of a group waits for pods to leave, node by node."""


@dataclass(frozen=True)
class NodePoolsArgs:
    """`subnets`: private ones by zone. `disks_key`: ARN. `needs`: what a node becomes ready with."""

    scope: AwsScope
    cluster_name: pulumi.Input[str]
    subnets: Mapping[str, pulumi.Input[str]]
    disks_key: pulumi.Input[str]
    groups: tuple[PlannedNodeGroup, ...]
    needs: tuple[pulumi.Resource, ...]


class NodePools(pulumi.ComponentResource):
    """The platform's node group, and the role of all nodes: to join the cluster and to pull images, nothing else.

    EKS lets nodes of that role into the cluster once it is a managed group's; Karpenter starts nodes with it by
    `profile`.
    """

    profile: InstanceProfile

    def __init__(self, name: str, args: NodePoolsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:aws:NodePools", name, None, opts)
        role, allowed = self._role(args)
        for group in args.groups:
            self._group(args, group, role, allowed)
        self.profile = self._profile(args, role)
        self.register_outputs({})

    def _role(self, args: NodePoolsArgs) -> tuple[Role, list[pulumi.Resource]]:
        child = pulumi.ResourceOptions(parent=self)
        role_name = names.role(args.scope.environment, "nodes")
        role = Role(
            f"{args.scope.environment}-nodes-role",
            name=role_name,
            assume_role_policy=service_trust("ec2.amazonaws.com"),
            tags={**args.scope.tags, "Name": role_name},
            opts=child,
        )
        attached: list[pulumi.Resource] = [
            RolePolicyAttachment(
                f"{args.scope.environment}-nodes-{policy}",
                role=role.name,
                policy_arn=f"arn:aws:iam::aws:policy/{policy}",
                opts=child,
            )
            for policy in _POLICIES
        ]
        return role, attached

    def _profile(self, args: NodePoolsArgs, role: Role) -> InstanceProfile:
        name = names.role(args.scope.environment, "nodes")
        return InstanceProfile(
            f"{args.scope.environment}-nodes-profile",
            name=name,
            role=role.name,
            tags={**args.scope.tags, "Name": name},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _group(self, args: NodePoolsArgs, group: PlannedNodeGroup, role: Role, allowed: list[pulumi.Resource]) -> None:
        template = self._launch_template(args, group)
        NodeGroup(
            f"{args.scope.environment}-{group.name}",
            cluster_name=args.cluster_name,
            node_group_name=group.name,
            node_role_arn=role.arn,
            version=args.scope.kubernetes_version,
            release_version=EKS[args.scope.kubernetes_version].ami,
            ami_type=group.ami_type,
            capacity_type=group.capacity,
            instance_types=list(group.instance_types),
            subnet_ids=[args.subnets[zone] for zone in group.zones],
            launch_template=NodeGroupLaunchTemplateArgs(id=template.id, version=template.latest_version.apply(str)),
            scaling_config=NodeGroupScalingConfigArgs(
                min_size=group.nodes, max_size=group.nodes, desired_size=group.nodes
            ),
            update_config=NodeGroupUpdateConfigArgs(max_unavailable=1),
            # What eks-node-monitoring-agent finds broken, a GPU for one, is restarted or replaced, one at a time.
            node_repair_config=NodeGroupNodeRepairConfigArgs(enabled=True, max_parallel_nodes_repaired_count=1),
            labels=group.labels,
            taints=[
                NodeGroupTaintArgs(key=taint["key"], value=taint["value"] or None, effect=_EFFECTS[taint["effect"]])
                for taint in group.taints
            ],
            tags=_tags(args, group),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*args.needs, *allowed],
                custom_timeouts=pulumi.CustomTimeouts(create=_LIMIT, update=_LIMIT, delete=_LIMIT),
            ),
        )

    def _launch_template(self, args: NodePoolsArgs, group: PlannedNodeGroup) -> LaunchTemplate:
        tags = _tags(args, group)
        return LaunchTemplate(
            f"{args.scope.environment}-{group.name}-template",
            name=f"{names.cluster(args.scope.environment)}-{group.name}",
            update_default_version=True,
            block_device_mappings=[
                LaunchTemplateBlockDeviceMappingArgs(
                    device_name=_ROOT_DEVICE,
                    ebs=LaunchTemplateBlockDeviceMappingEbsArgs(
                        volume_size=group.disk_gib,
                        volume_type="gp3",
                        encrypted="true",
                        kms_key_id=args.disks_key,
                        delete_on_termination="true",
                    ),
                )
            ],
            # One hop: the node itself gets the node's credentials, and a pod on its own network does not.
            metadata_options=LaunchTemplateMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            tag_specifications=[LaunchTemplateTagSpecificationArgs(resource_type=kind, tags=tags) for kind in _TAGGED],
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )


def _tags(args: NodePoolsArgs, group: PlannedNodeGroup) -> dict[str, str]:
    return {**args.scope.tags, "Name": f"{names.cluster(args.scope.environment)}-{group.name}"}
