"""Render what carries the control side of a fleet in somebody's cluster."""

from slipway.catalog.pod_contract import FLEET_PORT, SERVER_USER
from slipway.render.environment import namespace_values
from slipway.render.templates import Manifest, rendered
from slipway.settings.edge_cluster import EdgeCluster
from slipway.values import names

_TEMPLATES = ("service_account", "volume_claim", "network_policy", "deployment", "service")


def render_fleet(fleet: str, cluster: EdgeCluster, image: str) -> list[Manifest]:
    """Render Namespace, the policy that denies, and the control side with its volume and its way in.

    `image`: by digest, or by tag where it is to be replaced.
    """
    namespace = names.fleet_namespace(fleet)
    templates, values = namespace_values(fleet, namespace, adopted=False)
    selector = names.component_labels(names.FLEET)
    own = values | {
        "name": names.FLEET,
        "fleet": fleet,
        "selector": selector,
        "pod_labels": values["labels"] | selector,
        "image": image,
        "user": SERVER_USER,
        "port": FLEET_PORT,
        "public_key": cluster.public_key,
        "storage_class": cluster.storage_class,
        "certificate": cluster.certificate,
        "service_type": "LoadBalancer" if cluster.node_port is None else "NodePort",
        "node_port": cluster.node_port,
    }
    return [*rendered("kubernetes/environment", templates, values), *rendered("kubernetes/fleet", _TEMPLATES, own)]
