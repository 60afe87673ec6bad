"""Plan the gateway of an environment on AWS: one network load balancer, Envoy behind it, a database of RDS.

An Envoy that stops goes on taking requests for `_DRAIN_S`; for as long as it may then end those that it has, the load
balancer keeps its connections.
"""

from collections.abc import Mapping

from slipway.environments.planning.aws.node_groups import SYSTEM_TAINT
from slipway.environments.planning.gateway import HTTPS_PORT, Gateway, end_s
from slipway.settings.aws import AwsSettings
from slipway.settings.aws_gateway import AwsGateway
from slipway.settings.aws_network import ExistingNetwork
from slipway.values import names

DATABASE_PORT, DATABASE_USER, DATABASE_NAME = 5432, "slipway", "keys"
DATABASE_URL, DATABASE_SECRET = "SLIPWAY_KEYS_DATABASE_URL", "SLIPWAY_KEYS_DATABASE_SECRET"
"""Variables of the keys service; the password is no part of the URL."""
BALANCER_CLASS = "service.k8s.aws/nlb"
"""The load balancer controller's."""

_DRAIN_S = 120
"""A network load balancer sends new connections for up to two minutes to a target that it was told to leave alone."""
_UNKNOWN = "known-once-the-database-is-there"
TO_IDENTITY_AGENT: Mapping[str, object] = {
    "to": [{"ipBlock": {"cidr": "169.254.170.23/32"}}],
    "ports": [{"port": 80, "protocol": "TCP"}],
}
"""A rule of a NetworkPolicy: to EKS's agent on each node, which gives a pod the credentials of its role."""
_PREFIX = "service.beta.kubernetes.io/aws-load-balancer-"
_TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"


def gateway(settings: AwsSettings) -> Gateway | None:
    """The gateway that the settings ask for. What RDS decides is known to the program only (`database_url`)."""
    here = settings.gateway
    if here is None:
        return None
    return Gateway(
        domain=here.domain,
        # Behind ACM's certificate this one is seen by the load balancer only, which checks none.
        certificate_secret=names.GATEWAY_CERTIFICATE,
        issuer=here.certificate.issuer,
        service_type="LoadBalancer",
        port=HTTPS_PORT,
        node_port=None,
        replicas=here.replicas,
        envoy_image=None,
        service_annotations=balancer_annotations(here, settings.network),
        load_balancer_class=BALANCER_CLASS,
        proxy_protocol=True,
        drain_s=_DRAIN_S,
        database=None,
        database_secret=None,
        database_env=(
            {"name": DATABASE_URL, "value": database_url(_UNKNOWN)},
            {"name": DATABASE_SECRET, "value": _UNKNOWN},
            # Its role comes from the agent on its node, never from the node itself.
            {"name": "AWS_EC2_METADATA_DISABLED", "value": "true"},
        ),
        egress=(
            {"to": [{"ipBlock": {"cidr": settings.cidr}}], "ports": [{"port": DATABASE_PORT, "protocol": "TCP"}]},
            TO_IDENTITY_AGENT,
        ),
        node_selector={names.POOL_LABEL: names.SYSTEM_POOL},
        tolerations=({"key": SYSTEM_TAINT["key"], "operator": "Exists"},),
        calls_per_day=here.extraction.calls_per_day if here.extraction is not None else None,
    )


def database_url(host: str) -> str:
    """The address of the database, without the password."""
    return f"postgresql://{DATABASE_USER}@{host}:{DATABASE_PORT}/{DATABASE_NAME}?sslmode=require"


def balancer_annotations(here: AwsGateway, network: ExistingNetwork | None = None) -> Mapping[str, str]:
    """What Envoy's Service tells the load balancer controller.

    Pods are targets themselves, so that nothing goes through a second node. The client's address comes by the PROXY
    protocol: kept in the packets themselves it is lost on the way through a transit gateway, and a pod would not reach
    itself. A check that a connection opens is the one that passes beside that protocol.
    """
    group = {
        "deregistration_delay.timeout_seconds": str(end_s(_DRAIN_S)),
        "deregistration_delay.connection_termination.enabled": "true",
        "preserve_client_ip.enabled": "false",
        "proxy_protocol_v2.enabled": "true",
    }
    said = {
        "scheme": "internal" if here.internal else "internet-facing",
        "nlb-target-type": "ip",
        "target-group-attributes": ",".join(f"{key}={value}" for key, value in group.items()),
        # There may be fewer Envoys than zones.
        "attributes": "load_balancing.cross_zone.enabled=true",
        "healthcheck-protocol": "tcp",
        "healthcheck-port": "traffic-port",
        "healthcheck-interval": "10",
        "healthcheck-healthy-threshold": "2",
        "healthcheck-unhealthy-threshold": "2",
    }
    if network is not None:
        # In a network of Slipway's own they are found by their tags.
        subnets = network.private_subnets if here.internal else network.public_subnets or {}
        said["subnets"] = ",".join(sorted(subnets.values()))
    if here.certificate.acm is not None:
        said |= {
            "ssl-cert": here.certificate.acm,
            "ssl-ports": str(HTTPS_PORT),
            "ssl-negotiation-policy": _TLS_POLICY,
            "alpn-policy": "HTTP2Preferred",
            # Keys do not cross the network in clear, behind the load balancer either.
            "backend-protocol": "ssl",
        }
    return {f"{_PREFIX}{key}": value for key, value in said.items()}
