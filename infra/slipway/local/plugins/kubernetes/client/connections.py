"""Keep what each engine configured: the settings, and the cluster that they lead to."""

from dataclasses import dataclass

from slipway.local.plugins.kubernetes.client.clusters import Cluster, Clusters
from slipway.local.plugins.kubernetes.client.settings import Settings
from slipway.local.plugins.protocol import connections
from slipway.local.plugins.protocol.connections import EnvironmentOf
from slipway.local.plugins.protocol.errors import NotConfiguredError


@dataclass(slots=True)
class Connection(connections.Connection):
    """One engine's use of the provider with one configuration."""

    settings: Settings | None = None
    cluster: Cluster | None = None

    def configured(self) -> tuple[Settings, Cluster]:
        """The configuration. Raises NotConfiguredError."""
        if self.settings is None or self.cluster is None:
            raise NotConfiguredError
        return self.settings, self.cluster


class Connections(connections.Connections[Connection]):
    """All connections, and the clusters that they share."""

    def __init__(self, environment_of: EnvironmentOf) -> None:
        super().__init__(Connection, environment_of)
        self.clusters = Clusters()

    async def close(self) -> None:
        """Close everything."""
        await super().close()
        await self.clusters.close()
