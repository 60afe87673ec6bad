"""The network of an environment: a VPC with a private and a public subnet in each zone, and ways out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws.ec2 import (
    DefaultSecurityGroup,
    Eip,
    InternetGateway,
    NatGateway,
    Route,
    RouteTable,
    RouteTableAssociation,
    Subnet,
    Vpc,
)

from slipway.components.aws.scope import AwsScope
from slipway.settings.aws_network import Nat
from slipway.values import names
from slipway.values.cidrs import Subnets, subnets

_ANYWHERE = "0.0.0.0/0"
PUBLIC_TAGS = {"kubernetes.io/role/elb": "1"}
"""By this the load balancer controller finds the subnets of load balancers that the internet reaches."""
PRIVATE_TAGS = {"kubernetes.io/role/internal-elb": "1"}


@dataclass(frozen=True)
class Placement:
    """Where an environment's parts go.

    `private_subnets`: ids by zone. `s3_addresses`: ranges that S3 has there. `ready`: what a way out depends on.
    """

    vpc_id: pulumi.Input[str]
    private_subnets: Mapping[str, pulumi.Input[str]]
    s3_addresses: pulumi.Output[Sequence[str]]
    ready: tuple[pulumi.Resource, ...] = ()


@dataclass(frozen=True)
class NetworkArgs:
    """`cidr`: addresses of the VPC. `nat`: as in settings. `public`: whether load balancers face the internet.

    Without NAT and without those there is no public subnet, and no gateway to the internet.
    """

    scope: AwsScope
    cidr: str
    zones: tuple[str, ...]
    nat: Nat
    public: bool


class Network(pulumi.ComponentResource):
    """The VPC. What needs the way out to be there depends on this component, not on a subnet alone.

    `private_subnets`, `private_route_tables`: ids by zone.
    """

    vpc_id: pulumi.Output[str]
    private_subnets: dict[str, pulumi.Output[str]]
    private_route_tables: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:aws:Network", name, None, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self.vpc_id = self._vpc()
        cut = dict(zip(args.zones, subnets(args.cidr, len(args.zones)), strict=True))
        nats = self._ways_out(cut) if args.public or args.nat != "none" else {}
        self.private_subnets = {}
        self.private_route_tables = {}
        for zone, block in cut.items():
            subnet = self._subnet("private", zone, block.private, PRIVATE_TAGS)
            table = self._route_table(f"private-{zone}")
            if nats:
                self._route(f"private-{zone}", table, nat=nats.get(zone, nats[args.zones[0]]))
            RouteTableAssociation(
                self._called(f"private-{zone}"), route_table_id=table, subnet_id=subnet, opts=self._child
            )
            self.private_subnets[zone] = subnet
            self.private_route_tables[zone] = table
        self.register_outputs({"vpc_id": self.vpc_id, "private_subnets": self.private_subnets})

    def _ways_out(self, cut: Mapping[str, Subnets]) -> dict[str, pulumi.Output[str]]:
        """Make the public subnets with their way to the internet, and the NAT gateways in them. Returns those."""
        gateway = InternetGateway(
            self._called("internet"), vpc_id=self.vpc_id, tags=self._tags("internet"), opts=self._child
        )
        public = {zone: self._subnet("public", zone, block.public, PUBLIC_TAGS) for zone, block in cut.items()}
        out = self._route_table("public")
        route = self._route("public", out, internet=gateway.id)
        attached = [
            RouteTableAssociation(
                self._called(f"public-{zone}"), route_table_id=out, subnet_id=subnet, opts=self._child
            )
            for zone, subnet in public.items()
        ]
        if self._args.nat == "none":
            return {}
        zones = self._args.zones[:1] if self._args.nat == "single" else self._args.zones
        # A NAT gateway fails where its subnet has no way out yet, and must be gone before that way is.
        way_out = [gateway, route, *attached]
        return {zone: self._nat(zone, public[zone], way_out) for zone in zones}

    def _called(self, part: str) -> str:
        return f"{self._args.scope.environment}-{part}"

    def _tags(self, part: str) -> dict[str, str]:
        return {**self._args.scope.tags, "Name": f"{names.cluster(self._args.scope.environment)}-{part}"}

    def _vpc(self) -> pulumi.Output[str]:
        vpc = Vpc(
            self._called("vpc"),
            cidr_block=self._args.cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags={**self._args.scope.tags, "Name": names.cluster(self._args.scope.environment)},
            opts=self._child,
        )
        # Every VPC has it, and whatever names no group of its own gets it: taken over without any rule.
        DefaultSecurityGroup(
            self._called("default-group"),
            vpc_id=vpc.id,
            ingress=[],
            egress=[],
            tags=self._tags("default-unused"),
            opts=self._child,
        )
        return vpc.id

    def _subnet(self, kind: str, zone: str, block: str, tags: Mapping[str, str]) -> pulumi.Output[str]:
        subnet = Subnet(
            self._called(f"{kind}-{zone}"),
            vpc_id=self.vpc_id,
            cidr_block=block,
            availability_zone=zone,
            map_public_ip_on_launch=False,
            tags={**self._tags(f"{kind}-{zone}"), **tags},
            opts=self._child,
        )
        return subnet.id

    def _route_table(self, part: str) -> pulumi.Output[str]:
        return RouteTable(self._called(part), vpc_id=self.vpc_id, tags=self._tags(part), opts=self._child).id

    def _route(
        self,
        part: str,
        table: pulumi.Output[str],
        *,
        internet: pulumi.Output[str] | None = None,
        nat: pulumi.Output[str] | None = None,
    ) -> Route:
        return Route(
            self._called(f"{part}-out"),
            route_table_id=table,
            destination_cidr_block=_ANYWHERE,
            gateway_id=internet,
            nat_gateway_id=nat,
            opts=self._child,
        )

    def _nat(self, zone: str, subnet: pulumi.Output[str], way_out: Sequence[pulumi.Resource]) -> pulumi.Output[str]:
        address = Eip(self._called(f"nat-{zone}"), domain="vpc", tags=self._tags(f"nat-{zone}"), opts=self._child)
        gateway = NatGateway(
            self._called(f"nat-{zone}"),
            allocation_id=address.allocation_id,
            subnet_id=subnet,
            tags=self._tags(f"nat-{zone}"),
            opts=pulumi.ResourceOptions(parent=self, depends_on=way_out),
        )
        return gateway.id
