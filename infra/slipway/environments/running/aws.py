"""Run an environment of kind `aws`: everything from the account's budget to the cluster is its own stack's."""

import json
import os
import shutil
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, ClassVar

from slipway import console
from slipway.aws.account import Account
from slipway.aws.identifiers import identifiers
from slipway.aws.offers import PRICE_LIST_REGION, facts
from slipway.aws.tunnel.noted import file_of, go_through, refuse_proxies
from slipway.catalog.facts import CatalogueFile
from slipway.doctor.diagnose import diagnose
from slipway.doctor.finding import Finding
from slipway.doctor.patient import Patient
from slipway.environments.planning.aws.node_groups import NodeGroup, node_groups, stored
from slipway.environments.planning.gateway import HTTPS_PORT
from slipway.environments.running.aws_destroy import Stage, destroy
from slipway.environments.running.aws_down import made_again
from slipway.environments.running.aws_metered import metered
from slipway.environments.running.aws_state import LEDGER, MODEL_STORE, data_of, has_protected_cluster, resources
from slipway.environments.running.ecr_images import EcrImages
from slipway.environments.running.pool_change import NodeObjects, PoolChange
from slipway.environments.running.protocol import Metered, Program, Running
from slipway.errors.base import UserErrors, WrongValue
from slipway.errors.failures import AwsCliMissing, EnvironmentMissing
from slipway.errors.tunnel import SessionPluginMissing
from slipway.history.backend import backend_url
from slipway.loading.settings import SettingsFile
from slipway.settings.aws import AwsSettings
from slipway.values.aliases import Json, Tell
from slipway.values.names import cluster, control_plane_logs, stack

if TYPE_CHECKING:
    from slipway.cluster.api import Cluster
    from slipway.deploy.ports import Programs
    from slipway.engine.engine import Engine


class AwsRunning:
    """What the commands need to know of an environment on AWS; see `Running`."""

    makes_cluster: ClassVar = True
    home: ClassVar = "the account"
    keeps_images: ClassVar = False
    data_names: ClassVar = (MODEL_STORE, LEDGER)

    def __init__(self, file: SettingsFile, settings: AwsSettings) -> None:
        """Take the settings file, and its settings by their type. No credentials are used yet."""
        self._file = file
        self._settings = settings
        self._told: list[str] = []

    @cached_property
    def account(self) -> Account:
        """The account that it is in; raises `AwsMissing` when the extra `aws` is not installed."""
        return Account(self._settings.account, self._settings.region)

    @property
    def image_store(self) -> EcrImages:
        """Each model has a repository that its own stack made."""
        return EcrImages(self.account, self._file.environment, self._settings.images.keep)

    def check_account(self, *, making: bool = False) -> None:
        """Refuse credentials of another account, and those that a cluster which is only to be made would not let in.

        A cluster that is there may know them in a way of its own, so that there it is said only.
        """
        settings, caller = self._settings, self.account.caller()
        if caller.account != settings.account:
            place, field = self._file.locate(("account",))
            problem = f"is not the account of the caller, {caller.arn}"
            todo = "use credentials of the environment's account (`aws sts get-caller-identity` shows whose they are)"
            raise UserErrors([WrongValue(place, field, settings.account, problem, caller.account, todo)])
        if not any(caller.is_role(role) for role in settings.administrators):
            if making and not self.account.has_cluster(cluster(self._file.environment)):
                place, field = self._file.locate(("administrators",))
                problem = f"lets {caller.arn} into no cluster, and this one is still to be made"
                allowed = "a list with the role that runs `slipway up`, whose session the caller is"
                known = ", ".join(settings.administrators)
                todo = f"add that role, as docs/how-to/aws.md makes it, or take on one of {known}"
                raise UserErrors([WrongValue(place, field, None, problem, allowed, todo)])
            console.message(
                f"warning: {caller.arn} is not a session of a role in `administrators`: "
                "the cluster will refuse its requests, unless it has access in another way"
            )

    def diagnose(self) -> Iterator[Finding]:
        """Quotas, zones, offers, versions, roles, costs, state, addresses, and the gateway's certificate and zone."""
        backend = backend_url(os.environ)
        today = datetime.now(tz=UTC).date()
        return diagnose(
            Patient(self._file.environment, self._settings, self.account, backend, self._file.secrets, today)
        )

    def ask_catalogue(self, families: Sequence[str]) -> CatalogueFile:
        """Zones, types, list and spot prices, and ends of support; the Price List has a region of its own."""
        prices = Account(self._settings.account, PRICE_LIST_REGION)
        return facts(self.account, prices, self._settings.region, families, datetime.now(tz=UTC))

    def connect(self) -> "Cluster":
        """The cluster that its stack made.

        A `down` that was cut short leaves the stack's outputs behind: where no Kubernetes object is left in the state,
        the cluster, or the way into it, may be gone already.
        """
        from slipway.cluster.api import Cluster  # noqa: PLC0415 - its SDK takes half a second, and `plan` does without
        from slipway.engine.engine import Engine  # noqa: PLC0415 - the engine's SDK takes a second
        from slipway.engine.resume import outputs  # noqa: PLC0415
        from slipway.engine.workspace import workspace  # noqa: PLC0415

        self._go_through_tunnel()
        with workspace() as folder:
            state = Engine(folder, self._file.secrets, threading.Event()).state(stack(self._file.environment))
        link = outputs(state).get("connection") if state else None
        if link is None or not any(resource["type"].startswith("kubernetes:") for resource in resources(state)):
            raise EnvironmentMissing(self._file.environment)
        if shutil.which("aws") is None:
            raise AwsCliMissing
        return Cluster(link["context"], link["namespace"], json.loads(link["kubeconfig"]))

    def keep_tunnel(self, tell: Callable[[str], None]) -> None:
        """Through its bastion, by the AWS CLI and its plugin."""
        if not self._settings.api.bastion:
            place, field = self._file.locate(("api", "bastion"))
            todo = f"write `api: {{bastion: true}}` and run `slipway up {self._file.environment}`, which makes one"
            raise UserErrors([WrongValue(place, field, False, "is what a tunnel leads through", "true", todo)])
        from slipway.aws.tunnel.keep import keep_open  # noqa: PLC0415 - few commands need it

        refuse_proxies(os.environ)
        if shutil.which("aws") is None:
            raise AwsCliMissing
        if shutil.which("session-manager-plugin") is None:
            raise SessionPluginMissing
        self.check_account()
        keep_open(self.account, self._file.environment, self._settings.region, tell)

    def _go_through_tunnel(self) -> None:
        """Let this process, and the engine that it starts, reach the cluster by `slipway tunnel`, where that runs."""
        file = file_of(self._settings.account, cluster(self._file.environment))
        if (way := go_through(file, os.environ)) and way not in self._told:
            self._told.append(way)
            console.message(f"reaching the cluster through the tunnel at {way}")

    def resume(self, engine: "Engine", stack: str, tell: Tell, *, doubted: bool) -> Json | None:  # noqa: ARG002
        """A killed run leaves AWS objects that the state does not know, so that it is looked for them each time."""
        from slipway.engine.resume import resume  # noqa: PLC0415 - the engine's SDK takes a second

        return resume(engine, stack, partial(identifiers, self.account), tell)

    def pool_change(self, engine: "Engine") -> PoolChange:
        """Its node groups and pools, as its stack's outputs have them, against those of its settings."""
        from slipway.engine.resume import outputs  # noqa: PLC0415

        state = engine.state(stack(self._file.environment))
        found = outputs(state) if state else {}
        pools = [pool.name for pool in self._settings.node_pools]
        there = stored(found.get("pools", []))
        return PoolChange.of(node_groups(self._settings), there, pools, found.get("node_objects", {}))

    def check_in_place(self, change: PoolChange) -> None:
        """Refuse what `slipway rotate` does in order."""
        findings = []
        # The platform's own nodes are in no list: what the settings say of them are their type and the zones.
        own = ("platform",) if "platform" in self._settings.model_fields_set else ("zones",)
        for pool in sorted({group.pool for group in change.replaced}):
            place, field = self._file.locate(own)
            problem = "is a pool with a change that cannot be made in place: it needs new nodes"
            allowed = "the zones and the instance type that it has"
            command = f"slipway rotate {self._file.environment} {pool}"
            todo = f"run {command}, which drains the old nodes before it removes them"
            findings.append(WrongValue(place, field, pool, problem, allowed, todo))
        if findings:
            raise UserErrors(findings)

    def rotatable(self) -> tuple[str, ...]:
        """That of the platform: the others' nodes Karpenter replaces by itself when what they are made of changes."""
        return tuple(sorted({group.pool for group in node_groups(self._settings)}))

    def nodes_of(self, group: NodeGroup) -> str:
        """By the label that EKS gives them."""
        return f"eks.amazonaws.com/nodegroup={group.name}"

    def taken_over(self, state: Json | None) -> tuple[str, ...]:
        """The group of the control plane's logs, where EKS made it: after a `down`, or for a cluster of that name."""
        group = control_plane_logs(self._file.environment)
        if any(resource.get("id") == group for resource in resources(state)):
            return ()
        found = made_again(self.account, self._file.environment)
        return (found,) if found else ()

    def program(
        self,
        kept: Sequence[NodeGroup] = (),
        staying: NodeObjects | None = None,
        *,
        adopted: bool = False,  # noqa: ARG002
        taken_over: Collection[str] = (),
    ) -> Program:
        """The program of its stack; its namespace is never others'."""
        from slipway.programs.aws import environment_program  # noqa: PLC0415 - Pulumi's SDKs take seconds

        self._go_through_tunnel()
        wanted = node_groups(self._settings)
        names = {group.name for group in wanted}
        beside = (group for group in kept if group.name not in names)
        groups = (*wanted, *beside)
        return environment_program(self._file.environment, self._settings, groups, staying, taken_over=taken_over)

    def model_programs(self) -> "Programs":
        """Models have a repository and a role of their own beside their image and objects."""
        from slipway.programs.aws import model_parts  # noqa: PLC0415 - Pulumi's SDKs take seconds
        from slipway.programs.model import programs  # noqa: PLC0415
        from slipway.signing.seal import seal_of  # noqa: PLC0415

        return programs(
            self._file.environment, self._settings, model_parts(self._settings), seal_of(self._file, os.environ)
        )

    def check_cluster(self, _: "Cluster", *, namespace_there: bool) -> None:
        """Its own stack makes what it needs there."""

    def urls(self, cluster: "Cluster") -> dict[str, str]:
        """Their routes, where there is a gateway; Services are reached inside the cluster."""
        from slipway.environments.running.urls import routes  # noqa: PLC0415 - as `connect`

        gateway = self._settings.gateway
        return routes(cluster, gateway.domain, HTTPS_PORT) if gateway is not None else {}

    @property
    def own_authority(self) -> bool:
        """ACM's and cert-manager's certificates are of authorities that clients know."""
        return False

    def data(self, state: Json | None) -> dict[str, str]:
        """The protected bucket of models' weights, and the ledger, of which a last snapshot and its key stay."""
        return data_of(state, self._file.environment)

    def metered(self) -> Metered:
        """As CloudWatch counted it in the last days."""
        return metered(self.account, self._file.environment)

    def check_down(self, state: Json | None) -> None:
        """Refuse a protected environment; what AWS would refuse only at the end, with its models gone already, too."""
        settings, environment = self._settings, self._file.environment
        if not settings.protect and not has_protected_cluster(state):
            return
        place, field = self._file.locate(("protect",))
        problem = "protects the environment, so that nothing of it is deleted"
        off = f"run slipway up {environment}, which tells AWS, and then slipway down {environment}"
        todo = f"write protect: false and {off}"
        if not settings.protect:
            problem, todo = "is off, but AWS still protects the cluster", off
        raise UserErrors([WrongValue(place, field, settings.protect, problem, "false, also at AWS", todo)])

    def destroy(
        self,
        engine: "Engine",
        cluster: "Cluster | None",
        state: Json | None,
        delete_data: Collection[str],
        tell: Tell,
    ) -> str | None:
        """Destroy its stack, and prove by tag that nothing is left in the account."""
        environment = self._file.environment
        self.resume(engine, stack(environment), tell, doubted=True)
        destroy(Stage(self.account, environment, engine, cluster), state, delete_data, tell)
        return None


def running_of(file: SettingsFile, settings: AwsSettings) -> Running:
    """What runs the environment of a settings file."""
    return AwsRunning(file, settings)
