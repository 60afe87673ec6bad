"""Say what the templates of an environment's gateway place: Envoy, the keys service and its database."""

from dataclasses import dataclass
from typing import Any

from slipway.catalog.pod_contract import KEYS_ADMIN_PORT, KEYS_CHECK_PORT, KEYS_LOG_PORT, NAME_SERVICE, SERVER_USER
from slipway.environments.planning.gateway import IDLE_S, PAGE_PATH, Gateway, end_s
from slipway.environments.planning.monitoring import Tracing
from slipway.values import names
from slipway.values.quantities import format_bytes, format_seconds

GATEWAY_CLASS = "slipway"
"""Of the whole cluster: whoever installs Envoy Gateway makes it."""
TRAFFIC_S = 300
"""How often the keys service counts who calls most, where an alert is about that."""
NO_DIGEST = "sha256:" + "0" * 64
_GATEWAY_TEMPLATES = ("envoy_proxy", "gateway", "client_traffic_policy")
_KEYS_TEMPLATES = (
    *("keys_service_account", "keys_role", "keys_role_binding", "keys_network_policy", "keys_deployment"),
    *("keys_service", "keys_pod_disruption_budget", "keys_http_route"),
)
_DATABASE_TEMPLATES = ("database_volume_claim", "database_network_policy", "database_deployment", "database_service")
_PARTS = 100_000
"""A share of requests is told in these: 0.001% is one of them."""
_URL = "%REQ(:SCHEME)%://%REQ(:AUTHORITY)%%REQ_WITHOUT_QUERY(X-ENVOY-ORIGINAL-PATH?:PATH)%"
_HTTPS = [{"port": 443, "protocol": "TCP"}, {"port": 6443, "protocol": "TCP"}]


@dataclass(frozen=True, slots=True)
class GatewayImages:
    """What the pods of a gateway run, by digest.

    Attributes:
        keys: the keys service.
        envoy: None for the one that Envoy Gateway names.
        postgres: None where the database is somebody else's.
    """

    keys: str
    envoy: str | None
    postgres: str | None


def placeholder_images(gateway: Gateway, keys_repository: str) -> GatewayImages:
    """The images by digests of zeros where the settings name a tag, for rendering without a registry."""
    postgres = _by_digest(gateway.database.image) if gateway.database is not None else None
    return GatewayImages(f"{keys_repository}@{NO_DIGEST}", gateway.envoy_image, postgres)


def _by_digest(image: str) -> str:
    return image if "@" in image else f"{image}@{NO_DIGEST}"


def gateway_templates(gateway: Gateway) -> tuple[str, ...]:
    """The templates of what a gateway consists of, in the order in which it is applied."""
    database = _DATABASE_TEMPLATES if gateway.database is not None else ()
    certificate = ("gateway_certificate",) if gateway.issuer is not None else ()
    # The database first: keys wait for it, and Envoy sends requests once keys are there.
    accounts = _KEYS_TEMPLATES[:1]
    return (*accounts, *database, *_KEYS_TEMPLATES[1:], *certificate, *_GATEWAY_TEMPLATES)


def gateway_values(
    gateway: Gateway, namespace: str, labels: dict[str, str], images: GatewayImages, pull_secret: str | None
) -> dict[str, Any]:
    """What those templates get; None for what is left out."""
    database = gateway.database
    return {
        **_envoy(gateway, namespace, images),
        **_keys(gateway, labels, images),
        "pull_secrets": [{"name": pull_secret}] if pull_secret is not None else None,
        "replicas": gateway.replicas,
        "node_selector": dict(gateway.node_selector) or None,
        "tolerations": [*map(dict, gateway.tolerations)] or None,
        "user": SERVER_USER,
        "database_name": names.KEYS_DATABASE,
        "database_selector": names.component_labels(names.KEYS_DATABASE),
        "database_labels": labels | names.component_labels(names.KEYS_DATABASE),
        "database_exceptions": "container-image-pull-policy,deployment-replicas,deployment-strategy",
        "postgres_image": images.postgres,
        "storage": format_bytes(database.storage) if database else None,
        "storage_class": database.storage_class if database else None,
    }


def _envoy(gateway: Gateway, namespace: str, images: GatewayImages) -> dict[str, Any]:
    return {
        "gateway_name": names.GATEWAY,
        "gateway_class": GATEWAY_CLASS,
        "gateway_service_type": gateway.service_type,
        "envoy_image": images.envoy,
        "envoy_labels": envoy_labels(namespace),
        "service_annotations": dict(gateway.service_annotations) or None,
        "load_balancer_class": gateway.load_balancer_class,
        # A load balancer asks each node whether it has an Envoy; of NodePorts every node is expected to answer.
        "external_traffic_policy": "Local" if gateway.service_type == "LoadBalancer" else "Cluster",
        "listener_port": gateway.listener_port,
        "node_port": gateway.node_port,
        "proxy_protocol": gateway.proxy_protocol or None,
        "idle": format_seconds(IDLE_S),
        "drain": format_seconds(gateway.drain_s),
        "drain_most": format_seconds(end_s(gateway.drain_s)),
        "certificate_secret": gateway.certificate_secret,
        "certificate_hosts": [gateway.domain, f"*.{gateway.domain}"],
        "issuer": gateway.issuer,
        "page_hosts": [gateway.domain],
        "page_path": PAGE_PATH,
    }


def tracing_values(tracing: Tracing | None) -> dict[str, Any]:
    """What the templates of Envoy get of traces; None where nobody traces."""
    return {
        "tracing_host": tracing.host if tracing is not None else None,
        "tracing_port": tracing.grpc_port if tracing is not None else None,
        "tracing_share": None
        if tracing is None
        else {"numerator": round(tracing.share * _PARTS), "denominator": _PARTS},
        "tracing_url": _URL,
    }


def envoy_labels(namespace: str) -> dict[str, str]:
    """Labels of the pods of Envoy, as Envoy Gateway sets them; `namespace`: of the Gateway."""
    return {
        "gateway.envoyproxy.io/owning-gateway-name": names.GATEWAY,
        "gateway.envoyproxy.io/owning-gateway-namespace": namespace,
    }


def _keys(gateway: Gateway, labels: dict[str, str], images: GatewayImages) -> dict[str, Any]:
    environment = {"SLIPWAY_KEYS_SIGNING_KEY": "/etc/keys/private.pem", "SLIPWAY_KEYS_JOURNAL": "/var/lib/keys"}
    if gateway.database_secret is not None:
        environment["SLIPWAY_KEYS_DATABASE_URL_FILE"] = "/etc/keys-database/url"
    if gateway.calls_per_day is not None:
        environment["SLIPWAY_KEYS_TRAFFIC_S"] = str(TRAFFIC_S)
    single = ",deployment-replicas" if gateway.replicas == 1 else ""
    return {
        "keys_name": names.KEYS,
        "keys_selector": names.component_labels(names.KEYS),
        "keys_labels": labels | names.component_labels(names.KEYS),
        "keys_exceptions": f"container-image-pull-policy{single}",
        "keys_image": images.keys,
        "keys_environment": [
            *({"name": name, "value": value} for name, value in environment.items()),
            *map(dict, gateway.database_env),
        ],
        "keys_check_port": KEYS_CHECK_PORT,
        "keys_admin_port": KEYS_ADMIN_PORT,
        "keys_log_port": KEYS_LOG_PORT,
        "keys_egress": [{"ports": [*NAME_SERVICE]}, {"ports": _HTTPS}, *map(dict, gateway.egress)],
        "signing_secret": names.KEYS_SIGNING,
        "database_secret": gateway.database_secret,
    }
