"""Define what a person may write about who reaches the API server of a cluster on AWS, from where, and how."""

from typing import Self

from pydantic import Field, model_validator

from slipway.settings.aws_values import PrivateCidr, PublicCidr, SecurityGroupId
from slipway.settings.kubernetes import refuse_repeated
from slipway.values.quantities import Truth
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
