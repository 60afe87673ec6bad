"""A way in for whoever operates an environment: one small instance that Session Manager forwards ports through.

It has no public address, no open port and no key: its agent asks AWS for sessions, and IAM says who may have one, and
for what (https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager.html).
"""

from dataclasses import dataclass

import pulumi
from pulumi_aws.ec2 import (
    Instance,
    InstanceLaunchTemplateArgs,
    LaunchTemplate,
    LaunchTemplateBlockDeviceMappingArgs,
    LaunchTemplateBlockDeviceMappingEbsArgs,
    LaunchTemplateIamInstanceProfileArgs,
    LaunchTemplateMetadataOptionsArgs,
    LaunchTemplateTagSpecificationArgs,
    SecurityGroup,
)
from pulumi_aws.iam import InstanceProfile, Role, RolePolicyAttachment
from pulumi_aws.vpc import SecurityGroupEgressRule

from slipway.catalog.aws import BASTION_INSTANCE_TYPE
from slipway.components.aws.cluster.cluster import HTTPS
from slipway.components.aws.iam.policies import service_trust
from slipway.components.aws.scope import AwsScope
from slipway.environments.planning.aws.charges import BASTION_DISK_GIB
from slipway.values import names

_IMAGE = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
"""Amazon's newest when the instance is started; its agent of Session Manager is part of it."""
_ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class BastionArgs:
    """`subnet`: a private one. `disks_key`: ARN of the key of disks. `needs`: its way out to Session Manager."""

    scope: AwsScope
    vpc_id: pulumi.Input[str]
    subnet: pulumi.Input[str]
    disks_key: pulumi.Input[str]
    needs: tuple[pulumi.Resource, ...]


class Bastion(pulumi.ComponentResource):
    """The instance, with a role that only lets its agent talk to Session Manager. `group`: its security group."""

    group: pulumi.Output[str]

    def __init__(self, name: str, args: BastionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:aws:Bastion", name, None, opts)
        self._args, self._name = args, names.bastion(args.scope.environment)
        self._child = pulumi.ResourceOptions(parent=self)
        self.group = self._group()
        profile, allowed = self._profile()
        template = self._template(profile)
        Instance(
            self._called("bastion"),
            launch_template=InstanceLaunchTemplateArgs(id=template.id, version=template.latest_version.apply(str)),
            subnet_id=args.subnet,
            tags=self._tags(),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*args.needs, *allowed]),
        )
        self.register_outputs({"group": self.group})

    def _called(self, part: str) -> str:
        return f"{self._args.scope.environment}-{part}"

    def _tags(self) -> dict[str, str]:
        return {**self._args.scope.tags, "Name": self._name}

    def _group(self) -> pulumi.Output[str]:
        group = SecurityGroup(
            self._called("bastion-group"),
            name=self._name,
            description="The bastion, which nobody connects to",
            vpc_id=self._args.vpc_id,
            tags=self._tags(),
            opts=self._child,
        )
        SecurityGroupEgressRule(
            self._called("bastion-https"),
            security_group_id=group.id,
            description="HTTPS to Session Manager and the API server",
            cidr_ipv4=_ANYWHERE,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            tags=self._tags(),
            opts=self._child,
        )
        return group.id

    def _profile(self) -> tuple[InstanceProfile, list[pulumi.Resource]]:
        scope = self._args.scope
        role_name = names.role(scope.environment, "bastion")
        role = Role(
            self._called("bastion-role"),
            name=role_name,
            assume_role_policy=service_trust("ec2.amazonaws.com", scope.account),
            tags={**scope.tags, "Name": role_name},
            opts=self._child,
        )
        agent = RolePolicyAttachment(
            self._called("bastion-agent"),
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
            opts=self._child,
        )
        profile = InstanceProfile(
            self._called("bastion-profile"),
            name=role_name,
            role=role.name,
            tags={**scope.tags, "Name": role_name},
            opts=self._child,
        )
        return profile, [agent]

    def _template(self, profile: InstanceProfile) -> LaunchTemplate:
        disk = LaunchTemplateBlockDeviceMappingEbsArgs(
            volume_size=BASTION_DISK_GIB,
            volume_type="gp3",
            encrypted="true",
            kms_key_id=self._args.disks_key,
            delete_on_termination="true",
        )
        return LaunchTemplate(
            self._called("bastion-template"),
            name=self._name,
            image_id=_IMAGE,
            instance_type=BASTION_INSTANCE_TYPE,
            iam_instance_profile=LaunchTemplateIamInstanceProfileArgs(name=profile.name),
            vpc_security_group_ids=[self.group],
            block_device_mappings=[LaunchTemplateBlockDeviceMappingArgs(device_name="/dev/xvda", ebs=disk)],
            metadata_options=LaunchTemplateMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            tag_specifications=[
                LaunchTemplateTagSpecificationArgs(resource_type=kind, tags=self._tags())
                for kind in ("instance", "volume", "network-interface")
            ],
            tags=self._tags(),
            opts=self._child,
        )
