"""Run an environment of kind `edge`: it has neither cluster nor stack, so that all of this is refused in words.

What a fleet can do is in `slipway.edge`; commands ask `fleet_of` before they come here.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, NoReturn

from slipway.environments.planning.aws.node_groups import NodeGroup
from slipway.environments.running.pool_change import NodeObjects, PoolChange
from slipway.environments.running.protocol import Metered, Program, Running
from slipway.errors.base import UserError
from slipway.loading.settings import SettingsFile
from slipway.settings.edge import EdgeSettings
from slipway.values.aliases import Json, Tell

if TYPE_CHECKING:
    from slipway.catalog.facts import CatalogueFile
    from slipway.cluster.api import Cluster
    from slipway.deploy.ports import Programs
    from slipway.doctor.finding import Finding
    from slipway.engine.engine import Engine


class EdgeRunning:
    """What commands about clusters find of a fleet; see `Running`."""

    makes_cluster: ClassVar = False
    home: ClassVar = "the fleet"
    keeps_images: ClassVar = True
    image_store: ClassVar = None
    data_names: ClassVar[tuple[str, ...]] = ()
    own_authority: ClassVar = False

    def __init__(self, file: SettingsFile) -> None:
        """Take the settings file. Nothing is connected to."""
        self._file = file

    def _refuse(self) -> NoReturn:
        place, field = self._file.locate(("kind",))
        todo = f"slipway plan, up, status, devices and down are for fleets: slipway status {self._file.environment}"
        problem = "is a fleet of devices, which has no cluster, account or stack"
        raise UserError(place, field, problem, "kind: kubernetes or kind: aws for this command", todo)

    def check_account(self, *, making: bool = False) -> None:  # noqa: ARG002
        """Refused."""
        self._refuse()

    def diagnose(self) -> "Iterator[Finding]":
        """Refused."""
        self._refuse()

    def ask_catalogue(self, families: Sequence[str]) -> "CatalogueFile":  # noqa: ARG002
        """Refused."""
        self._refuse()

    def connect(self) -> "Cluster":
        """Refused."""
        self._refuse()

    def keep_tunnel(self, _: Callable[[str], None]) -> None:
        """Refused."""
        self._refuse()

    def resume(self, engine: "Engine", stack: str, tell: Tell, *, doubted: bool) -> Json | None:  # noqa: ARG002
        """Refused."""
        self._refuse()

    def pool_change(self, _: "Engine") -> PoolChange:
        """Refused."""
        self._refuse()

    def check_in_place(self, change: PoolChange) -> None:  # noqa: ARG002
        """Refused."""
        self._refuse()

    def rotatable(self) -> tuple[str, ...]:
        """Refused."""
        self._refuse()

    def nodes_of(self, group: NodeGroup) -> str:  # noqa: ARG002
        """Refused."""
        self._refuse()

    def taken_over(self, _: Json | None) -> tuple[str, ...]:
        """Refused."""
        self._refuse()

    def program(
        self,
        kept: Sequence[NodeGroup] = (),  # noqa: ARG002
        staying: NodeObjects | None = None,  # noqa: ARG002
        *,
        adopted: bool = False,  # noqa: ARG002
        taken_over: Collection[str] = (),  # noqa: ARG002
    ) -> Program:
        """Refused."""
        self._refuse()

    def model_programs(self) -> "Programs":
        """Refused."""
        self._refuse()

    def check_cluster(self, cluster: "Cluster", *, namespace_there: bool) -> None:  # noqa: ARG002
        """Refused."""
        self._refuse()

    def urls(self, cluster: "Cluster") -> dict[str, str]:  # noqa: ARG002
        """Refused."""
        self._refuse()

    def data(self, _: Json | None) -> dict[str, str]:
        """Refused."""
        self._refuse()

    def metered(self) -> Metered:
        """Nobody counts what devices send."""
        return Metered()

    def check_down(self, _: Json | None) -> None:
        """Refused."""
        self._refuse()

    def destroy(
        self,
        engine: "Engine",  # noqa: ARG002
        cluster: "Cluster | None",  # noqa: ARG002
        state: Json | None,  # noqa: ARG002
        delete_data: Collection[str],  # noqa: ARG002
        tell: Tell,  # noqa: ARG002
    ) -> str | None:
        """Refused."""
        self._refuse()


def running_of(file: SettingsFile, settings: EdgeSettings) -> Running:  # noqa: ARG001
    """What runs the environment of a settings file."""
    return EdgeRunning(file)
