"""The programs of an environment on AWS: its own stack, and what each of its models has in the account."""

from collections.abc import Callable, Collection, Mapping, Sequence

import pulumi

from slipway.catalog.platform_images import ENVOY, copied
from slipway.cluster.gateway_secrets import Wanted
from slipway.components.aws.environment import AwsEnvironment, AwsEnvironmentArgs
from slipway.components.aws.gateway.gateway import AwsGatewayArgs
from slipway.components.aws.model import AwsModel, AwsModelArgs
from slipway.components.connection import Connection, export
from slipway.components.image.planned import copied_image_args, keys_image_args
from slipway.components.kubernetes.gateway_secrets import ensure_secrets
from slipway.environments.planning.aws.node_groups import NodeGroup, to_store
from slipway.environments.planning.kinds import planning
from slipway.planner.environment import Plan
from slipway.planner.own_images import keys_image
from slipway.programs.model import ModelParts, PartsOf
from slipway.render.environment import render_environment
from slipway.render.gateway import GatewayImages
from slipway.render.karpenter import render_node_objects
from slipway.settings.aws import AwsSettings
from slipway.values import names
from slipway.values.aliases import Json


def environment_program(
    environment: str,
    settings: AwsSettings,
    groups: Sequence[NodeGroup],
    staying: Mapping[str, Sequence[Json]] | None = None,
    *,
    taken_over: Collection[str] = (),
) -> Callable[[], None]:
    """Return the program for one environment.

    `groups`: the node groups that there shall be. `staying`: Karpenter's objects of pools that shall be there although
    no settings name them. `taken_over`: names of what is there already, and stays as it is.
    """

    def run() -> None:
        plan, images, parts = Plan(environment, settings, ()), None, None
        closed = settings.nat == "none"
        if gateway := planning(settings).gateway:
            keys = keys_image(environment, settings)
            envoy = gateway.envoy_image
            if closed:
                envoy = copied(ENVOY, names.copies(settings.registry, environment))
            images = GatewayImages(keys.reference, envoy, None)
            parts = AwsGatewayArgs(ensure_secrets(environment, Wanted.of(gateway)), keys_image_args(keys))
        manifests = render_environment(plan, images)
        objects = {**(staying or {}), **render_node_objects(environment, settings)}
        nodes = tuple(manifest for pool in objects.values() for manifest in pool)
        copy = copied_image_args if closed else None
        args = AwsEnvironmentArgs(settings, tuple(groups), manifests, nodes, parts, taken_over, copy)
        made = AwsEnvironment(environment, args)
        export(made.connection)
        pulumi.export("pools", to_store(groups))
        pulumi.export("node_groups", _by_pool(groups))
        pulumi.export("node_objects", objects)

    return run


def _by_pool(groups: Sequence[NodeGroup]) -> dict[str, list[str]]:
    return {pool: [group.name for group in groups if group.pool == pool] for pool in {g.pool: 0 for g in groups}}


def model_parts(settings: AwsSettings) -> PartsOf:
    """Return how to make what a model has of its own in the account: a repository, and a role if its pods need one."""

    def make(
        environment: str, model: str, link: pulumi.Output[Connection], fetches: bool, captures: bool
    ) -> ModelParts:
        key = link.apply(lambda of: of.key or "")
        parts = AwsModel(model, AwsModelArgs(environment, settings, key, fetches, captures))
        return (parts,), parts.repository

    return make
