"""The control side of a fleet in a cluster: its image, and its objects in the order in which they need each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from slipway.components.image.component import ModelImage, ModelImageArgs
from slipway.components.kubernetes.model import with_image
from slipway.components.kubernetes.object import KubernetesObject, cluster_provider
from slipway.values import names


@dataclass(frozen=True)
class FleetArgs:
    """`context`: of the kubeconfig. `manifests`: from `render_fleet`. `image`: how the one of its pod is made."""

    context: str
    manifests: Sequence[Mapping[str, Any]]
    image: ModelImageArgs


class Fleet(pulumi.ComponentResource):
    """The control side of one fleet. `namespace` is where it is.

    The engine deletes neither the namespace nor the volume, which knows the devices: `slipway down` does, when asked.
    """

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: FleetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:fleet:Fleet", name, None, opts)
        provider = cluster_provider(f"{name}-cluster", pulumi.ResourceOptions(parent=self), context=args.context)
        self._child = pulumi.ResourceOptions(parent=self, provider=provider)
        of_kind = {"Namespace": list[Mapping[str, Any]](), "Deployment": list[Mapping[str, Any]]()}
        others = [one for one in args.manifests if one["kind"] not in of_kind]
        for manifest in args.manifests:
            of_kind.get(manifest["kind"], []).append(manifest)
        image = ModelImage(names.FLEET, args.image, pulumi.ResourceOptions(parent=self)).reference
        namespaces = [self._create(one, ()) for one in of_kind["Namespace"]]
        before = [self._create(one, namespaces) for one in others]
        for deployment in of_kind["Deployment"]:
            self._create(with_image(deployment, image), before)
        self.namespace = pulumi.Output.from_input(others[0]["metadata"]["namespace"])
        self.register_outputs({"namespace": self.namespace})

    def _create(self, manifest: Mapping[str, Any], needs: Sequence[pulumi.Resource]) -> pulumi.Resource:
        volume = manifest["kind"] == "PersistentVolumeClaim"
        own = pulumi.ResourceOptions(
            depends_on=[*needs],
            retain_on_delete=volume or manifest["kind"] == "Namespace" or None,
            # Any change of a claim would replace it by an empty one.
            ignore_changes=["spec"] if volume else None,
        )
        return KubernetesObject(manifest, pulumi.ResourceOptions.merge(self._child, own))
