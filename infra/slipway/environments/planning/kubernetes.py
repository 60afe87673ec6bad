"""Plan an environment of kind `kubernetes`: a cluster that was there before, whose nodes cost nothing by the hour."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from slipway.catalog.cpu import features_of_labels
from slipway.environments.planning.custody import Custody
from slipway.environments.planning.gateway import Gateway, InClusterDatabase
from slipway.environments.planning.model_store import SAMPLES, ModelStore, egress_to
from slipway.environments.planning.monitoring import Monitoring, tracing_of
from slipway.environments.planning.pool import Accelerators, Pool
from slipway.environments.planning.protocol import Charges, Planning, Refusal
from slipway.settings import gateway as written
from slipway.settings.kubernetes import NodePool, Settings
from slipway.values import names

_DRAIN_S = 15
"""Longer than any cloud's load balancer takes to notice that a pod is not ready; NodePorts take a second or two."""
_INTERNAL: Mapping[str, str] = {
    "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
    "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
    "networking.gke.io/load-balancer-type": "Internal",
}
"""What makes a load balancer internal, by cloud; each passes over what the others read."""
_FACING: Mapping[str, str] = {"service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing"}
"""Only AWS's controller makes an internal one unless it is told."""


@dataclass(frozen=True, slots=True)
class KubernetesPlanning:
    """What the plan needs to know of a cluster of a kubeconfig; see `Planning`."""

    settings: Settings

    @property
    def pools(self) -> tuple[Pool, ...]:
        """The pools as the settings describe them; all nodes are there at rest too."""
        return tuple(map(_pool, self.settings.node_pools))

    @property
    def region(self) -> None:
        """Nobody knows where a cluster of a kubeconfig is."""
        return

    @property
    def custody(self) -> Custody:
        """Others made the cluster: they let people in, keep its logs and choose its network."""
        return Custody(home=f"the cluster of context {self.settings.context}")

    @property
    def shared_target(self) -> tuple[str, str]:
        """Context and namespace: several environments may be in one cluster, each in a namespace of its own."""
        return self.settings.context, self.settings.namespace

    def image_repository(self, _: str, name: str, /) -> str:
        """Environments with one registry share the images in it: the same inputs are the same image."""
        return f"{self.settings.registry}/{self.settings.image_prefix}{name}"

    @property
    def pull_secret(self) -> str | None:
        """As the settings name it."""
        return self.settings.pull_secret

    @property
    def gateway(self) -> Gateway | None:
        """As the settings describe it."""
        return _gateway(self.settings.gateway) if self.settings.gateway is not None else None

    @property
    def monitoring(self) -> Monitoring | None:
        """As the settings describe it."""
        here = self.settings.monitoring
        if here is None:
            return None
        operator = here.discovery == "operator"
        return Monitoring(
            here.prometheus,
            operator=operator,
            labels=here.labels,
            scrape_s=int(here.interval),
            routes=here.routes,
            tracing=tracing_of(here.traces),
        )

    def model_store(self, _: str, __: str, /) -> ModelStore | None:
        """As the settings describe it; models share it, so that weights of several are there once."""
        here = self.settings.model_store
        if here is None:
            return None
        prefix, egress = here.prefix or "", egress_to(here.endpoint)
        samples = None if here.samples is None else "/".join(filter(None, (prefix, SAMPLES)))
        of = (here.bucket, here.region, here.endpoint, prefix, here.credentials, egress)
        return ModelStore(*of, samples=samples, samples_secret=here.samples)

    @property
    def encrypted_at_rest(self) -> None:
        """Nobody knows what the disks of a cluster of a kubeconfig are encrypted with."""
        return

    @property
    def runs_batches(self) -> bool:
        """Wherever it has a model store."""
        return True

    def charges(self, _: date, /) -> Charges | None:
        """Nothing is known of its price."""
        return None

    @property
    def volume_terms(self) -> None:
        """Whatever its traffic costs is its owner's to know."""
        return

    def refusals(self, _: date, /) -> Iterator[Refusal]:
        """No setting goes out of support."""
        return iter(())

    def warnings(self, _: date, /) -> tuple[str, ...]:
        """Nothing goes out of support."""
        return ()


def planning_of(settings: Settings) -> Planning:
    """What plans the environment with these settings."""
    return KubernetesPlanning(settings)


def _pool(pool: NodePool) -> Pool:
    return Pool(
        name=pool.name,
        min_nodes=pool.max_nodes,
        max_nodes=pool.max_nodes,
        cpu=pool.cpu,
        memory=pool.memory,
        gpu=Accelerators(pool.gpu.count, pool.gpu.memory, pool.gpu.model) if pool.gpu else None,
        selector=pool.selector,
        taints=pool.taints,
        cpu_features=frozenset(pool.cpu_features) | features_of_labels(pool.selector),
    )


def _gateway(here: written.Gateway) -> Gateway:
    annotations = _INTERNAL if here.internal else _FACING
    database = here.database.in_cluster
    return Gateway(
        domain=here.domain,
        certificate_secret=here.certificate.secret or names.GATEWAY_CERTIFICATE,
        issuer=here.certificate.issuer,
        service_type=here.service_type,
        port=here.port,
        node_port=here.port if here.service_type == "NodePort" else None,
        replicas=here.replicas,
        envoy_image=here.envoy_image,
        service_annotations=annotations if here.service_type == "LoadBalancer" else {},
        load_balancer_class=None,
        proxy_protocol=False,
        drain_s=_DRAIN_S,
        database=InClusterDatabase(database.image, database.storage, database.storage_class) if database else None,
        database_secret=names.KEYS_DATABASE if database else here.database.secret,
        egress=(_to_database(in_cluster=database is not None),),
        calls_per_day=here.extraction.calls_per_day if here.extraction is not None else None,
    )


def _to_database(*, in_cluster: bool) -> Mapping[str, object]:
    """A rule that lets the keys service reach PostgreSQL: the environment's own, or one that nobody here knows."""
    ports = [{"port": 5432, "protocol": "TCP"}]
    pods = [{"podSelector": {"matchLabels": names.component_labels(names.KEYS_DATABASE)}}]
    return {"to": pods, "ports": ports} if in_cluster else {"ports": ports}
