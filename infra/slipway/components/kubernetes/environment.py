"""What an environment of kind `kubernetes` puts into the cluster before any model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pulumi

from slipway.components.connection import Connection
from slipway.components.image.component import ModelImage, ModelImageArgs
from slipway.components.kubernetes.gateway_secrets import Ensure, EnsuredSecrets, EnsuredSecretsArgs
from slipway.components.kubernetes.model import with_image
from slipway.components.kubernetes.object import KubernetesObject, cluster_provider
from slipway.render.environment_objects import PRIORITY_CLASS
from slipway.values import names

Manifests = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class GatewayArgs:
    """What a gateway is made of beside its manifests.

    `connection`: to the cluster. `ensure`: makes its secrets there. `keys_image`: how the keys service's image is made.
    `needs`: what has to be there before its objects.
    """

    connection: pulumi.Input[Connection]
    ensure: Ensure
    keys_image: ModelImageArgs
    needs: tuple[pulumi.Resource, ...] = ()


@dataclass(frozen=True)
class EnvironmentArgs:
    """`context`: of the kubeconfig. `manifests`: from `render_environment`. `gateway`: None without one."""

    context: str
    manifests: Manifests
    gateway: GatewayArgs | None = None


class KubernetesEnvironment(pulumi.ComponentResource):
    """The namespace with its Pod Security level, the policies that hold for every model in it, and the gateway.

    The engine never deletes the namespace, with what others may have in it by then: `slipway down` does, after a look.
    """

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: EnvironmentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:environment:KubernetesEnvironment", name, None, opts)
        provider = cluster_provider(f"{name}-cluster", pulumi.ResourceOptions(parent=self), context=args.context)
        self.namespace = environment_objects(args.manifests, self, provider, retain=True, gateway=args.gateway)
        self.register_outputs({"namespace": self.namespace})


def environment_objects(
    manifests: Manifests,
    parent: pulumi.Resource,
    provider: pulumi.ProviderResource,
    *,
    retain: bool = False,
    gateway: GatewayArgs | None = None,
    needs: tuple[pulumi.Resource, ...] = (),
) -> pulumi.Output[str]:
    """Register what any environment has in its cluster: the Namespace, if it makes one, then what is in it.

    `retain`: leave the Namespace in the cluster when it leaves the stack. `needs`: what brings the kinds of what is in
    it. Gives the namespace's name.
    """
    first = [manifest for manifest in manifests if manifest["kind"] == "Namespace"]
    inside = [manifest for manifest in manifests if manifest["kind"] != "Namespace"]
    options = pulumi.ResourceOptions(parent=parent, provider=provider, retain_on_delete=retain)
    namespaces = [KubernetesObject(manifest, options) for manifest in first]
    name = namespaces[0].id if namespaces else pulumi.Output.from_input(inside[0]["metadata"]["namespace"])
    if gateway is None:
        for manifest in inside:
            KubernetesObject(
                manifest,
                pulumi.ResourceOptions(
                    parent=parent,
                    provider=provider,
                    depends_on=[*namespaces, *needs],
                    retain_on_delete=_is_class(manifest),
                ),
            )
    else:
        gateway = replace(gateway, needs=(*gateway.needs, *needs))
        _create_with_gateway(inside, parent, provider, gateway, namespaces, name)
    return name


def _create_with_gateway(
    manifests: Manifests,
    parent: pulumi.Resource,
    provider: pulumi.ProviderResource,
    gateway: GatewayArgs,
    namespaces: list[KubernetesObject],
    namespace: pulumi.Output[str],
) -> None:
    """Register the objects of an environment with a gateway: secrets, then what pods need, then pods."""
    child = pulumi.ResourceOptions(parent=parent)
    secrets = EnsuredSecrets(
        "gateway-secrets", EnsuredSecretsArgs(gateway.connection, gateway.ensure, namespace), child
    )
    keys_image = ModelImage(names.KEYS, gateway.keys_image, child)
    there = secrets.ready.apply(lambda _: [*namespaces, *gateway.needs])
    before = [
        KubernetesObject(manifest, _kept(manifest, parent, provider, there))
        for manifest in manifests
        if manifest["kind"] != "Deployment"
    ]
    for manifest in manifests:
        if manifest["kind"] == "Deployment":
            own = manifest["metadata"]["name"] == names.KEYS
            made = with_image(manifest, keys_image.reference) if own else manifest
            KubernetesObject(made, pulumi.ResourceOptions(parent=parent, provider=provider, depends_on=before))


def _is_class(manifest: Mapping[str, Any]) -> bool | None:
    """Whether an object is a PriorityClass: pods of models that are not updated yet would be refused without theirs.

    `slipway up` deletes one that no model names any more, and `slipway down` all of them.
    """
    return manifest["kind"] == PRIORITY_CLASS or None


def _kept(
    manifest: Mapping[str, Any],
    parent: pulumi.Resource,
    provider: pulumi.ProviderResource,
    there: pulumi.Output[list[pulumi.Resource]],
) -> pulumi.ResourceOptions:
    """Options of an object; a volume keeps keys and ledger, and outlives the program that no longer names it.

    Any change of its claim would replace it by an empty one. `slipway up` refuses such changes, and `down` deletes it.
    """
    volume = manifest["kind"] == "PersistentVolumeClaim"
    return pulumi.ResourceOptions(
        parent=parent,
        provider=provider,
        depends_on=there,
        retain_on_delete=volume or _is_class(manifest),
        ignore_changes=["spec"] if volume else None,
    )
