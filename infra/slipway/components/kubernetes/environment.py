"""What an environment of kind `kubernetes` puts into the cluster before any model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from slipway.components.kubernetes.object import KubernetesObject, cluster_provider


@dataclass(frozen=True)
class EnvironmentArgs:
    """`context`: of the kubeconfig. `manifests`: from `render_environment`."""

    context: str
    manifests: Sequence[Mapping[str, Any]]


class KubernetesEnvironment(pulumi.ComponentResource):
    """The namespace with its Pod Security level and the policies that hold for every model in it.

    The engine never deletes the namespace, with what others may have in it by then: `slipway down` does, after a look.
    """

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: EnvironmentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:environment:KubernetesEnvironment", name, None, opts)
        provider = cluster_provider(f"{name}-cluster", pulumi.ResourceOptions(parent=self), context=args.context)
        self.namespace = environment_objects(args.manifests, self, provider, retain=True)
        self.register_outputs({"namespace": self.namespace})


def environment_objects(
    manifests: Sequence[Mapping[str, Any]],
    parent: pulumi.Resource,
    provider: pulumi.ProviderResource,
    *,
    retain: bool = False,
) -> pulumi.Output[str]:
    """Register what any environment has in its cluster: the Namespace, if it makes one, then what is in it.

    `retain`: leave the Namespace in the cluster when it leaves the stack. Gives the namespace's name.
    """
    first = [manifest for manifest in manifests if manifest["kind"] == "Namespace"]
    options = pulumi.ResourceOptions(parent=parent, provider=provider, retain_on_delete=retain)
    namespaces = [KubernetesObject(manifest, options) for manifest in first]
    for manifest in manifests:
        if manifest not in first:
            inside = pulumi.ResourceOptions(parent=parent, provider=provider, depends_on=namespaces)
            KubernetesObject(manifest, inside)
    return namespaces[0].id if namespaces else pulumi.Output.from_input(manifests[0]["metadata"]["namespace"])
