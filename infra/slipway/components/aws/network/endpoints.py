"""Ways from the network to AWS's own services that do not lead through the internet or a NAT gateway.

Images come layer by layer from S3, so its gateway endpoint, which costs nothing, takes the bulk of all traffic.
Interface endpoints cost by the hour and zone, so there are those only without which no pod starts
(slipway/environments/planning/aws/endpoints.py), and with a single NAT gateway they are in that one's zone only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws.ec2 import SecurityGroup, VpcEndpoint
from pulumi_aws.vpc import SecurityGroupIngressRule

from slipway.components.aws.iam.policies import document, statement
from slipway.components.aws.network.network import Network
from slipway.components.aws.scope import AwsScope
from slipway.environments.planning.model_store import SAMPLES
from slipway.values import names

_HTTPS = 443


@dataclass(frozen=True)
class EndpointsArgs:
    """`cidr`: addresses of the VPC, which alone reach the endpoints.

    `services`: those with an interface endpoint. `zones`: where that is.
    """

    scope: AwsScope
    cidr: str
    network: Network
    services: tuple[str, ...]
    zones: tuple[str, ...]


class Endpoints(pulumi.ComponentResource):
    """The gateway endpoint of S3 and the interface endpoints. `s3_addresses`: the ranges that S3 has in the region."""

    s3_addresses: pulumi.Output[Sequence[str]]

    def __init__(self, name: str, args: EndpointsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:aws:Endpoints", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        prefix = names.cluster(args.scope.environment)
        network = args.network
        s3 = VpcEndpoint(
            f"{args.scope.environment}-s3-endpoint",
            vpc_id=network.vpc_id,
            service_name=f"com.amazonaws.{args.scope.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=list(network.private_route_tables.values()),
            policy=_reachable_buckets(args.scope),
            tags={**args.scope.tags, "Name": f"{prefix}-s3"},
            opts=child,
        )
        self.s3_addresses = s3.cidr_blocks
        group = SecurityGroup(
            f"{args.scope.environment}-endpoints-group",
            name=f"{prefix}-endpoints",
            description="Interface endpoints, reached from inside the network",
            vpc_id=network.vpc_id,
            tags={**args.scope.tags, "Name": f"{prefix}-endpoints"},
            opts=child,
        )
        SecurityGroupIngressRule(
            f"{args.scope.environment}-endpoints-https",
            security_group_id=group.id,
            description="HTTPS from inside the network",
            cidr_ipv4=args.cidr,
            ip_protocol="tcp",
            from_port=_HTTPS,
            to_port=_HTTPS,
            tags={**args.scope.tags, "Name": f"{prefix}-endpoints-https"},
            opts=child,
        )
        for service in args.services:
            VpcEndpoint(
                f"{args.scope.environment}-{service}-endpoint",
                vpc_id=network.vpc_id,
                service_name=f"com.amazonaws.{args.scope.region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=[network.private_subnets[zone] for zone in args.zones],
                security_group_ids=[group.id],
                tags={**args.scope.tags, "Name": f"{prefix}-{service}"},
                opts=child,
            )
        self.register_outputs({})


def _reachable_buckets(scope: AwsScope) -> pulumi.Output[str]:
    """What may be asked of S3 from inside the network, whoever asks; what one may there, his own policies say.

    Roles of the environment, pods' among them, reach the model store and no other bucket, not even with credentials of
    somebody else; whoever else is inside, as a runner that deploys, reaches the account's own buckets, where the state
    is. Layers of images come from buckets of ECR and, within AWS, of registry.k8s.io (Amazon ECR User Guide, "Minimum
    Amazon S3 Bucket Permissions for Amazon ECR"; kubernetes/registry.k8s.io, cmd/archeio/app/buckets.go).
    """
    bucket = f"arn:aws:s3:::{names.bucket(scope.environment, scope.account, scope.region)}"
    everyone = {"AWS": "*"}
    own_roles = f"arn:aws:iam::{scope.account}:role/{names.role(scope.environment, '')}*"
    layers = [f"arn:aws:s3:::prod-{scope.region}-starport-layer-bucket/*"]
    layers += [f"arn:aws:s3:::prod-registry-k8s-io-{scope.region}/*"]
    others = {
        "StringEquals": {"aws:ResourceAccount": scope.account, "aws:PrincipalAccount": scope.account},
        "ArnNotLike": {"aws:PrincipalArn": own_roles},
    }
    account = {"StringEquals": {"aws:PrincipalAccount": scope.account}}
    read = ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"]
    return document(
        statement("ReachModelStore", read, [bucket, f"{bucket}/*"], principal=everyone, conditions=account),
        statement("StoreSamples", ["s3:PutObject"], f"{bucket}/{SAMPLES}/*", principal=everyone, conditions=account),
        statement("ReachAccountsBuckets", ["s3:*"], "*", principal=everyone, conditions=others),
        statement("PullLayers", ["s3:GetObject"], layers, principal=everyone),
    )
