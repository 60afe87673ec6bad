"""What a pool on AWS holds and costs, against numbers worked out by hand."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from slipway.catalog.aws import INSTANCE_TYPES
from slipway.environments.planning.aws.pools import GPU_TAINT, allocatable_cpu, allocatable_memory
from slipway.environments.planning.kinds import planning
from slipway.environments.planning.pool import Accelerators, Pool
from slipway.loading.specs import load_settings
from tests.support.planned import FIXTURES, ROOT

TODAY = date(2026, 11, 21)
MI = 2**20
GI = 2**30


def of(name: str, pool: str) -> Pool:
    folder = ROOT / "stacks" if name != "eks" else FIXTURES / "settings/ok"
    return next(each for each in planning(load_settings(folder, name, TODAY)).pools if each.name == pool)


@pytest.mark.parametrize(
    ("instance", "cpu", "memory"),
    [
        # 2000m - 60m - 10m - 300m; 8192Mi - 614.4Mi - (255 + 11 * 110 + 100)Mi - 512Mi
        ("m7i.large", 1630, 5500),
        # 8000m - 60m - 10m - 2 * 5m - 4 * 2.5m - 300m; 32768Mi - 2457.6Mi - 1565Mi - 512Mi
        ("m7i.2xlarge", 7610, 28233),
        # 16000m - 60m - 10m - 10m - 12 * 2.5m - 500m; 65536Mi - 4915.2Mi - 1565Mi - 1024Mi
        ("g5.4xlarge", 15390, 58031),
        # 48000m - 80m - 44 * 2.5m - 500m; 196608Mi - 14745.6Mi - 1565Mi - 1024Mi
        ("g4dn.12xlarge", 47310, 179273),
        # 192000m - 80m - 188 * 2.5m - 500m; 2097152Mi - 157286.4Mi - 1565Mi - 1024Mi
        ("p5.48xlarge", 190950, 1937276),
        # 8000m - 80m - 4 * 2.5m - 300m; 32768Mi - 2457.6Mi - 1565Mi - 64Mi - 512Mi
        ("m7g.2xlarge", 7610, 28169),
    ],
)
def test_models_get_what_hypervisor_kubelet_and_agents_leave(instance: str, cpu: int, memory: int) -> None:
    assert allocatable_cpu(INSTANCE_TYPES[instance]) == cpu
    assert allocatable_memory(INSTANCE_TYPES[instance]) == memory * MI


def test_no_instance_type_of_the_catalogue_is_too_small_for_a_model() -> None:
    for instance in INSTANCE_TYPES.values():
        assert allocatable_cpu(instance) >= 1000, instance.name
        assert allocatable_memory(instance) >= 4 * GI, instance.name


def test_a_pool_of_several_types_promises_what_the_smallest_has() -> None:
    mixed = of("eks", "cpu")  # c7i.4xlarge with 32Gi, m7i.4xlarge with 64Gi
    assert mixed.instance_types == ("c7i.4xlarge", "m7i.4xlarge")
    assert mixed.memory == allocatable_memory(INSTANCE_TYPES["c7i.4xlarge"])
    assert mixed.hourly_usd == Decimal("0.714")
    older = of("dev", "cpu")  # m7i has AMX, m6i has not
    assert older.cpu_features == {"avx2", "avx512", "vnni"}


def test_gpus_that_are_not_shared_are_counted_as_they_are() -> None:
    assert of("prod", "gpu-l4").gpu == Accelerators(1, 22888 * MI, "L4")
    assert of("prod", "gpu-a100").gpu == Accelerators(8, 40 * GI, "A100")


def test_replicas_that_take_turns_have_an_even_share_without_a_wall() -> None:
    assert of("prod", "gpu-t4").gpu == Accelerators(4, 4 * GI, "T4", "nvidia.com/gpu", Fraction(1, 4), isolated=False)


def test_parts_of_a_cut_gpu_are_asked_for_by_their_profile() -> None:
    assert of("prod", "gpu-a100-mig").gpu == Accelerators(
        56, 10 * GI, "A100", "nvidia.com/mig-1g.10gb", Fraction(1, 7), isolated=True
    )
    assert of("eks", "gpu-h100").gpu == Accelerators(4, 20 * GI, "H100", "nvidia.com/mig-1g.20gb", Fraction(1, 4))


def test_a_spot_pool_has_an_estimate_beside_the_price_and_a_floor_that_stays() -> None:
    pool = of("dev", "cpu")
    assert (pool.spot, pool.on_demand_nodes, pool.fallback) == (True, 1, True)
    assert pool.min_nodes == 1, "the on-demand node is there at rest, though min_nodes is 0"
    pool = of("prod", "gpu-l40s")
    assert (pool.spot, pool.min_nodes, pool.fallback) == (True, 0, True)
    assert pool.hourly_usd == Decimal("13.12002")
    assert pool.spot_hourly_usd == Decimal("13.12002") * Decimal("0.45")
    assert of("prod", "cpu").spot_hourly_usd is None
    assert of("eks", "gpu-a10g").fallback is False


def test_pods_find_their_pool_by_its_label_and_gpus_are_kept_for_those_who_ask() -> None:
    reserved = of("prod", "gpu-a100")
    assert reserved.selector == {"slipway.dev/pool": "gpu-a100"}
    assert reserved.taints[0] == GPU_TAINT
    assert [taint.key for taint in reserved.taints] == ["nvidia.com/gpu", "example.com/reserved"]
    assert of("prod", "cpu").taints == ()
    assert (reserved.reserved, reserved.region, reserved.zones) == (True, "eu-central-1", ("eu-central-1b",))


def test_a_pool_without_zones_is_in_all_of_the_environment() -> None:
    assert of("prod", "graviton").zones == ("eu-central-1a", "eu-central-1b", "eu-central-1c")
    assert of("prod", "graviton").architecture == "arm64"


def test_a_pool_of_a_kubeconfigs_cluster_is_as_its_settings_say() -> None:
    (pool,) = planning(load_settings(ROOT / "stacks", "local", TODAY)).pools
    assert (pool.name, pool.cpu, pool.memory, pool.gpu) == ("default", 2000, 16 * GI, None)
    assert (pool.hourly_usd, pool.region, pool.instance_types) == (None, None, ())
