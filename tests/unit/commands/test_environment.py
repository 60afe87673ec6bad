"""What a change of node pools means is known before anything happens."""

from dataclasses import replace
from pathlib import Path

import pytest

from slipway.commands.context import EnvironmentContext, Folders
from slipway.environments.planning.aws.node_groups import NodeGroup, node_groups, to_store
from slipway.environments.running.pool_change import PoolChange
from slipway.errors.base import UserErrors
from slipway.render.karpenter import render_node_objects
from slipway.settings.aws import AwsSettings
from slipway.values.aliases import Json

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
    settings = context().settings
    assert isinstance(settings, AwsSettings)
    outputs = {"pools": to_store(there), "node_objects": render_node_objects("prod", settings) if there else {}}
    logs = {"urn": "urn:logs", "type": "aws:cloudwatch/logGroup:LogGroup", "id": "/aws/eks/slipway-prod/cluster"}
    resources: list[Json] = [{"urn": "urn:stack", "type": "pulumi:pulumi:Stack", "outputs": outputs}, logs]
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

    def state(self, stack: str) -> Json | None:
        self.reads += 1
        return self.kept


def change_of(other: EnvironmentContext, there: tuple[NodeGroup, ...]) -> PoolChange:
    return other.running.pool_change(RecordingEngine(state(there)))  # type: ignore[arg-type]


def refuse(other: EnvironmentContext, there: tuple[NodeGroup, ...]) -> None:
    other.running.check_in_place(change_of(other, there))


def test_groups_come_back_from_the_state_as_they_went_in_and_nothing_changes() -> None:
    assert change_of(context(), groups()) == PoolChange(wanted=groups(), kept=groups())
    assert change_of(context(), ()) == PoolChange(wanted=groups())


def test_a_stack_that_is_not_there_has_no_groups() -> None:
    assert context().running.pool_change(RecordingEngine(None)) == PoolChange(wanted=groups())  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [{"max_nodes": 20}, {"instance_types": ("m7i.4xlarge",)}, {"disk": 200 * 2**30}])
def test_a_change_of_a_pool_that_stays_is_left_to_karpenter(change: dict[str, object]) -> None:
    other = changed("cpu", **change)
    refuse(other, groups())
    assert change_of(other, groups()).removed == {}


def test_a_change_of_zones_is_one_of_the_platforms_nodes_and_refused_with_the_command_that_does_it() -> None:
    other = context()
    settings = other.settings
    assert isinstance(settings, AwsSettings)
    with_settings(other, zones=settings.zones[:2])
    with pytest.raises(UserErrors) as refused:
        refuse(other, groups())
    assert str(refused.value) == (
        f'{ROOT}/stacks/Pulumi.prod.yaml:9: config.slipway:environment.zones: "system" is a pool with a change '
        "that cannot be made in place: it needs new nodes; allowed: the zones and the instance type that it has; next: "
        "run slipway rotate prod system, which drains the old nodes before it removes them"
    )


def test_a_pool_that_the_settings_have_no_more_is_removed_and_no_other() -> None:
    other = without("graviton")
    refuse(other, groups())
    removed = change_of(other, groups()).removed
    assert removed.keys() == {"graviton"}
    assert [one["kind"] for one in removed["graviton"]] == ["EC2NodeClass", "NodePool"]


def test_a_cluster_of_a_kubeconfig_has_no_pools_that_could_change_and_no_state_is_read_for_it() -> None:
    local, engine = context("local"), RecordingEngine(state(groups()))
    change = local.running.pool_change(engine)  # type: ignore[arg-type]
    local.running.check_in_place(change)
    assert (change, engine.reads) == (PoolChange(), 0)


def test_only_the_platforms_own_nodes_are_rotated_by_hand() -> None:
    assert context().running.rotatable() == ("system",)
