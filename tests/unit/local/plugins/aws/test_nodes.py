"""What a node of each instance type offers, by Amazon's own description of the type and not by Slipway's table."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from slipway.catalog.aws import INSTANCE_TYPES
from slipway.environments.planning.aws.pools import allocatable_cpu, allocatable_memory
from slipway.local.plugins.aws.nodes import Group, Instance, allocatable, bodies, instance
from slipway.values.quantities import parse_bytes

_REGION = "us-east-1"


@pytest.fixture(scope="module")
def described() -> Iterator[dict[str, Instance]]:
    with mock_aws():
        client = boto3.client(
            "ec2", region_name=_REGION, aws_access_key_id="rehearsal", aws_secret_access_key="rehearsal"
        )
        found = client.describe_instance_types(InstanceTypes=list(INSTANCE_TYPES))["InstanceTypes"]
        yield {one["InstanceType"]: instance(one) for one in found}


@pytest.mark.parametrize("name", sorted(INSTANCE_TYPES))
def test_the_catalogue_says_what_amazon_says(name: str, described: dict[str, Instance]) -> None:
    ours, theirs = INSTANCE_TYPES[name], described[name]
    assert (ours.vcpu, ours.memory, ours.architecture) == (theirs.cpus, theirs.memory * 2**20, theirs.architecture)
    assert (ours.gpu.count if ours.gpu else 0) == theirs.gpus


@pytest.mark.parametrize("name", sorted(INSTANCE_TYPES))
def test_a_plan_never_counts_on_more_than_a_node_leaves(name: str, described: dict[str, Instance]) -> None:
    node = allocatable(described[name], {})
    assert allocatable_cpu(INSTANCE_TYPES[name]) <= int(node["cpu"].removesuffix("m"))
    assert allocatable_memory(INSTANCE_TYPES[name]) <= parse_bytes(node["memory"])


# NVIDIA's table of supported MIG profiles, docs.nvidia.com/datacenter/tesla/mig-user-guide, read 2026-11-21
@pytest.mark.parametrize(
    ("name", "profile", "count"),
    [
        ("p4d.24xlarge", "1g.5gb", 7),
        ("p4d.24xlarge", "1g.10gb", 4),
        ("p4d.24xlarge", "2g.10gb", 3),
        ("p4d.24xlarge", "3g.20gb", 2),
        ("p4d.24xlarge", "4g.20gb", 1),
        ("p4d.24xlarge", "7g.40gb", 1),
        ("p5.48xlarge", "1g.10gb", 7),
        ("p5.48xlarge", "1g.20gb", 4),
        ("p5.48xlarge", "2g.20gb", 3),
        ("p5.48xlarge", "3g.40gb", 2),
        ("p5.48xlarge", "7g.80gb", 1),
    ],
)
def test_a_gpu_is_cut_into_as_many_parts_as_nvidia_says(
    name: str, profile: str, count: int, described: dict[str, Instance]
) -> None:
    offers = allocatable(described[name], {"nvidia.com/mig.config": f"all-{profile}"})
    assert offers[f"nvidia.com/mig-{profile}"] == str(8 * count)
    assert "nvidia.com/gpu" not in offers


def test_a_gpu_in_time_slices_is_offered_as_often_as_its_configuration_says(described: dict[str, Instance]) -> None:
    labels = {"nvidia.com/device-plugin.config": "time-slicing-4"}
    assert allocatable(described["g6.2xlarge"], labels)["nvidia.com/gpu"] == "4"
    assert allocatable(described["g6.2xlarge"], {})["nvidia.com/gpu"] == "1"


def test_nodes_are_spread_over_zones_and_carry_what_eks_and_the_kubelet_give_them(
    described: dict[str, Instance],
) -> None:
    group = Group(
        cluster="slipway-test",
        name="cpu-12345678",
        instance=described["m7i.2xlarge"],
        capacity="SPOT",
        region=_REGION,
        zones=["us-east-1a", "us-east-1b"],
        nodes=3,
        version="1.35",
        labels={"slipway.dev/pool": "cpu"},
        taints=[{"key": "a", "value": "b", "effect": "NO_SCHEDULE"}],
    )
    nodes = bodies(group)
    zones = [node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes.values()]
    assert zones == ["us-east-1a", "us-east-1b", "us-east-1a"]
    first = nodes["cpu-12345678-0"]
    assert (
        first["metadata"]["labels"].items()
        >= {
            "slipway.dev/pool": "cpu",
            "slipway.dev/rehearsal": "slipway-test",
            "node.kubernetes.io/instance-type": "m7i.2xlarge",
            "kubernetes.io/arch": "amd64",
            "eks.amazonaws.com/nodegroup": "cpu-12345678",
            "eks.amazonaws.com/capacityType": "SPOT",
        }.items()
    )
    assert first["spec"]["taints"] == [{"key": "a", "value": "b", "effect": "NoSchedule"}]
