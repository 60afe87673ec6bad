"""The catalogue says what EC2 itself says: the answers of its API that moto carries."""

import gzip
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import moto.ec2
import pytest

from slipway.catalog.aws import (
    EKS_VERSIONS,
    INSTANCE_TYPES,
    REGIONS,
    InstanceType,
    accelerator_of,
    instance,
    instances_with,
    mig_profiles,
)

_ANSWERS = Path(moto.ec2.__file__).parent / "resources"
_ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}


def _answer(path: str) -> Any:
    with gzip.open(_ANSWERS / path) as stream:
        return json.load(stream)


@pytest.fixture(scope="module")
def described() -> Mapping[str, Any]:
    """What DescribeInstanceTypes answers, by name."""
    answer: dict[str, Any] = _answer("instance_types.json.gz")
    return answer


@pytest.fixture(scope="module")
def offers() -> Mapping[str, Mapping[str, set[str]]]:
    """Zones in which DescribeInstanceTypeOfferings has a type, by region and name."""
    found: dict[str, dict[str, set[str]]] = {region: {} for region in REGIONS}
    for region, types in found.items():
        for offer in _answer(f"instance_type_offerings/availability-zone/{region}.json.gz"):
            types.setdefault(offer["InstanceType"], set()).add(offer["Location"])
    return found


@pytest.mark.parametrize("known", INSTANCE_TYPES.values(), ids=list(INSTANCE_TYPES))
def test_an_instance_type_is_as_ec2_describes_it(known: InstanceType, described: Mapping[str, Any]) -> None:
    fact = described[known.name]
    assert known.vcpu == fact["VCpuInfo"]["DefaultVCpus"]
    assert known.memory == fact["MemoryInfo"]["SizeInMiB"] * 2**20
    assert [known.architecture] == [_ARCHITECTURES[name] for name in fact["ProcessorInfo"]["SupportedArchitectures"]]
    cards = fact.get("GpuInfo", {"Gpus": []})["Gpus"]
    mine = [(known.gpu.model, known.gpu.count, known.gpu.memory)] if known.gpu else []
    assert mine == [(card["Name"], card["Count"], card["MemoryInfo"]["SizeInMiB"] * 2**20) for card in cards]


@pytest.mark.parametrize("known", INSTANCE_TYPES.values(), ids=list(INSTANCE_TYPES))
def test_its_network_is_what_lasts_and_never_more_than_ec2_promises(
    known: InstanceType, described: Mapping[str, Any]
) -> None:
    network = described[known.name]["NetworkInfo"]
    lasting = sum(card["BaselineBandwidthInGbps"] for card in network["NetworkCards"])
    words = network["NetworkPerformance"].removeprefix("Up to ").removesuffix(" Gigabit").split("x ")
    promised = float(words[-1]) * (int(words[0]) if len(words) == 2 else 1)
    assert known.network_gbps == pytest.approx(min(lasting, promised))


@pytest.mark.parametrize("known", INSTANCE_TYPES.values(), ids=list(INSTANCE_TYPES))
def test_it_has_a_price_in_the_regions_that_offer_it_and_in_no_other(
    known: InstanceType, offers: Mapping[str, Mapping[str, set[str]]]
) -> None:
    assert set(known.hourly_usd) == {region for region in REGIONS if known.name in offers[region]}
    assert all(price > 0 for price in known.hourly_usd.values())


@pytest.mark.parametrize("region", REGIONS)
def test_the_zones_of_a_region_are_those_of_ec2(region: str, offers: Mapping[str, Mapping[str, set[str]]]) -> None:
    assert set(REGIONS[region].zones) == set().union(*offers[region].values())


def test_only_processors_of_intel_have_avx512_and_amx(described: Mapping[str, Any]) -> None:
    for known in INSTANCE_TYPES.values():
        if known.cpu_features & {"avx512", "amx"}:
            assert described[known.name]["ProcessorInfo"]["Manufacturer"] == "Intel", known.name
        assert bool(known.cpu_features) == (known.architecture == "amd64"), known.name


def test_a_search_finds_the_cheapest_first_and_only_what_the_region_has() -> None:
    names = [found.name for found in instances_with("L4", 1, "eu-central-1")]
    assert names == ["g6.xlarge", "g6.2xlarge", "g6.4xlarge"]
    assert instances_with("L4", 1, "eu-west-1") == ()
    assert {accelerator_of(found) for found in instances_with("graviton", None, "eu-west-1")} == {"graviton"}
    assert instances_with("cpu", 1, "eu-west-1") == ()
    assert instance("g6.nano") is None


@pytest.mark.parametrize(
    ("name", "profiles"),
    [
        ("p4d.24xlarge", "1g.5gb 1g.10gb 2g.10gb 3g.20gb 4g.20gb 7g.40gb"),
        ("p4de.24xlarge", "1g.10gb 1g.20gb 2g.20gb 3g.40gb 4g.40gb 7g.80gb"),
        ("p5.4xlarge", "1g.10gb 1g.20gb 2g.20gb 3g.40gb 4g.40gb 7g.80gb"),
        ("g6e.xlarge", ""),
    ],
)
def test_a_gpu_is_cut_as_its_profiles_are_called(name: str, profiles: str) -> None:
    gpu = INSTANCE_TYPES[name].gpu
    assert gpu is not None
    found = mig_profiles(gpu)
    assert list(found) == profiles.split()
    for called, profile in found.items():
        assert called.endswith(f".{int(gpu.memory * profile.memory) // 2**30}gb")
        assert profile.parts * profile.memory <= 1
        assert profile.parts * int(called[0]) <= 7


def test_extended_support_is_a_year_longer_than_standard_support() -> None:
    for support in EKS_VERSIONS.values():
        assert support.extended_until - support.standard_until == timedelta(days=365) or (
            support.extended_until.replace(year=support.standard_until.year) == support.standard_until
        )
