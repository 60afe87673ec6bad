"""One model in a cluster: its image and its objects, in the order in which they need each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from slipway.components.connection import Connection
from slipway.components.kubernetes.object import KubernetesObject, cluster_provider
from slipway.render.objects import RETAINED, WAY_IN, Phase, object_of

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Beside:
    """What a rollout adds to a model. `candidate`, `judge`: manifests; an image replaces the one in its pods."""

    candidate: Sequence[Manifest]
    candidate_image: pulumi.Input[str]
    judge: Sequence[Manifest]
    judge_image: pulumi.Input[str]


@dataclass(frozen=True)
class ModelArgs:
    """`connection`: to the cluster. `manifests`: from `render_model`; `image` replaces the one in its pods.

    `needs`: what pods start with. `beside`: None where no release is judged beside it.
    """

    connection: pulumi.Output[Connection]
    manifests: Sequence[Manifest]
    image: pulumi.Input[str]
    needs: tuple[pulumi.Resource, ...] = ()
    beside: Beside | None = None


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
        self._child = pulumi.ResourceOptions(parent=self, provider=provider)
        added = self._create_beside(args.beside, args.needs) if args.beside is not None else []
        self._create_release(args.manifests, args.image, args.needs, added)
        self.service = pulumi.Output.from_input(name)
        self.register_outputs({"service": self.service})

    def _create_beside(self, beside: Beside, needs: Sequence[pulumi.Resource]) -> list[pulumi.Resource]:
        """Register a candidate and its judge. The engine deletes them after all else is updated, the route too."""
        candidate = self._create_release(beside.candidate, beside.candidate_image, needs)
        before = [self._create(one, ()) for one in beside.judge if one["kind"] != "Deployment"]
        judges = [one for one in beside.judge if one["kind"] == "Deployment"]
        pods = [self._create(with_image(one, beside.judge_image), before) for one in judges]
        return [*candidate, *before, *pods]

    def _create_release(
        self,
        manifests: Sequence[Manifest],
        image: pulumi.Input[str],
        needs: Sequence[pulumi.Resource],
        way_in_needs: Sequence[pulumi.Resource] = (),
    ) -> list[pulumi.Resource]:
        """Register the objects of a release, those that lead to it behind whatever they may name."""
        of_phase: dict[Phase, list[Manifest]] = {phase: [] for phase in Phase}
        for manifest in manifests:
            of_phase[object_of(manifest["kind"]).phase].append(manifest)
        (deployment,) = of_phase[Phase.PODS]
        before = [self._create(manifest, ()) for manifest in of_phase[Phase.BEFORE_PODS]]
        pods = self._create(with_image(deployment, image), [*before, *needs])
        # Behind the pods, so that nothing of a first release is there whose image could not be built.
        after = [
            self._create(manifest, [pods, *(way_in_needs if manifest["kind"] in WAY_IN else ())])
            for manifest in of_phase[Phase.AFTER_PODS]
        ]
        return [*before, pods, *after]

    def _create(self, manifest: Manifest, needs: Sequence[pulumi.Resource]) -> pulumi.Resource:
        kept = manifest["kind"] in RETAINED or None
        own = pulumi.ResourceOptions(depends_on=[*needs], retain_on_delete=kept)
        return KubernetesObject(manifest, pulumi.ResourceOptions.merge(self._child, own))


def with_image(deployment: Mapping[str, Any], image: pulumi.Input[str]) -> dict[str, Any]:
    """Return the Deployment with `image` in its only container, and in the one before it that fetches its weights."""
    template = deployment["spec"]["template"]
    (container,) = template["spec"]["containers"]
    before = [{**one, "image": image} for one in template["spec"].get("initContainers", ())]
    pod = {**template["spec"], "containers": [{**container, "image": image}]}
    pod |= {"initContainers": before} if before else {}
    return {**deployment, "spec": {**deployment["spec"], "template": {**template, "spec": pod}}}
