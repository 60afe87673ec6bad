"""Define what a person may write about one environment: the frozen, validated settings of stacks/Pulumi.<env>.yaml."""

import re
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema, model_validator

from slipway.settings.base import AnySettings
from slipway.settings.requirement import Requirement
from slipway.values.quantities import Bytes, DnsLabel, Millicores, ModelName, line_of_text, refusal
from slipway.values.section import Section, number

_IMAGE = re.compile(
    r"(?P<registry>[A-Za-z0-9.-]+(?::[0-9]{1,5})?)(?P<path>(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)"
    r"(?P<reference>(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?)"
)
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_IMAGE_PREFIX = re.compile(rf"(?:{_PART}/)*(?:{_PART}[/-])?")
_SECRET_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_DOCKER_HUB = "docker.io"
_OTHER_NAMES_OF_DOCKER_HUB = ("index.docker.io", "registry-1.docker.io", "hub.docker.com", "registry.hub.docker.com")
_LABEL_KEY = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")

_SYSTEM_PREFIXES = ("kube-", "openshift-")
_PLATFORM_NAMESPACES = (
    *("default", "openshift", "cert-manager", "gatekeeper-system", "istio-system", "ingress-nginx", "flux-system"),
    *("argocd", "calico-system", "tigera-operator", "karpenter", "keda", "monitoring", "gpu-operator"),
)
"""Where everything of a cluster, or of what it is run with, would be in one namespace with models."""


def _registry(value: object) -> str:
    allowed = "HOST[:PORT][/FOLDER], without https:// and tag"
    text = line_of_text(200, "127.0.0.1:5000")(value)
    found = _IMAGE.fullmatch(text)
    if not found or found["reference"]:
        raise refusal("is not the address of a registry", allowed, "write for example 127.0.0.1:5000")
    host = found["registry"]
    if host in _OTHER_NAMES_OF_DOCKER_HUB:
        raise refusal(f"is Docker Hub, whose images are of {_DOCKER_HUB}", allowed, f"write {_DOCKER_HUB}/TEAM")
    if not (host == "localhost" or "." in host or ":" in host):
        # Docker takes such a name for a team of Docker Hub.
        raise refusal("has no host", allowed, f"write for example {_DOCKER_HUB}/{host.lower()}")
    return text


def _image_prefix(value: object) -> str:
    allowed = "lower-case names, each followed by '/'; the last may be followed by '-' instead; or empty"
    text = line_of_text(100, "slipway-")(value) if value != "" else ""
    if not _IMAGE_PREFIX.fullmatch(text):
        todo = f"write {text}-" if _IMAGE_PREFIX.fullmatch(f"{text}-") else "write for example slipway-"
        raise refusal("is not the beginning of an image's name", allowed, todo)
    return text


def _pull_secret(value: object) -> str:
    """The name of a Secret. Whoever writes credentials here, in any form, gets a message that does not show them."""
    if not isinstance(value, str) or len(value) > 253 or not _SECRET_NAME.fullmatch(value):
        problem = "is not the name of a Secret (what was written is not shown: it may be a secret itself)"
        allowed = "the name of a Secret of type kubernetes.io/dockerconfigjson in the namespace, never its content"
        todo = "make one with kubectl create secret docker-registry NAME, and write NAME"
        raise refusal(problem, allowed, todo, hidden=True)
    return value


def _base_image(value: object) -> str:
    allowed = "HOST[:PORT]/NAME with :TAG or @sha256:DIGEST"
    example = "write for example 127.0.0.1:5000/slipway/base:bookworm-py311"
    text = line_of_text(400, "127.0.0.1:5000/slipway/base:bookworm-py311")(value)
    found = _IMAGE.fullmatch(text)
    if not found or not found["path"] or not found["reference"]:
        raise refusal("is not an image with a tag or digest", allowed, example)
    return text


def _pinned_image(value: object, info: ValidationInfo) -> str:
    """A base image by digest. The validation's context has the `environment` that the message's command names."""
    text = _base_image(value)
    if "@" not in text:
        environment = (info.context or {}).get("environment", "ENV")
        problem = "names a tag only, which can move to another image without a new release"
        todo = f"run slipway base-image {environment}, which asks the registry and writes it here"
        raise refusal(problem, "HOST[:PORT]/NAME:TAG@sha256:DIGEST", todo)
    return text


def _label_key(value: object) -> str:
    text = line_of_text(317, "example.com/pool")(value)
    if not _LABEL_KEY.fullmatch(text):
        allowed = "a label key of Kubernetes: [PREFIX/]NAME of letters, digits, '-', '_' and '.'"
        raise refusal("is not a label key", allowed, "write for example example.com/pool")
    return text


def _label_value(value: object) -> str:
    allowed = "text of at most 63 letters, digits, '-', '_' and '.'"
    if not isinstance(value, str) or not _LABEL_VALUE.fullmatch(value):
        raise refusal("is not a label value", allowed, 'write for example "gpu", in quotes if it is a number')
    return value


def _namespace(text: str) -> str:
    if text in _PLATFORM_NAMESPACES or text.startswith(_SYSTEM_PREFIXES):
        allowed = "a namespace for models alone"
        raise refusal("belongs to the cluster itself or to its platform", allowed, "write for example slipway")
    return text


def _line(limit: int, example: str) -> tuple[BeforeValidator, WithJsonSchema]:
    schema = WithJsonSchema({"type": "string", "minLength": 1, "maxLength": limit})
    return BeforeValidator(line_of_text(limit, example)), schema


LabelKey = Annotated[str, BeforeValidator(_label_key), WithJsonSchema({"type": "string", "maxLength": 317})]
LabelValue = Annotated[str, BeforeValidator(_label_value), WithJsonSchema({"type": "string", "maxLength": 63})]
Namespace = Annotated[DnsLabel, AfterValidator(_namespace)]
Registry = Annotated[str, BeforeValidator(_registry), WithJsonSchema({"type": "string", "maxLength": 200})]
ImagePrefix = Annotated[
    str,
    BeforeValidator(_image_prefix),
    WithJsonSchema({"type": "string", "maxLength": 100, "pattern": f"^{_IMAGE_PREFIX.pattern}$"}),
]
PullSecret = Annotated[
    str,
    BeforeValidator(_pull_secret),
    WithJsonSchema({"type": "string", "maxLength": 253, "pattern": f"^{_SECRET_NAME.pattern}$"}),
]
BaseImage = Annotated[str, BeforeValidator(_base_image), WithJsonSchema({"type": "string", "maxLength": 400})]
PinnedImage = Annotated[
    str,
    BeforeValidator(_pinned_image),
    WithJsonSchema({"type": "string", "maxLength": 400, "pattern": "@sha256:[0-9a-f]{64}$"}),
]
GpusOfNode = Annotated[int, *number(1, 64)]
Nodes = Annotated[int, *number(1, 5000)]


class PoolGpu(Section):
    """The GPUs of each node of a pool."""

    count: GpusOfNode = Field(description="GPUs of one node.", examples=[4])
    memory: Bytes = Field(description="Memory of each GPU.", examples=["24Gi"])
    model: Annotated[str, *_line(63, "A10G")] = Field(description="What the maker calls the GPU.", examples=["A10G"])


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


class Settings(AnySettings):
    """One environment: a Kubernetes cluster, a registry, and the nodes there can be."""

    kind: Literal["kubernetes"] = Field(
        description="What the environment is: any cluster of a kubeconfig.", examples=["kubernetes"]
    )
    slipway: Requirement | None = Field(
        default=None,
        description="Least version of Slipway that may work on the environment, in quotes; an older one refuses to.",
        examples=['">=0.2"'],
        exclude_if=lambda value: value is None,
        json_schema_extra={"since": "0.2"},
    )
    context: Annotated[str, *_line(253, "slipway-local")] = Field(
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
        exclude_if=lambda value: value is None,
        json_schema_extra={"since": "0.2"},
    )
    base_image: BaseImage = Field(
        description="Image with Python 3.11 that models' images start from.",
        examples=["127.0.0.1:5000/slipway/base:bookworm-py311"],
    )
    service_type: Literal["ClusterIP", "NodePort"] = Field(
        default="ClusterIP",
        description="How a model's Service is reached: inside the cluster, or on a port of every node too.",
        examples=["NodePort"],
    )
    node_address: Annotated[str, *_line(253, "127.0.0.1")] | None = Field(
        default=None,
        description="Host name or address of a node where NodePorts are reached; needed with service_type NodePort.",
        examples=["127.0.0.1"],
    )
    models: tuple[ModelName, ...] | None = Field(
        default=None,
        description="Models to deploy here; every spec of the models folder when left out.",
        examples=[["digits", "speech"]],
    )
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
    def _docker_hub_has_two_levels(self) -> Self:
        host, _, team = self.registry.partition("/")
        path = "/".join(filter(None, (team, f"{self.image_prefix}MODEL")))
        if host == _DOCKER_HUB and path.count("/") != 1:
            levels = "one level" if "/" not in path else f"{path.count('/') + 1} levels"
            problem = f"{_DOCKER_HUB}/{path} has {levels} below {_DOCKER_HUB}"
            allowed = f"two levels on Docker Hub, {_DOCKER_HUB}/TEAM/NAME"
            todo = f"write registry: {_DOCKER_HUB}/TEAM and image_prefix: slipway-"
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
