"""Define what a person may write about the network of an environment on AWS, and who reaches its API server."""

from typing import Literal, Self

from pydantic import Field, model_validator

from slipway.settings.aws_gateway import AwsGateway
from slipway.settings.aws_values import PrivateCidr, PublicCidr, SecurityGroupId, SubnetId, VpcId, Zone
from slipway.settings.kubernetes import refuse_repeated
from slipway.settings.routes import Alerting
from slipway.values.quantities import Truth, refusal
from slipway.values.section import Section, empty, left_out

Nat = Literal["zone", "single", "none"]
NAT: Nat = Field(
    default="zone",
    description="A NAT gateway in each zone, or one for all of them; with `none` (since 0.2) nothing inside the "
    "network reaches the internet, and AWS by endpoints only.",
    examples=["zone"],
)
_IN_THE_INTERNET = ("slack", "pagerduty")
"""Ways of alerts whose other end is nowhere else; a webhook or a mail server may be in a network that is connected."""


class ApiAccess(Section):
    """Who reaches the cluster's API server beside its nodes; the addresses of its own network when left out.

    EKS lets in the nodes and nobody else: a private API server is no more open to the rest of its network than to the
    internet before a rule says so
    (https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html, .../cluster-endpoint.html).
    """

    public_cidrs: tuple[PublicCidr, ...] = Field(
        default=(),
        description="Address ranges of the internet that reach it.",
        examples=[["203.0.113.0/24"]],
    )
    private_cidrs: tuple[PrivateCidr, ...] | None = Field(
        default=None,
        description="Private address ranges that reach it: networks that are connected, VPN. The `cidr` when left "
        "out; an empty list lets in the nodes and `security_groups` only.",
        examples=[["10.20.0.0/16", "10.99.0.0/24"]],
        exclude_if=left_out,
        json_schema_extra={"since": "0.2"},
    )
    security_groups: tuple[SecurityGroupId, ...] | None = Field(
        default=None,
        description="Security groups whose members reach it, such as that of a runner in the network.",
        examples=[["sg-0123456789abcdef0"]],
        exclude_if=left_out,
        json_schema_extra={"since": "0.2"},
    )

    bastion: Truth = Field(
        default=False,
        description="Whether there is a small instance without public address, through which `slipway tunnel` leads.",
        examples=[True],
        exclude_if=empty,
        json_schema_extra={"since": "0.2"},
    )

    @model_validator(mode="after")
    def _each_source_once(self) -> Self:
        refuse_repeated(self.public_cidrs, ("public_cidrs",))
        refuse_repeated(self.private_cidrs or (), ("private_cidrs",))
        refuse_repeated(self.security_groups or (), ("security_groups",))
        return self


class ExistingNetwork(Section):
    """A network that is there already and stays others': Slipway makes no subnet, route or way out in it."""

    vpc: VpcId = Field(
        description="The VPC, in the environment's account and region.", examples=["vpc-0123456789abcdef0"]
    )
    private_subnets: dict[Zone, SubnetId] = Field(
        description="Subnet of nodes and pods in each of `zones`, with a way out to the internet.",
        examples=[{"eu-central-1a": "subnet-0123456789abcdef0", "eu-central-1b": "subnet-0123456789abcdef1"}],
    )
    public_subnets: dict[Zone, SubnetId] | None = Field(
        default=None,
        description="Subnet of the gateway's load balancer in each of `zones`, where that faces the internet.",
        examples=[{"eu-central-1a": "subnet-0123456789abcdef2", "eu-central-1b": "subnet-0123456789abcdef3"}],
    )

    def refuse_others(self, zones: tuple[str, ...], *, public: bool) -> None:
        """Raise a refusal where subnets do not fit the zones. `public`: whether something needs public ones."""
        given = {"private_subnets": self.private_subnets, "public_subnets": self.public_subnets}
        if public != (self.public_subnets is not None):
            problem = "has no public_subnets" if public else "is used by nothing"
            allowed = "given if, and only if, there is a gateway that faces the internet"
            todo = "name a subnet for each zone" if public else "remove it"
            raise refusal(problem, allowed, todo, ("network", "public_subnets") if not public else ("network",))
        for field, subnets in given.items():
            if subnets is None:
                continue
            if set(subnets) != set(zones):
                wrong = sorted(set(zones) ^ set(subnets))
                problem = f"differs from `zones` in {', '.join(wrong)}"
                raise refusal(problem, ", ".join(zones), "name one subnet for each zone", ("network", field))
            refuse_repeated(list(subnets.values()), ("network", field))


def refuse_ways_out(gateway: AwsGateway | None, monitoring: Alerting | None) -> None:
    """Raise a refusal of what has its other end in the internet, where nothing leads there."""
    if gateway is not None and gateway.zone is not None:
        problem = "ExternalDNS has no way to the API of Route 53, which has no endpoint in a network"
        todo = "remove it, and point the domain at the load balancer by hand"
        raise refusal(problem, "no `zone` beside nat: none", todo, ("gateway", "zone"))
    for index, route in enumerate(monitoring.routes if monitoring is not None else ()):
        way, _ = route.secret
        if way in _IN_THE_INTERNET:
            allowed = "beside nat: none, webhook or email with a server that the network reaches"
            todo = "write one of those, or nat: zone"
            raise refusal(f"Alertmanager has no way to {way}", allowed, todo, ("monitoring", "routes", index, way))
