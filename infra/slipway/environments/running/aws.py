"""Run an environment of kind `aws`: everything from the account's budget to the cluster is its own stack's."""

import json
import os
import shutil
import threading
from collections.abc import Collection, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, ClassVar

from slipway import console
from slipway.aws.account import Account
from slipway.aws.identifiers import identifiers
from slipway.aws.tagged import tagged
from slipway.environments.planning.aws.node_groups import NodeGroup, node_groups, stored
from slipway.environments.planning.gateway import HTTPS_PORT
from slipway.environments.running.aws_gateway import allow_deletion, delete_snapshots, remove_balancer
from slipway.environments.running.ecr_images import EcrImages
from slipway.environments.running.pool_change import NodeObjects, PoolChange
from slipway.environments.running.protocol import Program, Running
from slipway.errors.base import UserErrors, WrongValue
from slipway.errors.failures import AwsCliMissing, EnvironmentMissing, LeftBehind
from slipway.loading.settings import SettingsFile
from slipway.settings.aws import AwsSettings
from slipway.values.aliases import Json, Tell
from slipway.values.names import database, stack

if TYPE_CHECKING:
    from slipway.cluster.api import Cluster
    from slipway.deploy.ports import Programs
    from slipway.engine.engine import Engine

MODEL_STORE = "model-store"
LEDGER = "ledger"
_LEDGER_KEY = "-ledger-key"


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

    @cached_property
    def account(self) -> Account:
        """The account that it is in; raises `AwsMissing` when the extra `aws` is not installed."""
        return Account(self._settings.account, self._settings.region)

    @property
    def image_store(self) -> EcrImages:
        """Each model has a repository that its own stack made."""
        return EcrImages(self.account, self._file.environment, self._settings.images.keep)

    def check_account(self) -> None:
        """Refuse credentials of another account; say when the cluster will not know those of this one."""
        settings, caller = self._settings, self.account.caller()
        if caller.account != settings.account:
            place, field = self._file.locate(("account",))
            problem = f"is not the account of the caller, {caller.arn}"
            todo = "use credentials of the environment's account (`aws sts get-caller-identity` shows whose they are)"
            raise UserErrors([WrongValue(place, field, settings.account, problem, caller.account, todo)])
        if not any(caller.is_role(role) for role in settings.administrators):
            console.message(
                f"warning: {caller.arn} is not a session of a role in `administrators`: "
                "the cluster will refuse its requests, unless it has access in another way"
            )

    def connect(self) -> "Cluster":
        """The cluster that its stack made.

        A `down` that was cut short leaves the stack's outputs behind: where no Kubernetes object is left in the state,
        the cluster, or the way into it, may be gone already.
        """
        from slipway.cluster.api import Cluster  # noqa: PLC0415 - its SDK takes half a second, and `plan` does without
        from slipway.engine.engine import Engine  # noqa: PLC0415 - the engine's SDK takes a second
        from slipway.engine.resume import outputs  # noqa: PLC0415
        from slipway.engine.workspace import workspace  # noqa: PLC0415

        with workspace() as folder:
            state = Engine(folder, self._file.secrets, threading.Event()).state(stack(self._file.environment))
        link = outputs(state).get("connection") if state else None
        if link is None or not any(resource["type"].startswith("kubernetes:") for resource in _resources(state)):
            raise EnvironmentMissing(self._file.environment)
        if shutil.which("aws") is None:
            raise AwsCliMissing
        return Cluster(link["context"], link["namespace"], json.loads(link["kubeconfig"]))

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
        for pool in sorted({group.pool for group in change.replaced}):
            # The platform's own nodes are in no list; of what the settings say, only the zones are theirs.
            place, field = self._file.locate(("zones",))
            problem = "is a pool with a change that cannot be made in place: it needs new nodes"
            allowed = "the zones that it has"
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

    def program(
        self,
        kept: Sequence[NodeGroup] = (),
        staying: NodeObjects | None = None,
        *,
        adopted: bool = False,  # noqa: ARG002
    ) -> Program:
        """The program of its stack; its namespace is never others'."""
        from slipway.programs.aws import environment_program  # noqa: PLC0415 - Pulumi's SDKs take seconds

        wanted = node_groups(self._settings)
        names = {group.name for group in wanted}
        beside = (group for group in kept if group.name not in names)
        return environment_program(self._file.environment, self._settings, (*wanted, *beside), staying or {})

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
        found = {}
        if bucket := _bucket(state):
            found[MODEL_STORE] = f"bucket {bucket}"
        if any(resource["urn"].endswith(_LEDGER_KEY) for resource in _protected(state)):
            found[LEDGER] = f"last snapshot of database {database(self._file.environment)}"
        return found

    def destroy(
        self,
        engine: "Engine",
        cluster: "Cluster | None",
        state: Json | None,
        delete_data: Collection[str],
        tell: Tell,
    ) -> str | None:
        """Destroy its stack, and prove by tag that nothing is left in the account."""
        environment, data = self._file.environment, self.data(state)
        name = stack(environment)
        self.resume(engine, name, tell, doubted=True)
        kept = data.keys() - set(delete_data)
        bucket = _bucket(state)
        if LEDGER in data:
            if cluster:
                remove_balancer(cluster, environment, tell)
            allow_deletion(self.account, environment, tell)
        if freed := [resource["urn"] for resource in _protected(state) if _data_of(resource) not in kept]:
            engine.unprotect(name, freed, tell)
        if bucket and MODEL_STORE not in kept:
            tell(f"emptying bucket {bucket}")
            self.account.empty_bucket(bucket)
        engine.destroy(name, tell, keep_protected=bool(kept))
        if LEDGER in data and LEDGER not in kept:
            delete_snapshots(self.account, environment, tell)
        tell("looking for what is left, by tag")
        left = [f"{item.arn} {item.name}".rstrip() for item in tagged(self.account, environment)]
        if not left:
            return None
        todo = "see in the console what uses them, delete them, and run the command again"
        if kept:
            options = " ".join(f"--delete-data {item}" for item in sorted(kept))
            todo = f"slipway down {environment} {options} deletes what holds data; the rest, if any, by hand"
        raise LeftBehind(environment, left, todo)


def running_of(file: SettingsFile, settings: AwsSettings) -> Running:
    """What runs the environment of a settings file."""
    return AwsRunning(file, settings)


def _protected(state: Json | None) -> list[Json]:
    return [resource for resource in _resources(state) if resource.get("protect")]


def _data_of(resource: Json) -> str:
    """Which data a protected resource is for: the key of the ledger's snapshots, or the bucket with all its parts."""
    return LEDGER if "-ledger-" in resource["urn"].rpartition("::")[2] else MODEL_STORE


def _bucket(state: Json | None) -> str | None:
    buckets = [resource["id"] for resource in _protected(state) if resource["type"] == "aws:s3/bucket:Bucket"]
    return buckets[0] if buckets else None


def _resources(state: Json | None) -> list[Json]:
    """The resources of an exported stack; none of one that there is not."""
    return list(state["deployment"].get("resources") or []) if state else []
