"""Plan an environment of kind `aws`: a cluster of its own, in an account and a region."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from slipway.catalog.aws import EKS_VERSIONS
from slipway.catalog.aws_traffic import VOLUME_PRICES
from slipway.catalog.platform_pins import EKS
from slipway.environments.planning.aws.charges import charges, encrypted_data
from slipway.environments.planning.aws.endpoints import nat_gateways
from slipway.environments.planning.aws.gateway import TO_IDENTITY_AGENT, gateway
from slipway.environments.planning.aws.pools import pools
from slipway.environments.planning.custody import Custody
from slipway.environments.planning.gateway import Gateway
from slipway.environments.planning.model_store import OWN_DNS, SAMPLES, ModelStore
from slipway.environments.planning.monitoring import KEEPS_S, OPERATED, Monitoring, tracing_of
from slipway.environments.planning.pool import Pool
from slipway.environments.planning.protocol import Charges, Planning, Refusal, VolumeTerms
from slipway.settings.aws import AwsSettings
from slipway.values import names
from slipway.values.windows import DAY_S


@dataclass(frozen=True, slots=True)
class AwsPlanning:
    """What the plan needs to know of an environment on AWS; see `Planning`."""

    settings: AwsSettings

    @property
    def pools(self) -> tuple[Pool, ...]:
        """The pools, with what their instance types leave for models."""
        return pools(self.settings)

    @property
    def region(self) -> str:
        """The region that all of it is in."""
        return self.settings.region

    @property
    def custody(self) -> Custody:
        """All of it is in the account; EKS's network agent enforces NetworkPolicies, which its add-on is told to."""
        here = self.settings
        less = [f"{one.role} ({one.level} of {', '.join(one.namespaces) or 'all namespaces'})" for one in here.access]
        return Custody(
            home=f"AWS account {here.account}, region {here.region}",
            administrators=(*here.administrators, *less),
            log_days=here.logging.keep,
            log_field="logging.keep",
            backup_days=here.gateway.database.keep_days if here.gateway is not None else None,
            enforces_policies=True,
        )

    @property
    def shared_target(self) -> None:
        """The cluster is its own."""
        return

    def image_repository(self, environment: str, name: str, /) -> str:
        """Each environment makes repositories of its own in the registry of the account, and deletes them."""
        return f"{self.settings.registry}/{names.repository(name, environment)}"

    @property
    def pull_secret(self) -> None:
        """Nodes pull by their own role."""
        return

    @property
    def gateway(self) -> Gateway | None:
        """As the settings describe it, behind a load balancer of its own."""
        return gateway(self.settings)

    @property
    def monitoring(self) -> Monitoring:
        """The Prometheus and the KEDA that each environment's platform has."""
        here, metrics = self.settings.monitoring, self.settings.platform.metrics
        keeps_s = KEEPS_S if metrics is None else metrics.keep * DAY_S
        if here is None:
            return Monitoring(OPERATED, operator=True, keeps_s=keeps_s)
        tracing = tracing_of(here.traces)
        return Monitoring(OPERATED, operator=True, keeps_s=keeps_s, routes=here.routes, tracing=tracing)

    def model_store(self, environment: str, model: str, /) -> ModelStore:
        """The environment's bucket, below the model's name: its pods' role may read nothing else of it.

        AWS changes the addresses of S3 without notice: the environment's stack knows them, and no release names them.
        """
        bucket = names.bucket(environment, self.settings.account, self.settings.region)
        egress = (OWN_DNS, TO_IDENTITY_AGENT)
        of = (bucket, self.settings.region, None, model, None, egress, names.STORE_POLICY)
        return ModelStore(*of, samples=SAMPLES)

    @property
    def encrypted_at_rest(self) -> tuple[str, ...]:
        """As the keys are made."""
        return encrypted_data(self.settings)

    @property
    def runs_batches(self) -> bool:
        """Not yet: a role's credentials, which addresses of the store are signed with, end before a Job may."""
        return False

    def charges(self, on: date, /) -> Charges:
        """What AWS charges for by the hour."""
        return charges(self.settings, on)

    @property
    def volume_terms(self) -> VolumeTerms:
        """As its region charges; a control plane that writes nothing down is known to."""
        gateway, logging = self.settings.gateway, self.settings.logging
        return VolumeTerms(
            prices=VOLUME_PRICES.get(self.settings.region),
            zones=len(self.settings.zones),
            internet=gateway is not None and not gateway.internal,
            nat=self.settings.network is not None or nat_gateways(self.settings) > 0,
            control_plane_logs=logging.expected if logging.types else 0,
        )

    def refusals(self, today: date, /) -> Iterator[Refusal]:
        """A version of Kubernetes that AWS no longer runs, or that the platform's parts are not pinned for."""
        version = self.settings.kubernetes_version
        until = EKS_VERSIONS[version].extended_until
        good = [name for name in EKS if name in EKS_VERSIONS and today < EKS_VERSIONS[name].extended_until]
        if version in good:
            return
        if today >= until:
            problem, todo = f"is no longer supported: its support ended on {until}", "write a version that AWS supports"
        else:
            problem = "has no pinned add-ons and images"
            todo = "write another, or pin them in infra/slipway/catalog/platform_pins.py"
        allowed = ", ".join(good) or "none: this Slipway is too old for all of them"
        yield Refusal(("kubernetes_version",), version, problem, allowed, todo)

    def warnings(self, today: date, /) -> tuple[str, ...]:
        """That the version of Kubernetes costs more since it left its standard support, and what may lead nowhere."""
        return (*self._support(today), *self._without_a_way_out())

    def _support(self, today: date) -> Iterator[str]:
        version = self.settings.kubernetes_version
        support = EKS_VERSIONS[version]
        if today >= support.standard_until:
            yield (
                f"Kubernetes {version} left its standard support on {support.standard_until}: its control "
                f"plane costs six times as much, and AWS upgrades it by itself after {support.extended_until}"
            )

    def _without_a_way_out(self) -> Iterator[str]:
        """Who is behind a ClusterIssuer, only the cluster knows."""
        gateway = self.settings.gateway
        if self.settings.nat == "none" and gateway is not None and gateway.certificate.issuer is not None:
            yield (
                f"nat: none leaves cert-manager no way out: ClusterIssuer {gateway.certificate.issuer} gets no "
                "certificate by ACME from the internet; an authority inside the network works, and one of ACM (acm)"
            )


def planning_of(settings: AwsSettings) -> Planning:
    """What plans the environment with these settings."""
    return AwsPlanning(settings)
