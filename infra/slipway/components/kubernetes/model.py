"""One model in a cluster: its image and its objects, in the order in which they need each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from slipway.components.connection import Connection
from slipway.components.kubernetes.object import KubernetesObject, cluster_provider

_BEFORE_THE_PODS = ("ServiceAccount", "ConfigMap", "NetworkPolicy")


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
        first = [m for m in args.manifests if m["kind"] in _BEFORE_THE_PODS]
        deployment = next(m for m in args.manifests if m["kind"] == "Deployment")
        last = [m for m in args.manifests if m not in first and m is not deployment]
        before = [
            KubernetesObject(
                manifest,
                # Pods of the release before mount the ConfigMap that the program no longer names, and go on serving
                # until the next one does: who judges the rollout deletes it.
                pulumi.ResourceOptions(
                    parent=self, provider=provider, retain_on_delete=manifest["kind"] == "ConfigMap" or None
                ),
            )
            for manifest in first
        ]
        pods = KubernetesObject(
            with_image(deployment, args.image),
            pulumi.ResourceOptions(parent=self, provider=provider, depends_on=[*before, *args.needs]),
        )
        # Behind the pods, so that nothing of a first release is there whose image could not be built.
        after = pulumi.ResourceOptions(parent=self, provider=provider, depends_on=[pods])
        for manifest in last:
            KubernetesObject(manifest, after)
        self.service = pulumi.Output.from_input(name)
        self.register_outputs({"service": self.service})


def with_image(deployment: Mapping[str, Any], image: pulumi.Input[str]) -> dict[str, Any]:
    """Return the Deployment with `image` in its only container; nothing else changes."""
    template = deployment["spec"]["template"]
    (container,) = template["spec"]["containers"]
    pod = {**template["spec"], "containers": [{**container, "image": image}]}
    return {**deployment, "spec": {**deployment["spec"], "template": {**template, "spec": pod}}}
