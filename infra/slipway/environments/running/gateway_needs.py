"""Hold the cluster of an environment with a gateway against what its settings need there."""

from slipway.cluster.api import Cluster
from slipway.cluster.gateway_needs import GatewayNeeds, NamedSecret, refuse_missing
from slipway.cluster.gateway_secrets import Wanted
from slipway.cluster.ownership import refuse_foreign_policies
from slipway.environments.planning.kinds import planning
from slipway.loading.settings import SettingsFile
from slipway.settings.gateway import Gateway
from slipway.settings.kubernetes import Settings


def check_gateway(file: SettingsFile, settings: Settings, cluster: Cluster, *, namespace_there: bool) -> None:
    """Refuse, with `UserErrors`, what is missing there, and secrets of others with the names of the environment's."""
    planned = planning(settings).gateway
    if settings.gateway is None or planned is None:
        return
    refuse_missing(cluster, gateway_needs(file, settings.gateway), namespace_there=namespace_there)
    if namespace_there:
        own = [{"kind": kind, "metadata": {"name": name}} for kind, name in Wanted.of(planned).objects]
        refuse_foreign_policies(cluster, own, file.environment)


def gateway_needs(file: SettingsFile, gateway: Gateway) -> GatewayNeeds:
    """What has to be in the cluster before the environment's stack is run."""
    secrets, issuer = [], None
    if gateway.certificate.secret is not None:
        at = file.locate(("gateway", "certificate", "secret"))
        about = f"a Secret of type kubernetes.io/tls with a certificate for {gateway.domain} and all models' hosts"
        secrets.append(NamedSecret(gateway.certificate.secret, at, about))
    if gateway.certificate.issuer is not None:
        issuer = (gateway.certificate.issuer, file.locate(("gateway", "certificate", "issuer")))
    if gateway.database.secret is not None:
        at = file.locate(("gateway", "database", "secret"))
        about = "a Secret whose key `url` is the address of a PostgreSQL: postgresql://USER:PASSWORD@HOST/DATABASE"
        secrets.append(NamedSecret(gateway.database.secret, at, about))
    storage = storage_class = None
    database = gateway.database.in_cluster
    if database is not None:
        storage = (database.storage, file.locate(("gateway", "database", "in_cluster", "storage")))
        if database.storage_class is not None:
            at = file.locate(("gateway", "database", "in_cluster", "storage_class"))
            storage_class = (database.storage_class, at)
    return GatewayNeeds(file.locate(("gateway",)), tuple(secrets), issuer, storage_class, storage)
