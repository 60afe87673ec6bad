"""The catalogue says what EC2 itself says: the answers of its API that moto carries."""

import gzip
import json
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import moto.ec2
import pytest
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

from slipway.catalog.aws import (
    EKS_VERSIONS,
    INSTANCE_TYPES,
    NO_CONTROL_PLANE,
    REGIONS,
    GpuCards,
    InstanceType,
    accelerator_of,
    instance,
    instances_with,
    mig_profiles,
    prefer,
    shipped,
    zones_of,
)
from slipway.catalog.facts import CatalogueFile

_ANSWERS = Path(moto.ec2.__file__).parent / "resources"
UNKNOWN_TO_MOTO = ("ap-southeast-7", "mx-central-1")
"""Regions in which moto does not say what is offered."""
ALL_OFFERS = ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1")
"""Regions in which every type that is offered and of the first catalogue has a price."""
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
    found: dict[str, dict[str, set[str]]] = {region: {} for region in REGIONS if region not in UNKNOWN_TO_MOTO}
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
    assert _cards(known.gpu) == [
        (card["Name"], card["Count"], card["MemoryInfo"]["SizeInMiB"] * 2**20) for card in cards
    ]
    devices = fact.get("NeuronInfo", {"NeuronDevices": []})["NeuronDevices"]
    assert _cards(known.neuron) == [
        (one["Name"], one["Count"], one["MemoryInfo"]["SizeInMiB"] * 2**20) for one in devices
    ]
    assert known.storage_gb == fact.get("InstanceStorageInfo", {"TotalSizeInGB": 0})["TotalSizeInGB"]


def _cards(cards: GpuCards | None) -> list[tuple[str, int, int]]:
    return [(cards.model, cards.count, cards.memory)] if cards else []


@pytest.mark.parametrize(
    ("name", "pods"),
    [
        ("m7i.large", 29),
        ("m7i.2xlarge", 58),
        ("g4dn.2xlarge", 29),
        ("p4d.24xlarge", 737),
        ("p5.48xlarge", 100),
        ("m8g.large", 29),
    ],
)
def test_a_node_has_as_many_addresses_for_pods_as_nodeadm_counts(name: str, pods: int) -> None:
    """eni-max-pods.txt of github.com/awslabs/amazon-eks-ami."""
    assert INSTANCE_TYPES[name].max_pods == pods


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
    priced = set(known.hourly_usd)
    assert priced <= set(REGIONS)
    assert priced <= {region for region in offers if known.name in offers[region]} | set(UNKNOWN_TO_MOTO)
    assert all(price > 0 for price in known.hourly_usd.values())


@pytest.mark.parametrize("region", ALL_OFFERS)
def test_whatever_is_offered_where_most_environments_are_has_a_price(
    region: str, offers: Mapping[str, Mapping[str, set[str]]]
) -> None:
    families = {"m6i", "m7i", "c7i", "r7i", "m7g", "c7g", "r7g", "m8g", "g4dn", "g5", "g6", "g6e", "p4d", "p5"}
    for known in INSTANCE_TYPES.values():
        if known.name.partition(".")[0] in families and known.name in offers[region]:
            assert region in known.hourly_usd, known.name


@pytest.mark.parametrize("region", sorted(REGIONS))
def test_the_zones_of_a_region_are_those_in_which_eks_makes_a_control_plane(region: str) -> None:
    known = RegionsAndZonesBackend.zones[region]
    assert list(REGIONS[region].zones) == [zone.name for zone in known if zone.zone_id not in NO_CONTROL_PLANE]
    assert "us-east-1e" not in REGIONS[region].zones


def test_the_file_says_where_each_of_its_blocks_is_from() -> None:
    file = shipped()
    types = {name for facts in file.types.values() for name in facts.model_fields_set}
    regions = {name for facts in file.regions.values() for name in facts.model_fields_set}
    assert types & {"cpu_features", "hourly_usd"} == {"cpu_features", "hourly_usd"}
    assert {"types", "cpu_features", "hourly_usd", "eks_versions", "gpu_tflops"} <= set(file.sources)
    assert regions <= set(file.sources)
    assert file.account is None
    assert {card.model for facts in file.types.values() if (card := facts.gpu)} == set(file.gpu_tflops)


def test_files_of_the_user_are_preferred_and_say_nothing_of_other_accounts() -> None:
    known = shipped().types["m7i.large"]
    later = CatalogueFile.model_validate(
        {
            "version": 1,
            "date": "2026-11-28",
            "sources": {},
            "account": "123456789012",
            "eks_versions": {"1.37": {"standard_until": "2028-01-01", "extended_until": "2029-01-01"}},
            "regions": {"eu-west-1": {"zones": ["eu-west-1b"]}},
            "types": {
                "m7i.large": known.model_dump(mode="json")
                | {
                    "hourly_usd": {"eu-west-1": "0.2"},
                    "spot_hourly_usd": {"eu-west-1": "0.05"},
                    "offered": {"eu-west-1": ["eu-west-1b"]},
                }
            },
        }
    )
    try:
        prefer([later])
        found = INSTANCE_TYPES["m7i.large"]
        assert found.hourly_usd["eu-west-1"] == Decimal("0.2")
        assert found.hourly_usd["us-east-1"] == known.hourly_usd["us-east-1"]
        assert found.spot_hourly_usd == {"eu-west-1": Decimal("0.05")}
        assert found.offered == {("123456789012", "eu-west-1"): ("eu-west-1b",)}
        assert zones_of("eu-west-1", "123456789012") == ("eu-west-1b",)
        assert zones_of("eu-west-1", "000000000000") == shipped().regions["eu-west-1"].zones
        assert REGIONS["eu-west-1"].nat_hourly_usd == Decimal("0.048")
        assert "1.37" in EKS_VERSIONS
    finally:
        prefer([])
    assert "1.37" not in EKS_VERSIONS
    assert INSTANCE_TYPES["m7i.large"].hourly_usd == known.hourly_usd


def test_only_processors_of_intel_have_avx512_and_amx(described: Mapping[str, Any]) -> None:
    for known in INSTANCE_TYPES.values():
        if known.cpu_features & {"avx512", "amx"}:
            assert described[known.name]["ProcessorInfo"]["Manufacturer"] == "Intel", known.name
        assert bool(known.cpu_features) == (known.architecture == "amd64"), known.name


def test_a_search_finds_the_cheapest_first_and_only_what_the_region_has() -> None:
    names = [found.name for found in instances_with("L4", 1, "eu-central-1")]
    assert names == ["g6.xlarge", "g6.2xlarge", "g6.4xlarge", "g6.8xlarge", "g6.16xlarge"]
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
