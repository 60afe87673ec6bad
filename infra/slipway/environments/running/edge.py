"""Run an environment of kind `edge`: devices are in no cluster, so that most of this is refused in words.

What a fleet can do is in `slipway.edge`; commands ask `fleet_of` before they come here.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NoReturn

from slipway.environments.planning.aws.node_groups import NodeGroup
from slipway.environments.running.pool_change import NodeObjects, PoolChange
from slipway.environments.running.protocol import Metered, Program, Running
from slipway.errors.base import UnknownName, UserError, WrongValue
from slipway.loading.settings import SettingsFile, environments, read_settings
from slipway.settings.edge import EdgeSettings
from slipway.settings.edge_cluster import EdgeCluster
from slipway.settings.kubernetes import Settings
from slipway.values import names
from slipway.values.aliases import Json, Tell

if TYPE_CHECKING:
    from slipway.catalog.facts import CatalogueFile
    from slipway.cluster.api import Cluster
    from slipway.deploy.ports import Programs
    from slipway.doctor.finding import Finding
    from slipway.engine.engine import Engine


CONTROL_SIDE = "control-side"
"""What `down --delete-data` calls a control side in a cluster: who the devices are, and what each is to run."""


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
        problem = "is a fleet of devices, which are in no cluster or account"
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


class CarriedRunning(EdgeRunning):
    """The same where a cluster carries the control side, which has a stack, then."""

    data_names: ClassVar = (CONTROL_SIDE,)

    def __init__(self, file: SettingsFile, settings: EdgeSettings, cluster: EdgeCluster) -> None:
        """Take the settings file, its settings, and what they say of the cluster. Nothing is connected to yet."""
        super().__init__(file)
        self._settings = settings
        self._carrier = cluster

    def connect(self) -> "Cluster":
        """The cluster that carries the control side, in the control side's own namespace."""
        from slipway.cluster.api import Cluster  # noqa: PLC0415 - its SDK takes half a second, and `plan` does without

        return Cluster(self._context, names.fleet_namespace(self._file.environment))

    @property
    def _context(self) -> str:
        """Of the kubeconfig, as the other environment's settings name it."""
        wanted, folder = self._carrier.environment, Path(self._file.document.file).parent
        place, field = self._file.locate(("cluster", "environment"))
        known = environments(folder)
        if wanted not in known:
            raise UnknownName(place, field, wanted, known, "name an environment of kind kubernetes")
        other = read_settings(folder, wanted).settings
        if not isinstance(other, Settings):
            problem, todo = f"is of kind {other.kind}", "name an environment whose cluster a kubeconfig has"
            raise WrongValue(place, field, wanted, problem, "an environment of kind kubernetes", todo)
        return other.context

    def resume(self, engine: "Engine", stack: str, tell: Tell, *, doubted: bool) -> Json | None:
        """Kubernetes objects are adopted by their names: nothing is looked for, and only a doubted state is read."""
        from slipway.engine.resume import resume  # noqa: PLC0415 - the engine's SDK takes a second

        return resume(engine, stack, lambda *_: (), tell) if doubted else None

    def taken_over(self, _: Json | None) -> tuple[str, ...]:
        """Objects are applied over those that are there."""
        return ()

    def program(self, *_: object, adopted: bool = False, taken_over: Collection[str] = ()) -> Program:  # noqa: ARG002
        """The program of its stack."""
        from slipway.programs.edge import fleet_program  # noqa: PLC0415 - Pulumi's SDK takes a second

        return fleet_program(self._file.environment, self._settings, self._carrier, self._context)

    def check_cluster(self, cluster: "Cluster", *, namespace_there: bool) -> None:
        """It needs nothing that every cluster has not."""

    def destroy(
        self,
        engine: "Engine",
        cluster: "Cluster | None",
        state: Json | None,
        _: Collection[str],
        tell: Tell,
    ) -> str | None:
        """Destroy the control side with all that it knows. Gives why its namespace stays."""
        from slipway.environments.running.namespace import destroy_there  # noqa: PLC0415

        return destroy_there(engine, cluster or self.connect(), self._file.environment, state, tell)


def running_of(file: SettingsFile, settings: EdgeSettings) -> Running:
    """What runs the environment of a settings file."""
    return EdgeRunning(file) if settings.cluster is None else CarriedRunning(file, settings, settings.cluster)
