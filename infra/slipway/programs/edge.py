"""The program of a fleet's stack: its control side, in the cluster of another environment."""

from collections.abc import Callable

import pulumi

from slipway.components.connection import Connection, export
from slipway.components.image.planned import fleet_image_args
from slipway.components.kubernetes.fleet import Fleet, FleetArgs
from slipway.planner.own_images import fleet_image
from slipway.render.fleet import render_fleet
from slipway.settings.edge import EdgeSettings
from slipway.settings.edge_cluster import EdgeCluster
from slipway.values import names


def fleet_program(fleet: str, settings: EdgeSettings, cluster: EdgeCluster, context: str) -> Callable[[], None]:
    """Return the program of one fleet; `context`: of the kubeconfig."""

    def run() -> None:
        image = fleet_image(fleet, settings)
        manifests = render_fleet(fleet, cluster, image.reference)
        Fleet(fleet, FleetArgs(context, manifests, fleet_image_args(image)))
        export(Connection(context, names.fleet_namespace(fleet), settings.registry))
        pulumi.export("control", settings.control)

    return run
