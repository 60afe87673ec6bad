"""Ways from the network to AWS's own services that do not lead through the internet or a NAT gateway.

Images come layer by layer from S3, so its gateway endpoint, which costs nothing, takes the bulk of all traffic.
Interface endpoints cost by the hour and zone, so there are those only without which no pod starts: the registry, the
credentials of pods, and with a gateway the secret with its database's password. The rest (the APIs of EKS, EC2 and
autoscaling: few and small calls) goes through NAT, and with a single NAT gateway the interface endpoints are in that
one's zone only.
"""

from dataclasses import dataclass

import pulumi
from pulumi_aws.ec2 import SecurityGroup, VpcEndpoint
from pulumi_aws.vpc import SecurityGroupIngressRule

from slipway.components.aws.network.network import Network
from slipway.components.aws.scope import AwsScope
from slipway.values import names

_HTTPS = 443


@dataclass(frozen=True)
class EndpointsArgs:
    """`cidr`: addresses of the VPC, which alone reach the endpoints. `services`: those with an interface endpoint."""

    scope: AwsScope
    cidr: str
    network: Network
    services: tuple[str, ...]


class Endpoints(pulumi.ComponentResource):
    """The gateway endpoint of S3 and the interface endpoints."""

    def __init__(self, name: str, args: EndpointsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:aws:Endpoints", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        prefix = names.cluster(args.scope.environment)
        network = args.network
        VpcEndpoint(
            f"{args.scope.environment}-s3-endpoint",
            vpc_id=network.vpc_id,
            service_name=f"com.amazonaws.{args.scope.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=list(network.private_route_tables.values()),
            tags={**args.scope.tags, "Name": f"{prefix}-s3"},
            opts=child,
        )
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
                subnet_ids=[network.private_subnets[zone] for zone in network.main_zones],
                security_group_ids=[group.id],
                tags={**args.scope.tags, "Name": f"{prefix}-{service}"},
                opts=child,
            )
        self.register_outputs({})
