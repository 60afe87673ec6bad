"""Describe the gateway of an environment: what a kind gives to the templates, whoever made the cluster."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

HTTPS_PORT = 443
PAGE_PATH = "/keys"
"""Where the gateway serves the page of the keys service, on its own domain."""
IDLE_S = 100
"""For so long a connection may be without a request. Clients have to be the first to give it up: a request that meets
a connection's end is lost. Their pools keep one for 90 s or less; a load balancer of AWS forgets it after 350 s.
"""
_ENDING_S = 120
"""Beyond `drain_s`: with it, longer than an idle connection lives and a request of 30 s takes together."""


def end_s(drain_s: int) -> int:
    """For so long an Envoy that stops, or whose listener changed, keeps old connections; it cuts what is left."""
    return drain_s + _ENDING_S


@dataclass(frozen=True, slots=True)
class InClusterDatabase:
    """A PostgreSQL of the environment's stack: `storage` in bytes, `storage_class` None for the cluster's default."""

    image: str
    storage: int
    storage_class: str | None


@dataclass(frozen=True, slots=True)
class Gateway:
    """The way into an environment.

    Attributes:
        domain: host name that clients use; names below it are models' too.
        certificate_secret: the Secret with the certificate, of type kubernetes.io/tls.
        issuer: ClusterIssuer of cert-manager that fills it; None where somebody else does.
        service_type: how Envoy's Service is reached.
        port: HTTPS port that clients use.
        node_port: the port of nodes, with NodePort; else None.
        replicas: pods of Envoy, and as many of the keys service.
        envoy_image: None for the one that Envoy Gateway names.
        service_annotations: of Envoy's Service, for whoever makes its load balancer.
        load_balancer_class: who makes it; None for the cluster's default.
        proxy_protocol: whether connections begin with the PROXY protocol, which has the client's address.
        drain_s: how long a load balancer may go on sending requests to an Envoy that stops, in seconds.
        database: of keys and ledger, where the environment's stack runs it.
        database_secret: the Secret whose key `url` is the database's address; None where `database_env` says it.
        database_env: environment variables of the keys service that say where its database is.
        egress: rules of a NetworkPolicy for what the keys service connects to, beside the name service and HTTPS.
        node_selector: labels of the nodes for the pods of Envoy and of the keys service; empty for any node.
        tolerations: of those pods.
        calls_per_day: of a key and a model, above which an alert tells of the key; None for no alert.
    """

    domain: str
    certificate_secret: str
    issuer: str | None
    service_type: str
    port: int
    node_port: int | None
    replicas: int
    envoy_image: str | None
    service_annotations: Mapping[str, str]
    load_balancer_class: str | None
    proxy_protocol: bool
    drain_s: int
    database: InClusterDatabase | None
    database_secret: str | None
    database_env: tuple[Mapping[str, str], ...] = ()
    egress: tuple[Mapping[str, Any], ...] = ()
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, str], ...] = ()
    calls_per_day: int | None = None

    @property
    def listener_port(self) -> int:
        """The port of Envoy's Service inside the cluster."""
        return HTTPS_PORT if self.node_port is not None else self.port

    @property
    def grpc_host(self) -> str:
        """The host name for gRPC, of all models: an HTTPRoute and a GRPCRoute must not share one."""
        return f"grpc.{self.domain}"

    @property
    def grpc_target(self) -> str:
        """What clients over gRPC dial."""
        return f"{self.grpc_host}:{self.port}"

    def url(self, host: str) -> str:
        """The address of a host behind the gateway, without `/` at its end."""
        return f"https://{host}" if self.port == HTTPS_PORT else f"https://{host}:{self.port}"
