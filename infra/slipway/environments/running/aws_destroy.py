"""Destroy the stack of an environment on AWS, and prove that nothing is left of it in the account."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.aws.account import Account
from slipway.environments.running.aws_down import settled, stop_logging, sweep_interfaces
from slipway.environments.running.aws_gateway import allow_deletion, delete_snapshots, last_snapshots, remove_balancer
from slipway.environments.running.aws_state import (
    LEDGER,
    MODEL_STORE,
    arns,
    bucket_of,
    data_of,
    kind_of,
    network_of,
    protected,
)
from slipway.environments.running.aws_volumes import remove_metrics
from slipway.errors.failures import LeftBehind, StackFailed
from slipway.values.aliases import Json, Tell
from slipway.values.names import stack

if TYPE_CHECKING:
    from slipway.cluster.api import Cluster
    from slipway.engine.engine import Engine


@dataclass(frozen=True)
class Stage:
    """Where an environment is: its account, the engine with its stack, and its cluster while that can be reached."""

    account: Account
    environment: str
    engine: "Engine"
    cluster: "Cluster | None"


def destroy(on: Stage, state: Json | None, delete_data: Collection[str], tell: Tell) -> None:
    """Destroy it but for the data that stays; `state` is its stack's before, `delete_data` names what does not stay.

    Raises:
        LeftBehind: something of it is still in the account.
        StackFailed: the engine could not destroy all of it.
    """
    account, environment, engine, cluster = on.account, on.environment, on.engine, on.cluster
    name, data = stack(environment), data_of(state, environment)
    kept = data.keys() - set(delete_data)
    bucket = bucket_of(state)
    if cluster:
        remove_metrics(cluster, environment, tell)
    if LEDGER in data:
        if cluster:
            remove_balancer(cluster, environment, tell)
        allow_deletion(account, environment, tell)
    if freed := [one["urn"] for one in protected(state) if kind_of(one) not in kept]:
        engine.unprotect(name, freed, tell)
    if bucket and MODEL_STORE not in kept:
        tell(f"emptying bucket {bucket}")
        account.empty_bucket(bucket)
    stop_logging(account, environment, tell)
    try:
        engine.destroy(name, tell, keep_protected=bool(kept))
    except StackFailed:
        network = network_of(engine.state(name))
        if network is None or not sweep_interfaces(account, network, tell):
            raise
        engine.destroy(name, tell, keep_protected=bool(kept))
    stays = arns(engine.state(name)) if kept else set()
    # A run before this one may have taken the database, and its key out of the state.
    if LEDGER in delete_data:
        delete_snapshots(account, environment, tell)
    else:
        stays |= set(last_snapshots(account, environment).values())
    tell("looking for what is left, by tag and by name")
    found = settled(account, environment, stays, tell)
    left = [f"{item.arn} {item.name}".rstrip() for item in found]
    if not left:
        return
    todo = "see in the console what uses them, delete them, and run the command again"
    if kept:
        options = " ".join(f"--delete-data {item}" for item in sorted(kept))
        todo = f"slipway down {environment} {options} deletes what holds data; the rest, if any, by hand"
    raise LeftBehind(environment, left, todo)
