"""Machines of other clouds beside those of AWS: dated, sourced, and with the same GPUs."""

import pytest

from slipway.catalog.aws import INSTANCE_TYPES
from slipway.catalog.elsewhere import elsewhere, equivalents


def named(instance: str) -> list[str]:
    cards = INSTANCE_TYPES[instance].gpu
    assert cards is not None
    return [machine.name for machine in equivalents(cards)]


def test_every_cloud_has_a_source() -> None:
    file = elsewhere()
    assert {machine.cloud for machine in file.types} == set(file.sources)
    assert len({(machine.cloud, machine.name) for machine in file.types}) == len(file.types)


def test_every_gpu_is_called_as_aws_s_are() -> None:
    known = {cards.model for instance in INSTANCE_TYPES.values() if (cards := instance.gpu)}
    assert {machine.gpu for machine in elsewhere().types} <= known


@pytest.mark.parametrize(
    ("instance", "expected"),
    [
        ("g4dn.xlarge", ["Standard_NC4as_T4_v3", "Standard_NC8as_T4_v3", "Standard_NC16as_T4_v3"]),
        ("g4dn.12xlarge", ["Standard_NC64as_T4_v3"]),
        ("g6.2xlarge", ["g2-standard-12"]),
        ("g6.12xlarge", ["g2-standard-48"]),
        ("p4d.24xlarge", ["Standard_ND96asr_v4", "a2-highgpu-8g"]),
        ("p4de.24xlarge", ["Standard_ND96amsr_A100_v4"]),
        ("p5.48xlarge", ["Standard_ND96isr_H100_v5", "a3-highgpu-8g"]),
        ("p5en.48xlarge", ["Standard_ND96isr_H200_v5", "a3-ultragpu-8g"]),
        ("g5.xlarge", []),
    ],
)
def test_an_equivalent_has_as_many_of_the_same_gpu_with_the_same_memory(instance: str, expected: list[str]) -> None:
    assert named(instance) == expected
