"""Say what running an environment asks of its kind. What only one kind can do is an answer here, never a question."""

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Protocol

from slipway.environments.planning.aws.node_groups import NodeGroup
from slipway.environments.running.pool_change import NodeObjects, PoolChange
from slipway.values.aliases import Json, Tell

if TYPE_CHECKING:
    from slipway.aws.images import StoredImage
    from slipway.cluster.api import Cluster
    from slipway.deploy.ports import Programs
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

    def check_account(self) -> None:
        """Refuse credentials that are not for it, and say when they will not do; raises `UserErrors`."""
        ...

    def connect(self) -> "Cluster":
        """Its cluster; raises `EnvironmentMissing` when its stack has not made it yet."""
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

    def program(
        self, kept: Sequence[NodeGroup] = (), staying: NodeObjects | None = None, *, adopted: bool = False
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
