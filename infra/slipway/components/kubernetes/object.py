"""One Kubernetes object of any kind, registered with the pulumi-kubernetes provider by its type token.

The typed classes of pulumi-kubernetes would need one mapping per kind from the rendered manifest back to
Python arguments; `CustomResource` of its apiextensions has no field for `data` or `rules`. A manifest already
is what the provider takes, so it is passed on whole.
"""

from collections.abc import Mapping
from typing import Any

import pulumi

from slipway.catalog.platform_pins import PULUMI_KUBERNETES


def token(api_version: str, kind: str) -> str:
    """Return the provider's type token: `apps/v1` and `Deployment` give `kubernetes:apps/v1:Deployment`."""
    group_version = api_version if "/" in api_version else f"core/{api_version}"
    return f"kubernetes:{group_version}:{kind}"


class KubernetesObject(pulumi.CustomResource):
    """An object of a cluster. `manifest` may hold outputs at any depth.

    Its logical name is the object's own name: an object whose name carries a hash (a ConfigMap) is then
    created beside the old one and the old one deleted last, never replaced under what still uses it.
    """

    def __init__(self, manifest: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(
            token(manifest["apiVersion"], manifest["kind"]),
            manifest["metadata"]["name"],
            dict(manifest),
            pulumi.ResourceOptions.merge(pulumi.ResourceOptions(version=PULUMI_KUBERNETES), opts),
        )


def cluster_provider(
    name: str,
    opts: pulumi.ResourceOptions,
    *,
    context: pulumi.Input[str | None] = None,
    kubeconfig: pulumi.Input[str | None] = None,
) -> pulumi.ProviderResource:
    """Return the provider for one context of the user's kubeconfig, or for a kubeconfig as JSON; credentials stay out.

    `pulumi_kubernetes.Provider` would import the whole SDK (1 s); the provider is the same by its token.

    An object that is there though the state does not know it is taken over, not refused: that is what a run leaves
    which was killed between the creation of an object and the saving of the state. Its name says that it is ours.
    """
    inputs = {"context": context, "kubeconfig": kubeconfig, "upsertExistingObjects": True}
    merged = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(version=PULUMI_KUBERNETES), opts)
    return pulumi.ProviderResource("kubernetes", name, inputs, merged)
