"""What a change of node pools means is known before anything happens."""

from dataclasses import replace
from pathlib import Path

import pytest

from slipway.commands.changing.environment import environment_up
from slipway.commands.context import EnvironmentContext, Folders
from slipway.environments.planning.aws.node_groups import NodeGroup, node_groups, to_store
from slipway.environments.running.pool_change import PoolChange
from slipway.errors.base import UserErrors
from slipway.settings.aws import AwsSettings
from slipway.values.aliases import Json
from tests.support.needs_aws import needs_aws

ROOT = Path(__file__).resolve().parents[3]


def context(name: str = "prod") -> EnvironmentContext:
    return EnvironmentContext(name, Folders(ROOT / "models", ROOT / "stacks"))


def with_settings(other: EnvironmentContext, **values: object) -> None:
    """Put other values into an environment's settings, as if its file had them."""
    other.__dict__["file"] = replace(other.file, settings=other.settings.model_copy(update=values))


def changed(pool: str, **values: object) -> EnvironmentContext:
    """The environment with other values in one pool."""
    other = context()
    settings = other.settings
    assert isinstance(settings, AwsSettings)
    pools = tuple(item.model_copy(update=values) if item.name == pool else item for item in settings.node_pools)
    with_settings(other, node_pools=pools)
    return other


def without(pool: str) -> EnvironmentContext:
    other = context()
    settings = other.settings
    assert isinstance(settings, AwsSettings)
    pools = tuple(item for item in settings.node_pools if item.name != pool)
    with_settings(other, node_pools=pools)
    return other


def groups() -> tuple[NodeGroup, ...]:
    settings = context().settings
    assert isinstance(settings, AwsSettings)
    return node_groups(settings)


def state(there: tuple[NodeGroup, ...]) -> Json:
    logs = {"urn": "urn:logs", "type": "aws:cloudwatch/logGroup:LogGroup", "id": "/aws/eks/slipway-prod/cluster"}
    resources = [{"urn": "urn:stack", "type": "pulumi:pulumi:Stack", "outputs": {"pools": to_store(there)}}, logs]
    resources += [
        {
            "urn": f"urn:{group.name}",
            "type": "aws:eks/nodeGroup:NodeGroup",
            "inputs": {"nodeGroupName": group.name},
        }
        for group in there
    ]
    return {"deployment": {"resources": resources}}


class RecordingEngine:
    """Records what it is asked for; no stack is run."""

    def __init__(self, kept: Json | None) -> None:
        self.kept = kept
        self.reads = 0
        self.calls: list[tuple[str, object]] = []

    def state(self, stack: str) -> Json | None:
        self.reads += 1
        return self.kept

    def refresh(self, stack: str, urns: list[str], tell: object) -> None:
        self.calls.append(("refresh", urns))

    def up(self, stack: str, program: object, tell: object, *, new: bool, refresh: bool) -> None:
        self.calls.append(("up", stack))


def change_of(other: EnvironmentContext, there: tuple[NodeGroup, ...]) -> PoolChange:
    return other.running.pool_change(RecordingEngine(state(there)))  # type: ignore[arg-type]


def refuse(other: EnvironmentContext, there: tuple[NodeGroup, ...]) -> None:
    other.running.check_in_place(change_of(other, there))


def test_groups_come_back_from_the_state_as_they_went_in_and_nothing_changes() -> None:
    assert change_of(context(), groups()) == PoolChange(wanted=groups(), kept=groups())
    assert change_of(context(), ()) == PoolChange(wanted=groups())


def test_a_stack_that_is_not_there_has_no_groups() -> None:
    assert context().running.pool_change(RecordingEngine(None)) == PoolChange(wanted=groups())  # type: ignore[arg-type]


def test_each_group_that_is_there_has_one_fate() -> None:
    other = changed("cpu", max_nodes=20)
    assert isinstance(other.settings, AwsSettings)
    pools = tuple(pool for pool in other.settings.node_pools if pool.name != "graviton")
    with_settings(other, node_pools=pools)
    with_settings(
        other,
        node_pools=tuple(
            pool.model_copy(update={"instance_types": ("g6.4xlarge",)}) if pool.name == "gpu-l4" else pool
            for pool in pools
        ),
    )
    change = change_of(other, groups())
    fates = {fate: {group.pool for group in getattr(change, fate)} for fate in ("resized", "replaced", "removed")}
    assert fates == {"resized": {"cpu"}, "replaced": {"gpu-l4"}, "removed": {"graviton"}}
    there = [*change.kept, *change.resized, *change.replaced, *change.removed]
    assert sorted(group.name for group in there) == sorted(group.name for group in groups())


def test_a_pool_whose_bounds_change_is_updated_in_place() -> None:
    refuse(changed("cpu", max_nodes=20), groups())


def test_a_pool_whose_instances_change_is_refused_with_the_command_that_does_it() -> None:
    with pytest.raises(UserErrors) as refused:
        refuse(changed("cpu", instance_types=("m7i.4xlarge",)), groups())
    assert str(refused.value) == (
        f'{ROOT}/stacks/Pulumi.prod.yaml:29: config.slipway:environment.node_pools[0]: "cpu" is a pool with a change '
        "that cannot be made in place: it needs new nodes; allowed: in place, new bounds, labels, taints or disk; "
        "anything else needs new nodes; next: run slipway rotate prod cpu, which drains the old nodes before it "
        "removes them"
    )


def test_a_change_of_zones_is_one_of_the_platforms_nodes_too() -> None:
    other = context()
    settings = other.settings
    assert isinstance(settings, AwsSettings)
    with_settings(other, zones=settings.zones[:2])
    with pytest.raises(UserErrors, match=r"zones: \"system\" is a pool with a change"):
        refuse(other, groups())


def test_a_pool_that_the_settings_have_no_more_is_removed_and_no_other() -> None:
    other = without("graviton")
    refuse(other, groups())
    assert {group.pool for group in change_of(other, groups()).removed} == {"graviton"}


def test_a_cluster_of_a_kubeconfig_has_no_pools_that_could_change_and_no_state_is_read_for_it() -> None:
    local, engine = context("local"), RecordingEngine(state(groups()))
    change = local.running.pool_change(engine)  # type: ignore[arg-type]
    local.running.check_in_place(change)
    assert (change, engine.reads) == (PoolChange(), 0)


@needs_aws
def test_nodes_are_counted_before_bounds_change_so_that_the_autoscalers_number_stands() -> None:
    engine = RecordingEngine(state(groups()))
    (cpu,) = (group.name for group in groups() if group.pool == "cpu")
    other = changed("cpu", max_nodes=20)
    environment_up(other, engine, lambda _: None, change_of(other, groups()))  # type: ignore[arg-type]
    assert engine.calls == [("refresh", [f"urn:{cpu}"]), ("up", "prod")]


@needs_aws
def test_nothing_is_counted_when_no_bounds_change() -> None:
    engine = RecordingEngine(state(groups()))
    environment_up(context(), engine, lambda _: None, change_of(context(), groups()))  # type: ignore[arg-type]
    assert engine.calls == [("up", "prod")]
