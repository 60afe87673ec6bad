"""Run an environment of kind `kubernetes`: a cluster of a kubeconfig, which others may use too."""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from slipway.environments.planning.aws.node_groups import NodeGroup
from slipway.environments.running.pool_change import PoolChange
from slipway.environments.running.protocol import Metered, Program, Running
from slipway.errors.base import UserError, UserErrors, WrongValue
from slipway.loading.settings import SettingsFile
from slipway.settings.kubernetes import Settings
from slipway.values.aliases import Json, Tell

if TYPE_CHECKING:
    from slipway.catalog.facts import CatalogueFile
    from slipway.cluster.api import Cluster
    from slipway.deploy.ports import Programs
    from slipway.doctor.finding import Finding
    from slipway.engine.engine import Engine


class KubernetesRunning:
    """What the commands need to know of a cluster of a kubeconfig; see `Running`."""

    makes_cluster: ClassVar = False
    home: ClassVar = "the cluster"
    keeps_images: ClassVar = True
    image_store: ClassVar = None
    data_names: ClassVar[tuple[str, ...]] = ()

    def __init__(self, file: SettingsFile, settings: Settings) -> None:
        """Take the settings file, and its settings by their type. Nothing is connected to yet."""
        self._file = file
        self._settings = settings

    def check_account(self, *, making: bool = False) -> None:
        """The API server itself refuses credentials that are not for it."""

    def diagnose(self) -> "Iterator[Finding]":
        """Refused: nothing of it is in an account."""
        raise self._without_account()

    def ask_catalogue(self, families: Sequence[str]) -> "CatalogueFile":  # noqa: ARG002
        """Refused: its nodes are others', and have no price."""
        raise self._without_account()

    def _without_account(self) -> UserError:
        place, field = self._file.locate(("kind",))
        todo = f"slipway status {self._file.environment} asks the cluster"
        return UserError(place, field, "has no account of AWS that could be asked", "kind: aws", todo)

    def connect(self) -> "Cluster":
        """The cluster of the context; it was there before."""
        from slipway.cluster.api import Cluster  # noqa: PLC0415 - its SDK takes half a second, and `plan` does without

        return Cluster(self._settings.context, self._settings.namespace)

    def keep_tunnel(self, _: Callable[[str], None]) -> None:
        """Refused: its kubeconfig says how it is reached."""
        place, field = self._file.locate(("kind",))
        problem = "has no bastion that Slipway made"
        todo = f"reach it as kubectl does, by context {self._settings.context} of your kubeconfig"
        raise UserErrors([WrongValue(place, field, self._settings.kind, problem, "an environment of kind aws", todo)])

    def resume(self, engine: "Engine", stack: str, tell: Tell, *, doubted: bool) -> Json | None:
        """Kubernetes objects are adopted by their names: nothing is looked for, and only a doubted state is read."""
        from slipway.engine.resume import resume  # noqa: PLC0415 - the engine's SDK takes a second

        return resume(engine, stack, lambda *_: (), tell) if doubted else None

    def pool_change(self, _: "Engine") -> PoolChange:
        """Its nodes are others'."""
        return PoolChange()

    def check_in_place(self, change: PoolChange) -> None:
        """It replaces no nodes."""

    def rotatable(self) -> tuple[str, ...]:
        """Refused: its nodes are others'."""
        place, field = self._file.locate(("kind",))
        todo = "change the nodes with the tool that created them"
        raise UserError(place, field, "has nodes that Slipway does not manage", "kind: aws", todo)

    def nodes_of(self, group: NodeGroup) -> str:
        """There is no group whose nodes could be asked for."""
        raise ValueError(f"node group {group.name} is in no environment of kind kubernetes")

    def taken_over(self, _: Json | None) -> tuple[str, ...]:
        """Objects are applied over those that are there."""
        return ()

    def program(self, *_: object, adopted: bool = False, taken_over: Collection[str] = ()) -> Program:  # noqa: ARG002
        """The program of its stack; `adopted`: its namespace is others'."""
        from slipway.programs.kubernetes import environment_program  # noqa: PLC0415 - Pulumi's SDK takes a second

        return environment_program(self._file.environment, self._settings, adopted=adopted)

    def model_programs(self) -> "Programs":
        """Models have nothing but their image and objects."""
        from slipway.programs.model import programs  # noqa: PLC0415
        from slipway.signing.seal import seal_of  # noqa: PLC0415

        return programs(self._file.environment, self._settings, seal=seal_of(self._file, os.environ))

    def check_cluster(self, cluster: "Cluster", *, namespace_there: bool) -> None:
        """Whoever runs the cluster has to bring Envoy Gateway into it, and what the settings name."""
        if self._settings.gateway is not None:
            from slipway.environments.running.gateway_needs import check_gateway  # noqa: PLC0415 - as `connect`

            check_gateway(self._file, self._settings, cluster, namespace_there=namespace_there)

    def urls(self, cluster: "Cluster") -> dict[str, str]:
        """Their routes, where there is a gateway; else the port of a node, where Services have one."""
        from slipway.environments.running.urls import node_ports, routes  # noqa: PLC0415 - as `connect`

        if self._settings.gateway is not None:
            return routes(cluster, self._settings.gateway.domain, self._settings.gateway.port)
        return node_ports(cluster, self._settings.node_address)

    @property
    def own_authority(self) -> bool:
        """Where the settings ask for a self-signed certificate."""
        gateway = self._settings.gateway
        return gateway is not None and gateway.certificate.secret is None and gateway.certificate.issuer is None

    def data(self, _: Json | None) -> dict[str, str]:
        """It holds no data of its own."""
        return {}

    def metered(self) -> Metered:
        """No account is known that would be charged."""
        return Metered()

    def check_down(self, _: Json | None) -> None:
        """Nothing of it is protected: the cluster is others', and stays."""

    def destroy(
        self,
        engine: "Engine",
        cluster: "Cluster | None",
        state: Json | None,
        _: Collection[str],
        tell: Tell,
    ) -> str | None:
        """Destroy its stack, then its namespace. Gives why that stays."""
        from slipway.environments.running.namespace import destroy_there  # noqa: PLC0415

        return destroy_there(engine, cluster or self.connect(), self._file.environment, state, tell)


def running_of(file: SettingsFile, settings: Settings) -> Running:
    """What runs the environment of a settings file."""
    return KubernetesRunning(file, settings)
