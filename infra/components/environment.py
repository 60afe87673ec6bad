"""What an environment of kind `kubernetes` puts into the cluster before any model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from infra.components.kubernetes_object import KubernetesObject, cluster_provider


@dataclass(frozen=True)
class EnvironmentArgs:
    """`context`: of the kubeconfig. `manifests`: from `render_environment`, the Namespace first."""

    context: str
    manifests: Sequence[Mapping[str, Any]]


class KubernetesEnvironment(pulumi.ComponentResource):
    """The namespace with its Pod Security level and the policies that hold for every model in it."""

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: EnvironmentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:environment:KubernetesEnvironment", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        provider = cluster_provider(f"{name}-cluster", args.context, child)
        child.provider = provider
        first, *rest = args.manifests
        namespace = KubernetesObject(first, child)
        for manifest in rest:
            inside = pulumi.ResourceOptions(parent=self, provider=provider, depends_on=[namespace])
            KubernetesObject(manifest, inside)
        self.namespace = namespace.id
        self.register_outputs({"namespace": self.namespace})
