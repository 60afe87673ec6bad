"""The platform has one group, and its name changes when what it cannot change does, and only then."""

from slipway.environments.planning.aws.node_groups import node_groups, stored, to_store
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


def settings(*pools: dict[str, object], **more: object) -> AwsSettings:
    return AwsSettings.model_validate({**SETTINGS, **more, "node_pools": list(pools) or [CPU]})


def test_only_the_platform_has_a_group_and_it_is_the_same_whatever_the_pools_are() -> None:
    (group,) = node_groups(settings())
    assert (group.pool, group.nodes, group.zones) == ("system", 2, ("eu-central-1a", "eu-central-1b"))
    assert node_groups(settings({**CPU, "max_nodes": 9, "spot": {}})) == (group,)


def test_other_zones_make_another_group_beside_the_old_one() -> None:
    before = node_groups(settings())
    after = node_groups(settings(zones=["eu-central-1a", "eu-central-1c"]))
    assert before[0].name != after[0].name
    assert PoolChange.of(after, before).replaced == before


def test_a_version_of_kubernetes_leaves_its_name() -> None:
    before = node_groups(settings())
    assert PoolChange.of(node_groups(settings(kubernetes_version="1.36")), before).replaced == ()


def test_groups_come_back_from_the_stacks_output_as_they_were() -> None:
    there = node_groups(settings())
    assert stored(to_store(there)) == there
