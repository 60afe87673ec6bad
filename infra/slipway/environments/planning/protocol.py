"""Say what planning asks of a kind of environment. Everything here follows from its settings: no cluster, no cloud."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from slipway.catalog.aws_traffic import VolumePrices
from slipway.environments.planning.custody import Custody
from slipway.environments.planning.gateway import Gateway
from slipway.environments.planning.model_store import ModelStore
from slipway.environments.planning.monitoring import Monitoring
from slipway.environments.planning.pool import Pool


@dataclass(frozen=True, slots=True)
class Refusal:
    """A setting that is right by itself and cannot be used: `path` leads to it from the settings' own top."""

    path: tuple[str | int, ...]
    value: object
    problem: str
    allowed: str
    todo: str


@dataclass(frozen=True, slots=True)
class Charge:
    """Something that an environment pays for by the hour, whatever runs on it: `hourly_usd` is the price of one."""

    name: str
    count: int
    hourly_usd: Decimal


@dataclass(frozen=True, slots=True)
class Charges:
    """What an environment pays for besides the nodes of its pools.

    Attributes:
        platform_nodes: the nodes that the platform itself runs on.
        platform_disk_gib: GiB of all their disks together.
        disk_gib: GiB of the disk of one node, by pool.
        disk_hourly_usd: price of one GiB of a node's disk; 0 where `unpriced` names disks.
        fixed: what does not depend on models.
        budget_usd: dollars a month that the settings allow.
        unpriced: what is charged for besides, at a price that nobody knows.
    """

    platform_nodes: Charge
    platform_disk_gib: int
    disk_gib: Mapping[str, int]
    disk_hourly_usd: Decimal
    fixed: tuple[Charge, ...]
    budget_usd: int
    unpriced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VolumeTerms:
    """On what terms an environment pays by the gigabyte.

    Attributes:
        prices: of its region; None where nobody has looked them up.
        zones: that it is spread over.
        internet: whether answers leave for the internet.
        nat: whether nodes have a way out by NAT gateways.
        control_plane_logs: bytes a month that its control plane writes, as its settings expect; None where they do not.
    """

    prices: VolumePrices | None
    zones: int
    internet: bool
    nat: bool
    control_plane_logs: int | None


class Planning(Protocol):
    """What the plan of an environment needs to know of its kind, for the settings of one environment."""

    @property
    def pools(self) -> tuple[Pool, ...]:
        """Its node pools, in the order of its settings."""
        ...

    @property
    def region(self) -> str | None:
        """Where its models and their weights are; None where there are no regions."""
        ...

    @property
    def custody(self) -> Custody:
        """Who holds it and what is kept there, and for how long."""
        ...

    @property
    def shared_target(self) -> tuple[str, str] | None:
        """The cluster and namespace that its models come into, where another environment could name the same."""
        ...

    def image_repository(self, environment: str, name: str, /) -> str:
        """The repository of the images of `name`, a model or a runtime, with the registry and without tag."""
        ...

    @property
    def pull_secret(self) -> str | None:
        """The Secret that pods pull images with; None where nodes may pull anyway."""
        ...

    @property
    def gateway(self) -> Gateway | None:
        """The way in for clients outside the cluster; None where there is none."""
        ...

    @property
    def monitoring(self) -> Monitoring | None:
        """What autoscaling asks; None where models scale on CPU alone."""
        ...

    def model_store(self, environment: str, model: str, /) -> ModelStore | None:
        """Where a model's weights are kept that are not in its image; None where everything is in images."""
        ...

    @property
    def encrypted_at_rest(self) -> tuple[str, ...] | None:
        """The kinds of data that it keeps encrypted, each by a key of its own; None where nobody here knows."""
        ...

    @property
    def runs_batches(self) -> bool:
        """Whether models are run over files there, as Jobs whose rows and results travel through the model store."""
        ...

    def charges(self, on: date, /) -> Charges | None:
        """What is charged on a day besides nodes of pools; None where nothing is charged by the hour."""
        ...

    @property
    def volume_terms(self) -> VolumeTerms | None:
        """On what terms it pays for traffic and logs; None where nobody is charged for them."""
        ...

    def refusals(self, today: date, /) -> Iterator[Refusal]:
        """What settings name that is out of support on a day."""
        ...

    def warnings(self, today: date, /) -> tuple[str, ...]:
        """What is worth saying on a day about settings that are right."""
        ...
