"""The program of an environment's stack in somebody's cluster: what every model in it stands on."""

from collections.abc import Callable

import pulumi

from slipway.cluster.gateway_secrets import Wanted
from slipway.components.connection import Connection, export
from slipway.components.image.planned import keys_image_args, pinned
from slipway.components.kubernetes.environment import EnvironmentArgs, GatewayArgs, KubernetesEnvironment
from slipway.components.kubernetes.gateway_secrets import ensure_secrets
from slipway.environments.planning.gateway import Gateway
from slipway.environments.planning.kinds import planning
from slipway.errors.base import SlipwayError
from slipway.planner.environment import Plan
from slipway.planner.own_images import keys_image
from slipway.render.environment import render_environment
from slipway.render.gateway import GatewayImages
from slipway.settings.kubernetes import Settings


def environment_program(environment: str, settings: Settings, *, adopted: bool = False) -> Callable[[], None]:
    """Return the program for one environment; `adopted`: its namespace is others'."""

    def run() -> None:
        plan, link = (
            Plan(environment, settings, ()),
            Connection(settings.context, settings.namespace, settings.registry),
        )
        gateway = planning(settings).gateway
        if gateway is None:
            args = EnvironmentArgs(settings.context, render_environment(plan, adopted=adopted))
        else:
            keys = keys_image(environment, settings)
            images = _images(gateway, keys.reference)
            parts = GatewayArgs(link, ensure_secrets(environment, Wanted.of(gateway)), keys_image_args(keys))
            args = EnvironmentArgs(settings.context, render_environment(plan, images, adopted=adopted), parts)
        KubernetesEnvironment(environment, args)
        export(link)

    return run


def _images(gateway: Gateway, keys: str) -> GatewayImages:
    """The images of a gateway as their registries have them now; that of keys, which is made, by its tag."""
    try:
        envoy = None if gateway.envoy_image is None else pinned(gateway.envoy_image)
        return GatewayImages(keys, envoy, None if gateway.database is None else pinned(gateway.database.image))
    except SlipwayError as error:
        raise pulumi.RunError(str(error)) from error
