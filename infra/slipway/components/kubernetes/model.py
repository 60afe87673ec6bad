"""One model in a cluster: its image and its objects, in the order in which they need each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from slipway.components.connection import Connection
from slipway.components.kubernetes.object import KubernetesObject, cluster_provider
from slipway.render.objects import Phase, object_of


@dataclass(frozen=True)
class ModelArgs:
    """`connection`: to the cluster. `manifests`: from `render_model`; `image` replaces the one in its pods.

    `needs`: what pods start with.
    """

    connection: pulumi.Output[Connection]
    manifests: Sequence[Mapping[str, Any]]
    image: pulumi.Input[str]
    needs: tuple[pulumi.Resource, ...] = ()


class Model(pulumi.ComponentResource):
    """The objects of one served model. `service` is the name of its Service."""

    service: pulumi.Output[str]

    def __init__(self, name: str, args: ModelArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:model:Model", name, None, opts)
        provider = cluster_provider(
            f"{name}-cluster",
            pulumi.ResourceOptions(parent=self),
            context=args.connection.apply(lambda link: None if link.kubeconfig else link.context),
            kubeconfig=args.connection.apply(lambda link: link.kubeconfig),
        )
        of_phase: dict[Phase, list[Mapping[str, Any]]] = {phase: [] for phase in Phase}
        for manifest in args.manifests:
            of_phase[object_of(manifest["kind"]).phase].append(manifest)
        (deployment,) = of_phase[Phase.PODS]
        before = [
            KubernetesObject(
                manifest,
                pulumi.ResourceOptions(
                    parent=self, provider=provider, retain_on_delete=object_of(manifest["kind"]).retained or None
                ),
            )
            for manifest in of_phase[Phase.BEFORE_PODS]
        ]
        pods = KubernetesObject(
            with_image(deployment, args.image),
            pulumi.ResourceOptions(parent=self, provider=provider, depends_on=[*before, *args.needs]),
        )
        # Behind the pods, so that nothing of a first release is there whose image could not be built.
        after = pulumi.ResourceOptions(parent=self, provider=provider, depends_on=[pods])
        for manifest in of_phase[Phase.AFTER_PODS]:
            KubernetesObject(manifest, after)
        self.service = pulumi.Output.from_input(name)
        self.register_outputs({"service": self.service})


def with_image(deployment: Mapping[str, Any], image: pulumi.Input[str]) -> dict[str, Any]:
    """Return the Deployment with `image` in its only container; nothing else changes."""
    template = deployment["spec"]["template"]
    (container,) = template["spec"]["containers"]
    pod = {**template["spec"], "containers": [{**container, "image": image}]}
    return {**deployment, "spec": {**deployment["spec"], "template": {**template, "spec": pod}}}
