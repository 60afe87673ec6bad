"""A pool is one NodePool or two, whose nodes together are never more than the settings say."""

import pytest

from slipway.catalog.aws import INSTANCE_TYPES
from slipway.environments.planning.aws.karpenter import NodePool, image_alias, node_classes, node_pools
from slipway.loading.specs import load_settings
from slipway.render.karpenter import render_karpenter, render_node_objects
from slipway.settings.aws import AwsSettings
from tests.support.planned import ROOT
from tests.unit.environments.planning.aws.test_node_groups import CPU, settings

L4 = {"name": "l4", "accelerator": "L4", "gpus": 1, "instance_types": ["g6.2xlarge"], "max_nodes": 2}
A100 = {"name": "a100", "accelerator": "A100", "gpus": 8, "instance_types": ["p4de.24xlarge"], "max_nodes": 1}


def only(pool: dict[str, object]) -> NodePool:
    (made,) = node_pools(settings(pool))
    return made


def sizes(spot: dict[str, object], **more: object) -> dict[str, tuple[tuple[str, ...], int, int]]:
    made = node_pools(settings({**CPU, "spot": spot, **more}))
    return {pool.name: (pool.capacity, pool.min_nodes, pool.max_nodes) for pool in made}


def committed(name: str) -> AwsSettings:
    found = load_settings(ROOT / "stacks", name)
    assert isinstance(found, AwsSettings)
    return found


def test_a_pool_is_one_node_pool() -> None:
    pool = only({**CPU, "min_nodes": 1})
    assert (pool.name, pool.capacity, pool.min_nodes, pool.max_nodes) == ("cpu", ("on-demand",), 1, 4)
    assert pool.zones == ("eu-central-1a", "eu-central-1b")
    assert pool.labels == {"slipway.dev/pool": "cpu"}


def test_a_spot_pool_falls_back_to_on_demand_within_its_own_bounds() -> None:
    assert sizes({}) == {"cpu": (("spot", "on-demand"), 0, 4)}
    assert sizes({"fallback": False}) == {"cpu": (("spot",), 0, 4)}


def test_nodes_that_are_never_spot_are_taken_from_the_pools_bounds() -> None:
    made = sizes({"on_demand_nodes": 1, "fallback": False}, min_nodes=2)
    assert made == {"cpu": (("spot",), 1, 3), "cpu.on-demand": (("on-demand",), 1, 1)}


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_no_pool_can_have_more_nodes_than_its_settings_say_whatever_they_are_paid_as(environment: str) -> None:
    found = committed(environment)
    for wanted in found.node_pools:
        most = 0
        for pool in node_pools(found):
            if pool.pool == wanted.name:
                ((resource, limit),) = pool.limits.items()
                types = [INSTANCE_TYPES[name] for name in pool.instance_types]
                least = min(t.vcpu if resource == "cpu" else t.gpu.count if t.gpu else 0 for t in types)
                most += int(limit) // least
        assert most == wanted.max_nodes, wanted.name


def test_types_of_different_size_are_counted_by_the_smallest() -> None:
    assert only({**CPU, "instance_types": ["m7i.2xlarge", "m7i.xlarge"]}).limits == {"cpu": "16"}
    assert only(L4).limits == {"nvidia.com/gpu": "2"}


def test_shared_gpus_are_told_before_there_is_a_node() -> None:
    assert only(L4).shared == {}
    slices = only({**L4, "sharing": {"time_slicing": 4}})
    parts = only({**A100, "sharing": {"mig": "1g.10gb"}})
    assert slices.shared == {"nvidia.com/gpu": "4"}
    assert slices.labels["nvidia.com/device-plugin.config"] == "time-slicing-4"
    assert parts.shared == {"nvidia.com/mig-1g.10gb": "56"}
    assert parts.labels["nvidia.com/mig.config"] == "all-1g.10gb"
    assert parts.taints == ({"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"},)


def test_no_node_is_marked_as_one_that_waits_for_whole_gpus() -> None:
    for environment in ("dev", "staging", "prod"):
        for pool in node_pools(committed(environment)):
            assert "k8s.amazonaws.com/accelerator" not in pool.labels


def test_a_reservation_is_what_its_nodes_are_paid_by_and_nothing_else() -> None:
    reserved = {**A100, "capacity_reservation": "cr-0123456789abcdef0", "zones": ["eu-central-1b"]}
    assert only(reserved).capacity == ("reserved",)
    (node_class,) = node_classes(settings(reserved))
    assert node_class.capacity_reservation == "cr-0123456789abcdef0"
    made = {one["kind"]: one["spec"] for one in render_karpenter("test", settings(reserved))}
    assert made["EC2NodeClass"]["capacityReservationSelectorTerms"] == [{"id": "cr-0123456789abcdef0"}]
    assert "capacityReservationSelectorTerms" not in render_karpenter("test", settings(CPU))[0]["spec"]


def test_the_image_is_one_release_for_all_nodes() -> None:
    assert image_alias(settings(CPU)) == "al2023@v20260903"


def test_nodes_that_always_run_are_held_one_by_each_pod_which_tolerates_what_they_have() -> None:
    made = render_karpenter("test", settings({**L4, "min_nodes": 2}))
    (floor,) = [one for one in made if one["kind"] == "Deployment"]
    pod = floor["spec"]["template"]["spec"]
    assert floor["spec"]["replicas"] == 2
    assert pod["nodeSelector"] == {"karpenter.sh/nodepool": "l4"}
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists"}]
    (term,) = pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term["topologyKey"] == "kubernetes.io/hostname"
    assert term["labelSelector"]["matchLabels"].items() <= floor["spec"]["template"]["metadata"]["labels"].items()


def test_a_pool_that_may_be_empty_holds_nothing() -> None:
    assert [one["kind"] for one in render_karpenter("test", settings(CPU))] == ["EC2NodeClass", "NodePool"]


def test_objects_are_kept_by_pool() -> None:
    made = render_node_objects("test", settings({**CPU, "spot": {"on_demand_nodes": 1}}, L4))
    assert {pool: [one["metadata"]["name"] for one in found] for pool, found in made.items()} == {
        "cpu": ["cpu", "cpu", "cpu.on-demand", "floor-cpu.on-demand", "floor-cpu.on-demand"],
        "l4": ["l4", "l4"],
    }
