"""A pool is one node group or two, and its name changes when what it cannot change does, and only then."""

import pytest

from slipway.environments.planning.aws.node_groups import NodeGroup, node_groups, stored, to_store
from slipway.environments.running.pool_change import PoolChange
from slipway.settings.aws import AwsSettings

SETTINGS = {
    "kind": "aws",
    "account": "123456789012",
    "region": "eu-central-1",
    "zones": ["eu-central-1a", "eu-central-1b"],
    "cidr": "10.20.0.0/16",
    "kubernetes_version": "1.35",
    "administrators": ["arn:aws:iam::123456789012:role/platform"],
    "namespace": "slipway",
    "base_image": f"public.ecr.aws/docker/library/python:3.11-slim-bookworm@sha256:{'0' * 64}",
    "budget": {"monthly_usd": 100, "alarm": "ml@example.com"},
    "tags": {"team": "ml"},
}
CPU = {"name": "cpu", "instance_types": ["m7i.xlarge"], "max_nodes": 4}
L4 = {"name": "l4", "accelerator": "L4", "gpus": 1, "instance_types": ["g6.2xlarge"], "max_nodes": 2}
A100 = {"name": "a100", "accelerator": "A100", "gpus": 8, "instance_types": ["p4de.24xlarge"], "max_nodes": 1}


def settings(*pools: dict[str, object]) -> AwsSettings:
    return AwsSettings.model_validate({**SETTINGS, "node_pools": list(pools)})


def groups(*pools: dict[str, object]) -> list[NodeGroup]:
    """The groups without those of the platform."""
    system, *others = node_groups(settings(*pools))
    assert system.pool == "system"
    return others


def sizes(spot: dict[str, object], **more: object) -> dict[str, tuple[str, int, int]]:
    made = groups({**CPU, "spot": spot, **more})
    return {group.name.rpartition("-")[0]: (group.capacity, group.min_nodes, group.max_nodes) for group in made}


def test_a_pool_is_one_group() -> None:
    (group,) = groups({**CPU, "min_nodes": 1})
    assert (group.capacity, group.min_nodes, group.max_nodes) == ("ON_DEMAND", 1, 4)
    assert group.zones == ("eu-central-1a", "eu-central-1b")
    assert group.labels == {"slipway.dev/pool": "cpu"}


def test_a_spot_pool_with_fallback_has_on_demand_nodes_that_can_take_all_over() -> None:
    assert sizes({}) == {"cpu-spot": ("SPOT", 0, 4), "cpu-on-demand": ("ON_DEMAND", 0, 4)}


def test_nodes_that_are_never_spot_are_taken_from_the_pools_bounds() -> None:
    made = sizes({"on_demand_nodes": 1, "fallback": False}, min_nodes=2)
    assert made == {"cpu-spot": ("SPOT", 1, 3), "cpu-on-demand": ("ON_DEMAND", 1, 1)}


def test_a_pool_that_is_spot_only_has_no_other_group() -> None:
    assert sizes({"fallback": False}) == {"cpu-spot": ("SPOT", 0, 4)}


def test_a_gpu_group_says_what_its_nodes_bring_before_there_is_one() -> None:
    (whole,) = groups(L4)
    (slices,) = groups({**L4, "sharing": {"time_slicing": 4}})
    (parts,) = groups({**A100, "sharing": {"mig": "1g.10gb"}})
    assert whole.resources == {"nvidia.com/gpu": "1"}
    assert slices.resources == {"nvidia.com/gpu": "4"}
    assert slices.labels["nvidia.com/device-plugin.config"] == "time-slicing-4"
    assert parts.resources == {"nvidia.com/mig-1g.10gb": "56"}
    assert parts.labels["nvidia.com/mig.config"] == "all-1g.10gb"
    assert whole.taints == ({"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"},)


@pytest.mark.parametrize(
    "change",
    [
        {"instance_types": ["m7i.2xlarge"]},
        {"zones": ["eu-central-1a"]},
        {"spot": {}},
        {"accelerator": "graviton", "instance_types": ["m7g.xlarge"]},
    ],
)
def test_what_a_group_cannot_change_makes_another_group(change: dict[str, object]) -> None:
    before = groups(CPU)
    assert {group.name for group in before}.isdisjoint(group.name for group in groups({**CPU, **change}))
    assert PoolChange.of(groups({**CPU, **change}), before).replaced == tuple(before)


@pytest.mark.parametrize(
    "change", [{"min_nodes": 2}, {"max_nodes": 9}, {"disk": "200Gi"}, {"labels": {"example.com/a": "b"}}]
)
def test_what_a_group_can_change_leaves_its_name(change: dict[str, object]) -> None:
    assert [group.name for group in groups(CPU)] == [group.name for group in groups({**CPU, **change})]
    assert PoolChange.of(groups({**CPU, **change}), groups(CPU)).replaced == ()


def test_gpus_that_are_cut_otherwise_are_other_nodes() -> None:
    ways = [{**A100, "sharing": {"mig": profile}} for profile in ("1g.10gb", "3g.40gb")]
    first, second = (groups(way)[0].name for way in ways)
    assert first != second


def test_a_pool_that_was_removed_is_no_rotation() -> None:
    assert PoolChange.of(groups(CPU), groups(CPU, L4)).replaced == ()


def test_groups_come_back_from_the_stacks_output_as_they_were() -> None:
    reserved = {"capacity_reservation": "cr-0123456789abcdef0", "zones": ["eu-central-1b"]}
    there = node_groups(settings(CPU, {**A100, **reserved, "sharing": {"mig": "1g.10gb"}}))
    assert there[-1].capacity_reservation == "cr-0123456789abcdef0"
    assert stored(to_store(there)) == there


def test_the_disk_is_in_gibibytes_as_ec2_counts() -> None:
    (group,) = groups({**CPU, "disk": "1Ti"})
    assert group.disk_gib == 1024
