"""Plan an environment of kind `kubernetes`: a cluster that was there before, whose nodes cost nothing by the hour."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from slipway.environments.planning.pool import Accelerators, Pool
from slipway.environments.planning.protocol import Charges, Planning, Refusal
from slipway.settings.kubernetes import NodePool, Settings


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

    def charges(self, _: date, /) -> Charges | None:
        """Nothing is known of its price."""
        return None

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
    )
