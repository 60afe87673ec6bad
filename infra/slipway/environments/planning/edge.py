"""Plan an environment of kind `edge`: every class of its devices is to the plan what a node pool is to a cluster's."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from slipway.catalog.hardware import Hardware
from slipway.environments.planning.custody import Custody
from slipway.environments.planning.gateway import Gateway
from slipway.environments.planning.model_store import ModelStore
from slipway.environments.planning.monitoring import Monitoring
from slipway.environments.planning.pool import Pool
from slipway.environments.planning.protocol import Charges, Planning, Refusal
from slipway.settings.edge import EdgeSettings

RESERVED = 2**30
"""Bytes of a device that are left to its system, the Docker Engine and the agent: assumed, not measured."""
_REPLICAS = 5000
"""A device runs one replica whatever `scale` says: pools have room for any, and devices are held one by one."""


@dataclass(frozen=True, slots=True)
class EdgePlanning:
    """What the plan needs to know of a fleet; see `Planning`."""

    settings: EdgeSettings

    @property
    def pools(self) -> tuple[Pool, ...]:
        """One for each class that a device is of, in the order of names."""
        there = {device.hardware for device in self.settings.devices}
        return tuple(pool_of(name, self.settings.classes[name]) for name in sorted(there))

    @property
    def custody(self) -> Custody:
        """Devices stand at sites of others, who may touch them."""
        return Custody(home="devices at the sites of its settings")

    @property
    def encrypted_at_rest(self) -> None:
        """Nobody here knows what the disks of devices are encrypted with."""
        return

    @property
    def region(self) -> None:
        """Devices stand at sites, which no provider knows."""
        return

    @property
    def shared_target(self) -> None:
        """A device is enrolled in one fleet."""
        return

    def image_repository(self, _: str, name: str, /) -> str:
        """Fleets with one registry share the images in it, as clusters do."""
        return f"{self.settings.registry}/slipway/{name}"

    @property
    def pull_secret(self) -> None:
        """A device's Docker Engine has credentials of its own, or needs none."""
        return

    @property
    def gateway(self) -> Gateway | None:
        """A model is reached on its device."""
        return None

    @property
    def monitoring(self) -> Monitoring | None:
        """Nothing scales on a device."""
        return None

    def model_store(self, _: str, __: str, /) -> ModelStore | None:
        """The control side: devices reach it anyway, with a key that no other device has. One in a cluster has none."""
        if self.settings.cluster is not None:
            return None
        where = f"the control side at {self.settings.control}"
        return ModelStore(where, region="", endpoint=None, prefix="", secret=None, egress=(), by_agent=True)

    @property
    def runs_batches(self) -> bool:
        """No."""
        return False

    def charges(self, _: date, /) -> Charges | None:
        """Devices are bought, not charged by the hour."""
        return None

    @property
    def volume_terms(self) -> None:
        """What links cost is not known."""
        return

    def refusals(self, _: date, /) -> Iterator[Refusal]:
        """No setting goes out of support."""
        return iter(())

    def warnings(self, _: date, /) -> tuple[str, ...]:
        """Nothing goes out of support."""
        return ()


def pool_of(name: str, hardware: Hardware) -> Pool:
    """A class of devices as the plan sees it: what of each is left for models."""
    return Pool(
        name=name,
        min_nodes=_REPLICAS,
        max_nodes=_REPLICAS,
        cpu=hardware.cores * 1000,
        memory=max(0, hardware.memory - RESERVED),
        gpu=None,
        selector={},
        taints=(),
        architecture=hardware.architecture,
    )


def planning_of(settings: EdgeSettings) -> Planning:
    """What plans the environment with these settings."""
    return EdgePlanning(settings)
