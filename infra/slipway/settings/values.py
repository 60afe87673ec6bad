"""Name the types of what settings say of any cluster: registries, images, Secrets, labels; each with its rule."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ValidationInfo, WithJsonSchema

from slipway.values.quantities import DnsLabel, line_of_text, refusal

_IMAGE = re.compile(
    r"(?P<registry>[A-Za-z0-9.-]+(?::[0-9]{1,5})?)(?P<path>(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)"
    r"(?P<reference>(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?)"
)
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_IMAGE_PREFIX = re.compile(rf"(?:{_PART}/)*(?:{_PART}[/-])?")
_OBJECT_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
DOCKER_HUB = "docker.io"
_OTHER_NAMES_OF_DOCKER_HUB = ("index.docker.io", "registry-1.docker.io", "hub.docker.com", "registry.hub.docker.com")
_LABEL_KEY = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")

_SYSTEM_PREFIXES = ("kube-", "openshift-")
_PLATFORM_NAMESPACES = (
    *("default", "openshift", "cert-manager", "gatekeeper-system", "istio-system", "ingress-nginx", "flux-system"),
    *(
        "argocd",
        "calico-system",
        "tigera-operator",
        "karpenter",
        "keda",
        "monitoring",
        "gpu-operator",
        "envoy-gateway-system",
    ),
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
        raise refusal(f"is Docker Hub, whose images are of {DOCKER_HUB}", allowed, f"write {DOCKER_HUB}/TEAM")
    if not (host == "localhost" or "." in host or ":" in host):
        # Docker takes such a name for a team of Docker Hub.
        raise refusal("has no host", allowed, f"write for example {DOCKER_HUB}/{host.lower()}")
    return text


def _image_prefix(value: object) -> str:
    allowed = "lower-case names, each followed by '/'; the last may be followed by '-' instead; or empty"
    text = line_of_text(100, "slipway-")(value) if value != "" else ""
    if not _IMAGE_PREFIX.fullmatch(text):
        todo = f"write {text}-" if _IMAGE_PREFIX.fullmatch(f"{text}-") else "write for example slipway-"
        raise refusal("is not the beginning of an image's name", allowed, todo)
    return text


def _secret(value: object, allowed: str, todo: str) -> str:
    """The name of a Secret. Whoever writes credentials here, in any form, gets a message that does not show them."""
    if not isinstance(value, str) or len(value) > 253 or not _OBJECT_NAME.fullmatch(value):
        problem = "is not the name of a Secret (what was written is not shown: it may be a secret itself)"
        raise refusal(problem, allowed, todo, hidden=True)
    return value


def _pull_secret(value: object) -> str:
    allowed = "the name of a Secret of type kubernetes.io/dockerconfigjson in the namespace, never its content"
    todo = "make one with kubectl create secret docker-registry NAME, and write NAME"
    return _secret(value, allowed, todo)


def _secret_name(value: object) -> str:
    allowed = "the name of a Secret in the namespace, never its content"
    return _secret(value, allowed, "make one with kubectl create secret, and write its name")


def _storage_class(value: object) -> str:
    text = line_of_text(253, "local")(value)
    if not _OBJECT_NAME.fullmatch(text):
        allowed = "a name of Kubernetes: a-z, 0-9, '-' and '.'"
        raise refusal("is not the name of a StorageClass", allowed, "write what kubectl get storageclass shows")
    return text


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


def line(limit: int, example: str) -> tuple[BeforeValidator, WithJsonSchema]:
    """The validator and JSON Schema of one line of text with `limit` characters at most."""
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
SecretName = Annotated[
    str,
    BeforeValidator(_secret_name),
    WithJsonSchema({"type": "string", "maxLength": 253, "pattern": f"^{_OBJECT_NAME.pattern}$"}),
]
StorageClass = Annotated[
    str,
    BeforeValidator(_storage_class),
    WithJsonSchema({"type": "string", "maxLength": 253, "pattern": f"^{_OBJECT_NAME.pattern}$"}),
]
PullSecret = Annotated[
    str,
    BeforeValidator(_pull_secret),
    WithJsonSchema({"type": "string", "maxLength": 253, "pattern": f"^{_OBJECT_NAME.pattern}$"}),
]
BaseImage = Annotated[str, BeforeValidator(_base_image), WithJsonSchema({"type": "string", "maxLength": 400})]
PinnedImage = Annotated[
    str,
    BeforeValidator(_pinned_image),
    WithJsonSchema({"type": "string", "maxLength": 400, "pattern": "@sha256:[0-9a-f]{64}$"}),
]
