"""Say what running an environment asks of its kind. What only one kind can do is an answer here, never a question."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from slipway.environments.planning.aws.node_groups import NodeGroup
from slipway.environments.running.pool_change import NodeObjects, PoolChange
from slipway.values.aliases import Json, Tell

if TYPE_CHECKING:
    from slipway.aws.images import StoredImage
    from slipway.catalog.facts import CatalogueFile
    from slipway.cluster.api import Cluster
    from slipway.deploy.ports import Programs
    from slipway.doctor.finding import Finding
    from slipway.engine.engine import Engine

Program = Callable[[], None]


class ImageStore(Protocol):
    """The repositories of one environment's models. Every method raises `SlipwayError` where the registry refuses."""

    @property
    def keep(self) -> int:
        """How many images of each model are kept for whoever wants to go back."""
        ...

    def stored(self, model: str) -> "list[StoredImage]":
        """All that is in a model's repository."""
        ...

    def delete(self, model: str, digests: Sequence[str]) -> list[str]:
        """Delete images; returns why some are kept, one text each."""
        ...


@dataclass(frozen=True, slots=True)
class Metered:
    """What an account counted of an environment that it charges by the gigabyte for, as bytes a month; None: unknown.

    Attributes:
        nat: through all NAT gateways, in both directions.
        control_plane_logs: written by the control plane.
        flow_logs: written by the network.
        unmeasured: why something is unknown, one sentence each.
    """

    nat: Fraction | None = None
    control_plane_logs: Fraction | None = None
    flow_logs: Fraction | None = None
    unmeasured: tuple[str, ...] = ()


class Running(Protocol):
    """What the commands need to know of an environment's kind, for one environment."""

    @property
    def makes_cluster(self) -> bool:
        """Whether its stack makes its cluster: nobody else is in it, it costs money, and it may not be there yet."""
        ...

    @property
    def home(self) -> str:
        """Where something of it could be left when it is down, for people: `the cluster`."""
        ...

    @property
    def keeps_images(self) -> bool:
        """Whether images of a model outlive its stack."""
        ...

    @property
    def image_store(self) -> "ImageStore | None":
        """Where images of its models are, and nothing else; None where others may use the same repositories."""
        ...

    @property
    def data_names(self) -> tuple[str, ...]:
        """What of it holds data, by the names that `--delete-data` takes."""
        ...

    def check_account(self, *, making: bool = False) -> None:
        """Refuse credentials that are not for it, and say when they will not do; raises `UserErrors`.

        `making`: whether its cluster may be made with them, so that none is made which then lets nobody in.
        """
        ...

    def diagnose(self) -> "Iterator[Finding]":
        """What an `up` needs of the account, each as it is found; raises `UserError` where there is no account."""
        ...

    def ask_catalogue(self, families: Sequence[str]) -> "CatalogueFile":
        """What the account is offered in its region, `families` more than the catalogue has; errors as `diagnose`."""
        ...

    def connect(self) -> "Cluster":
        """Its cluster; raises `EnvironmentMissing` when its stack has not made it yet."""
        ...

    def keep_tunnel(self, tell: Callable[[str], None]) -> None:
        """Keep a tunnel to its cluster open until interrupted; raises `UserErrors` where there is no way for one."""
        ...

    def resume(self, engine: "Engine", stack: str, tell: Tell, *, doubted: bool) -> Json | None:
        """Settle what a killed run left open in a stack, where it has to be looked for or the state is `doubted`.

        Returns the stack's state; None when there is none, or nobody looked.
        """
        ...

    def pool_change(self, engine: "Engine") -> PoolChange:
        """What its settings change about the nodes that its stack made; nothing where it makes no nodes."""
        ...

    def check_in_place(self, change: PoolChange) -> None:
        """Refuse, with `UserErrors`, to replace node groups at once: their nodes would go with all that is on them."""
        ...

    def rotatable(self) -> tuple[str, ...]:
        """The pools whose nodes `rotate` replaces, sorted; raises `UserError` where others made its nodes."""
        ...

    def nodes_of(self, group: NodeGroup) -> str:
        """The label selector of a group's nodes."""
        ...

    def taken_over(self, state: Json | None) -> tuple[str, ...]:
        """Names of what others made in the place of its stack, which has `state`, and takes it over as it is first."""
        ...

    def program(
        self,
        kept: Sequence[NodeGroup] = (),
        staying: NodeObjects | None = None,
        *,
        adopted: bool = False,
        taken_over: Collection[str] = (),
    ) -> Program:
        """The program of its stack; `kept`, `staying`: node groups and pools that stay beside those of the settings."""
        ...

    def model_programs(self) -> "Programs":
        """The programs of its models' stacks."""
        ...

    def check_cluster(self, cluster: "Cluster", *, namespace_there: bool) -> None:
        """Refuse, with `UserErrors`, a cluster that lacks what its stack does not make and its gateway needs."""
        ...

    def urls(self, cluster: "Cluster") -> dict[str, str]:
        """Where models are reached from outside of the cluster, by model; those that are not are left out."""
        ...

    @property
    def own_authority(self) -> bool:
        """Whether its gateway has a certificate of an authority that it made itself, so that clients must be told."""
        ...

    def data(self, state: Json | None) -> dict[str, str]:
        """What holds data in a state of its stack: what it is called in the cloud, by its name of `data_names`."""
        ...

    def metered(self) -> Metered:
        """What its account counted of it, for prices by the gigabyte."""
        ...

    def check_down(self, state: Json | None) -> None:
        """Refuse, with `UserErrors`, to destroy what its settings protect, or its stack, which has `state`."""
        ...

    def destroy(
        self,
        engine: "Engine",
        cluster: "Cluster | None",
        state: Json | None,
        delete_data: Collection[str],
        tell: Tell,
    ) -> str | None:
        """Destroy its stack, which had `state`, after its models, and prove that nothing is left.

        Returns why something stays that was to stay, else None; raises `LeftBehind` when something is left.
        """
        ...
