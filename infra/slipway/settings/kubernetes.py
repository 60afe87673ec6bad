"""Define what a person may write about one environment: the frozen, validated settings of stacks/Pulumi.<env>.yaml."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from slipway.catalog.cpu import CpuFeature
from slipway.settings.base import AnySettings
from slipway.settings.gateway import Gateway
from slipway.settings.mlflow import MLFLOW, Mlflow
from slipway.settings.model_store import ModelStore
from slipway.settings.monitoring import Monitoring
from slipway.settings.requirement import Requirement
from slipway.settings.signing import SIGNING, Signing
from slipway.settings.teams import TEAMS, Teams
from slipway.settings.values import (
    DOCKER_HUB,
    BaseImage,
    ImagePrefix,
    LabelKey,
    LabelValue,
    Namespace,
    PullSecret,
    Registry,
    line,
)
from slipway.values.quantities import Bytes, DnsLabel, Millicores, ModelName, refusal
from slipway.values.section import Section, empty, left_out, number

GpusOfNode = Annotated[int, *number(1, 64)]
Nodes = Annotated[int, *number(1, 5000)]


class PoolGpu(Section):
    """The GPUs of each node of a pool."""

    count: GpusOfNode = Field(description="GPUs of one node.", examples=[4])
    memory: Bytes = Field(description="Memory of each GPU.", examples=["24Gi"])
    model: Annotated[str, *line(63, "A10G")] = Field(description="What the maker calls the GPU.", examples=["A10G"])


class Taint(Section):
    """A mark that keeps pods off the pool's nodes; pods that Slipway puts there tolerate it."""

    key: LabelKey = Field(description="Key of the taint.", examples=["nvidia.com/gpu"])
    value: LabelValue = Field(default="", description="Value of the taint; empty when left out.", examples=["present"])
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = Field(
        description="What the taint does to a pod that does not tolerate it.", examples=["NoSchedule"]
    )


class NodePool(Section):
    """Nodes of one kind."""

    name: DnsLabel = Field(description="Name of the pool; no two pools share one.", examples=["default"])
    max_nodes: Nodes = Field(description="Nodes at the highest load.", examples=[1])
    cpu: Millicores = Field(description="CPU of one node that is left for models.", examples=["2"])
    memory: Bytes = Field(description="Memory of one node that is left for models.", examples=["16Gi"])
    gpu: PoolGpu | None = Field(default=None, description="GPUs of one node; none when left out.")
    selector: dict[LabelKey, LabelValue] = Field(
        default_factory=dict,
        description="Labels that all nodes of the pool have, and no others.",
        examples=[{"example.com/pool": "gpu"}],
    )
    taints: tuple[Taint, ...] = Field(default=(), description="Taints of the pool's nodes.")
    cpu_features: tuple[CpuFeature, ...] = Field(
        default=(),
        description="What the CPU of every node can do, beside what labels of Node Feature Discovery in `selector` "
        "say (docs/how-to/cpu-features.md).",
        examples=[["avx2", "vnni"]],
        exclude_if=empty,
        json_schema_extra={"since": "0.2"},
    )


class Settings(AnySettings):
    """One environment: a Kubernetes cluster, a registry, and the nodes there can be."""

    kind: Literal["kubernetes"] = Field(
        description="What the environment is: any cluster of a kubeconfig.", examples=["kubernetes"]
    )
    slipway: Requirement | None = Field(
        default=None,
        description="Least version of Slipway that may work on the environment, in quotes; an older one refuses to.",
        examples=['">=0.2"'],
        exclude_if=left_out,
        json_schema_extra={"since": "0.2"},
    )
    context: Annotated[str, *line(253, "slipway-local")] = Field(
        description="Context of the kubeconfig.", examples=["slipway-local"]
    )
    namespace: Namespace = Field(description="Namespace of everything that Slipway makes.", examples=["slipway"])
    registry: Registry = Field(description="Registry that images are pushed to.", examples=["127.0.0.1:5000"])
    image_prefix: ImagePrefix = Field(
        default="slipway/",
        description="What names of images begin with below the registry: `slipway/` for REGISTRY/slipway/MODEL, "
        "`slipway-` for REGISTRY/slipway-MODEL; empty for REGISTRY/MODEL.",
        examples=["slipway-"],
        exclude_if=lambda value: value == "slipway/",
        json_schema_extra={"since": "0.2"},
    )
    pull_secret: PullSecret | None = Field(
        default=None,
        description="Name of the Secret in the namespace that pods pull images with; they pull without credentials of "
        "their own when left out.",
        examples=["registry-pull"],
        exclude_if=left_out,
        json_schema_extra={"since": "0.2"},
    )
    base_image: BaseImage = Field(
        description="Image with Python 3.11 that models' images start from.",
        examples=["127.0.0.1:5000/slipway/base:bookworm-py311"],
    )
    service_type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = Field(
        default="ClusterIP",
        description="How a model's Service is reached: inside the cluster, on a port of every node too, or by a load "
        "balancer of its own; not beside `gateway`.",
        examples=["NodePort"],
    )
    node_address: Annotated[str, *line(253, "127.0.0.1")] | None = Field(
        default=None,
        description="Host name or address of a node where NodePorts are reached; needed with service_type NodePort.",
        examples=["127.0.0.1"],
    )
    gateway: Gateway | None = Field(
        default=None,
        description="The way in for clients outside the cluster; none when left out.",
        exclude_if=left_out,
        json_schema_extra={"since": "0.2"},
    )
    monitoring: Monitoring | None = Field(
        default=None,
        description="The cluster's Prometheus and KEDA, with which models scale on what their users feel; without it "
        "they scale on CPU alone.",
        examples=[{"prometheus": "http://prometheus-operated.monitoring:9090"}],
        exclude_if=left_out,
        json_schema_extra={"since": "0.2"},
    )
    model_store: ModelStore | None = Field(
        default=None,
        description="Where pods fetch large weights from (`artifact.delivery: store`); weights are a layer of each "
        "model's image when left out.",
        examples=[{"bucket": "models", "endpoint": "https://s3.example.com", "credentials": "model-store"}],
        exclude_if=left_out,
        json_schema_extra={"since": "0.2"},
    )
    models: tuple[ModelName, ...] | None = Field(
        default=None,
        description="Models to deploy here; every spec of the models folder when left out.",
        examples=[["digits", "speech"]],
    )
    signing: Signing | None = SIGNING
    mlflow: Mlflow | None = MLFLOW
    teams: Teams | None = TEAMS
    node_pools: tuple[NodePool, ...] = Field(min_length=1, description="Nodes that there are or can be.")

    @model_validator(mode="after")
    def _node_ports_have_an_address(self) -> Self:
        if self.service_type == "NodePort" and self.node_address is None:
            raise refusal(
                "is missing, though service_type is NodePort",
                "the address of a node as users reach it",
                "add node_address: 127.0.0.1, or the address of a node",
                ("node_address",),
            )
        return self

    @model_validator(mode="after")
    def _a_gateway_is_the_only_way_in(self) -> Self:
        for field, default in (("service_type", "ClusterIP"), ("node_address", None)):
            written = getattr(self, field)
            if self.gateway is not None and written != default:
                problem = f"{written} is another way in beside the gateway"
                allowed = f"{field} only without gateway: behind one, models are reached inside the cluster"
                raise refusal(problem, allowed, f"remove {field}, or write it into gateway.service_type", (field,))
        return self

    @model_validator(mode="after")
    def _an_alert_has_a_prometheus(self) -> Self:
        if self.gateway is not None and self.gateway.extraction is not None and self.monitoring is None:
            problem = "is given, and without monitoring nobody tells of it"
            todo = "add monitoring: {prometheus: ADDRESS}, or remove extraction"
            raise refusal(problem, "extraction beside monitoring", todo, ("gateway", "extraction"))
        return self

    @model_validator(mode="after")
    def _docker_hub_has_two_levels(self) -> Self:
        host, _, team = self.registry.partition("/")
        path = "/".join(filter(None, (team, f"{self.image_prefix}MODEL")))
        if host == DOCKER_HUB and path.count("/") != 1:
            levels = "one level" if "/" not in path else f"{path.count('/') + 1} levels"
            problem = f"{DOCKER_HUB}/{path} has {levels} below {DOCKER_HUB}"
            allowed = f"two levels on Docker Hub, {DOCKER_HUB}/TEAM/NAME"
            todo = f"write registry: {DOCKER_HUB}/TEAM and image_prefix: slipway-"
            raise refusal(problem, allowed, todo, ("registry",))
        return self

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        refuse_repeated([pool.name for pool in self.node_pools], ("node_pools",), ("name",))
        refuse_repeated(self.models or (), ("models",))
        return self


def refuse_repeated(names: Sequence[str], path: tuple[str | int, ...], below: tuple[str, ...] = ()) -> None:
    """Refuse a name that is there twice; `path` leads to the list, and `below` from an entry of it to the name."""
    for index, name in enumerate(names):
        if name in names[:index]:
            at = (*path, index, *below)
            raise refusal(f"{name} is there twice", "each name once", "rename or remove one of them", at)
