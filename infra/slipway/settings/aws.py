"""Define what a person may write about an environment on AWS: the frozen, validated settings of kind `aws`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from slipway.catalog.aws import INSTANCE_TYPES, REGIONS, instances_with, zones_of
from slipway.settings.aws_gateway import AwsGateway
from slipway.settings.aws_network import NAT, ApiAccess, ExistingNetwork, Nat, refuse_ways_out
from slipway.settings.aws_node_pool import AwsNodePool, Sharing, Spot, refuse_other_zones, refuse_wrong_mig
from slipway.settings.aws_operation import Access, Logging, PlatformNodes
from slipway.settings.aws_values import (
    Account,
    Cidr,
    Email,
    KubernetesVersion,
    RegionName,
    RoleArn,
    TagKey,
    TagValue,
    Zone,
)
from slipway.settings.base import AnySettings
from slipway.settings.kubernetes import refuse_repeated
from slipway.settings.mlflow import MLFLOW, Mlflow
from slipway.settings.requirement import Requirement
from slipway.settings.routes import Alerting
from slipway.settings.signing import SIGNING, Signing
from slipway.settings.teams import TEAMS, Teams
from slipway.settings.values import Namespace, PinnedImage
from slipway.values.cidrs import ZONES_MOST
from slipway.values.quantities import ModelName, Truth, refusal
from slipway.values.section import Section, empty, left_out, number

__all__ = [
    "ApiAccess",
    "AwsNodePool",
    "AwsSettings",
    "Budget",
    "Images",
    "ModelStoreRules",
    "Sharing",
    "Spot",
]

TAGS_MOST = 40
"""AWS takes 50 tags on a thing; the rest are Slipway's own."""


class Images(Section):
    """The registry of models' images."""

    keep: Annotated[int, *number(1, 1000)] = Field(
        default=30,
        description="Images of each model that one can go back to. `slipway up` deletes older ones that nothing runs.",
        examples=[30],
    )


class ModelStoreRules(Section):
    """The bucket of models' weights."""

    keep_days: Annotated[int, *number(1, 3650)] = Field(
        default=90, description="Days for which a replaced or deleted object can be had back.", examples=[90]
    )


class Budget(Section):
    """What the environment may cost."""

    monthly_usd: Annotated[int, *number(1, 10_000_000)] = Field(description="US dollars a month.", examples=[5000])
    alarm: Email = Field(
        description="E-mail address that is told at 80 % and 100 % of the budget, and when the forecast is above it.",
        examples=["ml-platform@example.com"],
    )


class AwsSettings(AnySettings):
    """One environment on AWS: everything from the network to the platform that models stand on."""

    kind: Literal["aws"] = Field(description="What the environment is: an EKS cluster of its own.", examples=["aws"])
    slipway: Requirement | None = Field(
        default=None,
        description="Least version of Slipway that may work on the environment, in quotes; an older one refuses to.",
        examples=['">=0.2"'],
        exclude_if=left_out,
        json_schema_extra={"since": "0.2"},
    )
    account: Account = Field(
        description="Account that all of it is in, in quotes; another is refused.", examples=['"123456789012"']
    )
    region: RegionName = Field(description="Region that all of it is in.", examples=["eu-central-1"])
    zones: Annotated[tuple[Zone, ...], Field(min_length=1)] = Field(
        description="Two to four zones of the region.", examples=[["eu-central-1a", "eu-central-1b"]]
    )
    cidr: Cidr = Field(description="Private addresses of the network, /16 to /20.", examples=["10.20.0.0/16"])
    nat: Nat = NAT
    network: ExistingNetwork | None = Field(
        default=None,
        description="A network that is there already, with this `cidr`; Slipway makes one when left out.",
        exclude_if=left_out,
        json_schema_extra={"since": "0.2"},
    )
    kubernetes_version: KubernetesVersion = Field(description="Version of Kubernetes, in quotes.", examples=['"1.35"'])
    api: ApiAccess = Field(default=ApiAccess(), description="Who reaches the cluster's API server.")
    administrators: tuple[RoleArn, ...] = Field(
        min_length=1,
        description="IAM roles that may do everything in the cluster.",
        examples=[["arn:aws:iam::123456789012:role/platform"]],
    )
    access: tuple[Access, ...] = Field(
        default=(),
        description="IAM roles that may do less, each in all namespaces or in some.",
        examples=[[{"role": "arn:aws:iam::123456789012:role/data-science", "level": "view"}]],
        exclude_if=empty,
        json_schema_extra={"since": "0.2"},
    )
    protect: Truth = Field(
        default=False,
        description="Whether AWS and `slipway down` refuse to delete the environment.",
        examples=[True],
        exclude_if=empty,
        json_schema_extra={"since": "0.2"},
    )
    logging: Logging = Field(
        default=Logging(),
        description="What the control plane writes down, and for how long it is kept.",
        examples=[{"types": ["audit", "authenticator"], "keep": "30d"}],
        exclude_if=lambda value: value == Logging(),
        json_schema_extra={"since": "0.2"},
    )
    platform: PlatformNodes = Field(
        default=PlatformNodes(),
        description="The nodes of the platform itself, which no model runs on, and what of it is kept.",
        examples=[{"instance_type": "m7i.xlarge", "nodes": 3}],
        exclude_if=lambda value: value == PlatformNodes(),
        json_schema_extra={"since": "0.2"},
    )
    namespace: Namespace = Field(
        description="Namespace of everything that Slipway makes for models.", examples=["slipway"]
    )
    base_image: PinnedImage = Field(
        description="Image with Python 3.11 that models' images start from, by digest; `slipway base-image` renews it.",
        examples=[
            "public.ecr.aws/docker/library/python:3.11-slim-bookworm@sha256:"
            "0a310eeecf4e1f5a0743f9a6520c90c88d089c903ca5fd283f501e3a805f5f89"
        ],
    )
    images: Images = Field(default=Images(), description="The registry of models' images.")
    model_store: ModelStoreRules = Field(default=ModelStoreRules(), description="The bucket of models' weights.")
    budget: Budget = Field(description="What the environment may cost.")
    monitoring: Alerting | None = Field(
        default=None,
        description="Who is told of alerts, and what is traced; Prometheus and Alertmanager are there without it.",
        exclude_if=left_out,
        json_schema_extra={"since": "0.2"},
    )
    gateway: AwsGateway | None = Field(
        default=None,
        description="The way in for clients; models are reached inside the cluster only when left out.",
        exclude_if=left_out,
        json_schema_extra={"since": "0.2"},
    )
    tags: dict[TagKey, TagValue] = Field(
        description="Tags of everything; Slipway's own are added.", examples=[{"team": "ml"}]
    )
    models: tuple[ModelName, ...] | None = Field(
        default=None,
        description="Models to deploy here; every spec of the models folder when left out.",
        examples=[["digits", "speech"]],
    )
    signing: Signing | None = SIGNING
    mlflow: Mlflow | None = MLFLOW
    teams: Teams | None = TEAMS
    node_pools: tuple[AwsNodePool, ...] = Field(min_length=1, description="Nodes that there are or can be.")

    @property
    def api_cidrs(self) -> tuple[str, ...]:
        """The private address ranges from which the API server is reached."""
        return (self.cidr,) if self.api.private_cidrs is None else self.api.private_cidrs

    @property
    def registry(self) -> str:
        """The account's registry of images."""
        return f"{self.account}.dkr.ecr.{self.region}.amazonaws.com"

    @property
    def service_type(self) -> Literal["ClusterIP"]:
        """How a model's Service is reached: inside the cluster."""
        return "ClusterIP"

    @model_validator(mode="after")
    def _zones_are_of_the_region(self) -> Self:
        refuse_other_zones(self.zones, zones_of(self.region, self.account), self.region, ("zones",))
        if not 2 <= len(self.zones) <= ZONES_MOST:
            problem = f"has {len(self.zones)}, and EKS needs two" if len(self.zones) < 2 else f"has {len(self.zones)}"
            todo = "add a zone" if len(self.zones) < 2 else "remove some"
            raise refusal(problem, f"2 to {ZONES_MOST} zones of {self.region}", todo, ("zones",))
        for index, pool in enumerate(self.node_pools):
            refuse_other_zones(pool.zones or (), self.zones, "the environment", ("node_pools", index, "zones"))
        return self

    @model_validator(mode="after")
    def _network_fits(self) -> Self:
        if self.network is not None:
            if "nat" in self.model_fields_set:
                problem, allowed = "is for a network that Slipway makes", "no `nat` beside `network`"
                raise refusal(problem, allowed, "remove it", ("nat",))
            self.network.refuse_others(self.zones, public=self.gateway is not None and not self.gateway.internal)
        if self.nat == "none":
            refuse_ways_out(self.gateway, self.monitoring)
        return self

    @model_validator(mode="after")
    def _administrators_are_of_the_account(self) -> Self:
        refuse_repeated(self.administrators, ("administrators",))
        for index, role in enumerate(self.administrators):
            self._refuse_other_account(role, ("administrators", index))
        return self

    @model_validator(mode="after")
    def _a_role_has_one_access(self) -> Self:
        refuse_repeated([access.role for access in self.access], ("access",), ("role",))
        for index, access in enumerate(self.access):
            at = ("access", index, "role")
            self._refuse_other_account(access.role, at)
            if access.role in self.administrators:
                problem = f"{access.role} is among administrators, who may do everything"
                raise refusal(problem, "a role in one of the two", "remove it from one of them", at)
        return self

    def _refuse_other_account(self, role: str, at: tuple[str | int, ...]) -> None:
        account = role.split(":")[4]
        if account != self.account:
            problem = f"{role} is a role of account {account}"
            allowed = f"roles of account {self.account}"
            todo = "name a role of this account, which people of the other may assume"
            raise refusal(problem, allowed, todo, at)

    @model_validator(mode="after")
    def _the_platform_has_nodes_here(self) -> Self:
        name = self.platform.instance_type
        if self.region not in INSTANCE_TYPES[name].hourly_usd:
            offered = [one.name for one in instances_with("cpu", None, self.region)]
            todo = f"write for example {offered[0]}"
            at = ("platform", "instance_type")
            raise refusal(f"{name} is not offered in {self.region}", ", ".join(offered), todo, at)
        if self.platform.metrics is not None and self.platform.nodes < len(self.zones):
            problem = f"{self.platform.nodes} may leave a zone without a node, and so Prometheus apart from its volume"
            allowed = f"{len(self.zones)} or more beside metrics: a volume is in one of the {len(self.zones)} zones"
            raise refusal(problem, allowed, f"write nodes: {len(self.zones)}", ("platform", "nodes"))
        return self

    @model_validator(mode="after")
    def _certificate_is_where_the_balancer_is(self) -> Self:
        if self.gateway is not None:
            self.gateway.refuse_elsewhere(self.account, self.region)
        return self

    @model_validator(mode="after")
    def _tags_are_few_enough(self) -> Self:
        if len(self.tags) > TAGS_MOST:
            raise refusal(f"has {len(self.tags)}", f"at most {TAGS_MOST} tags", "remove some", ("tags",))
        return self

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        refuse_repeated([pool.name for pool in self.node_pools], ("node_pools",), ("name",))
        refuse_repeated(self.models or (), ("models",))
        return self

    @model_validator(mode="after")
    def _instance_types_are_offered(self) -> Self:
        for index, pool in enumerate(self.node_pools):
            offered = [instance.name for instance in instances_with(pool.accelerator, pool.gpus, self.region)]
            for position, name in enumerate(pool.instance_types):
                if self.region not in INSTANCE_TYPES[name].hourly_usd:
                    allowed = ", ".join(offered) or "another accelerator or another region"
                    todo = f"write for example {offered[0]}" if offered else "take the pool to another region"
                    at = ("node_pools", index, "instance_types", position)
                    raise refusal(f"{name} is not offered in {self.region}", allowed, todo, at)
                has = INSTANCE_TYPES[name].offered.get((self.account, self.region))
                if has is not None and not set(has) & set(pool.zones or self.zones):
                    problem = f"{name} is offered in none of the pool's zones, {', '.join(pool.zones or self.zones)}"
                    at = ("node_pools", index, "instance_types", position)
                    todo = "write another type or other zones"
                    raise refusal(problem, f"in this account, {', '.join(has) or 'no zone at all'}", todo, at)
            if not offered:
                problem = f"no instance type with {pool.gpus} {pool.accelerator} is offered in {self.region}"
                regions = [region for region in REGIONS if instances_with(pool.accelerator, pool.gpus, region)]
                allowed = f"an accelerator of {self.region}; this one is in {', '.join(regions)}"
                todo = "write another accelerator, or an environment in another region"
                raise refusal(problem, allowed, todo, ("node_pools", index, "accelerator"))
            refuse_wrong_mig(pool, self.region, ("node_pools", index, "sharing", "mig"))
        return self
