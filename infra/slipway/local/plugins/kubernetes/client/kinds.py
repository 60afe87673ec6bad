"""Read which Kubernetes kind a resource's type token names, and refuse the types that only the real plugin has."""

from dataclasses import dataclass

_NOT_HERE = {
    "helm.sh": "Helm charts",
    "kustomize": "Kustomize directories",
    "yaml": "YAML files and groups",
}


class KindRefusedError(ValueError):
    """The resource's type is none that this stand-in handles."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of Kubernetes object, for example apiVersion `apps/v1`, kind `Deployment`."""

    api_version: str
    kind: str

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    def __str__(self) -> str:
        return f"{self.api_version} {self.kind}"


def from_token(token: str) -> Kind:
    """`kubernetes:core/v1:ConfigMap` -> v1 ConfigMap.

    Raises KindRefusedError for a token of another package, for components, patch and list types.
    """
    package, _, rest = token.partition(":")
    module, _, kind = rest.rpartition(":")
    group, _, version = module.partition("/")
    if package != "kubernetes" or not kind:
        raise KindRefusedError(f"{token} is not a type of the kubernetes package")
    if group in _NOT_HERE:
        raise KindRefusedError(
            f"{token}: {_NOT_HERE[group]} are not handled by this stand-in for the pulumi-kubernetes plugin; "
            "render the objects beforehand and register each as a resource, or use the real plugin"
        )
    if not version or "/" in version:
        raise KindRefusedError(
            f"{token}: expected kubernetes:<group>/<version>:<Kind>, for example kubernetes:apps/v1:Deployment"
        )
    if "." not in group or group.endswith(".k8s.io"):
        if kind.endswith("Patch"):
            raise KindRefusedError(
                f"{token}: patch resources are not handled by this stand-in for the pulumi-kubernetes plugin; "
                "manage the whole object, or use the real plugin"
            )
        if kind.endswith("List"):
            raise KindRefusedError(f"{token}: a list is no object of its own; register each of its items as a resource")
    return Kind(version if group in ("core", "") else f"{group}/{version}", kind)


def of(manifest: dict[str, object]) -> Kind:
    """The kind that an object says it has; `core/v1` is another spelling of `v1`."""
    api_version = str(manifest.get("apiVersion", ""))
    return Kind(api_version.removeprefix("core/"), str(manifest.get("kind", "")))


def urn_type(urn: str) -> str:
    """The type token in a resource's URN (without the types of its parents)."""
    return urn.split("::")[2].rpartition("$")[2]


def urn_name(urn: str) -> str:
    """The resource's name in its URN."""
    return urn.split("::", 3)[3]
