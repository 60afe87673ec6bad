"""Define what a person may write about the network of an environment on AWS, and who reaches its API server."""

from typing import Self

from pydantic import Field, model_validator

from slipway.settings.aws_values import PrivateCidr, PublicCidr, SecurityGroupId, SubnetId, VpcId, Zone
from slipway.settings.kubernetes import refuse_repeated
from slipway.values.quantities import Truth, refusal
from slipway.values.section import Section, empty, left_out


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
