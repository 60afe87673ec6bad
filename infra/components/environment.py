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
        provider = cluster_provider(f"{name}-cluster", pulumi.ResourceOptions(parent=self), context=args.context)
        self.namespace = environment_objects(args.manifests, self, provider).id
        self.register_outputs({"namespace": self.namespace})


def environment_objects(
    manifests: Sequence[Mapping[str, Any]], parent: pulumi.Resource, provider: pulumi.ProviderResource
) -> KubernetesObject:
    """Register what any environment has in its cluster: the Namespace, which comes first, and what is in it."""
    first, *rest = manifests
    namespace = KubernetesObject(first, pulumi.ResourceOptions(parent=parent, provider=provider))
    for manifest in rest:
        inside = pulumi.ResourceOptions(parent=parent, provider=provider, depends_on=[namespace])
        KubernetesObject(manifest, inside)
    return namespace
