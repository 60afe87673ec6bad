"""The choice of a pool: by what a model asks for, then by price; and in words why, or what every pool lacks."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, Literal

import pytest

from slipway.capacity.binding import bind, lacks, no_pool
from slipway.environments.planning.pool import Pool
from slipway.settings.kubernetes import Taint
from slipway.spec.model import ModelSpec
from tests.support.pools import CPU, GI, GPU, MIG, SLICED, gpu, loaded, spec

ARM = replace(
    CPU, name="arm", architecture="arm64", cpu_features=frozenset(), hourly_usd=Decimal("0.30"), instance_types=("m7g",)
)
AMX = replace(CPU, name="amx", cpu_features=frozenset({"avx2", "avx512", "amx"}), hourly_usd=Decimal("0.50"))


def chosen(model: ModelSpec, *pools: Pool) -> str | None:
    """The name of the pool, the same in any order of the pools."""
    names = {bound.pool.name if (bound := bind(order, model)) else None for order in (pools, pools[::-1])}
    assert len(names) == 1
    return names.pop()


def test_the_pool_on_which_a_replica_costs_least_is_taken() -> None:
    large = replace(CPU, name="large", cpu=32_000, memory=128 * GI, hourly_usd=Decimal("1.28"))
    assert chosen(spec(), CPU, large) == "large"  # 1/32 of $1.28 is $0.04, 1/8 of $0.40 is $0.05
    assert chosen(spec(), CPU, replace(large, hourly_usd=Decimal("1.92"))) == "cpu"  # 1/32 of $1.92 is $0.06
    assert chosen(spec(), CPU, replace(large, hourly_usd=Decimal("1.60"))) == "cpu"  # $0.05 too, and it is smaller


def test_what_a_replica_costs_is_the_largest_of_its_shares_of_a_node() -> None:
    lean = replace(CPU, name="lean", memory=8 * GI, hourly_usd=Decimal("0.30"))
    assert chosen(spec(), CPU, lean) == "lean"  # 1/8 of the CPU in both
    assert chosen(spec(resources={"memory": "4Gi"}), CPU, lean) == "cpu"  # 4Gi is half of lean and an eighth of cpu


def test_a_model_without_gpu_goes_to_nodes_with_gpus_only_when_no_others_fit() -> None:
    cheap = replace(GPU, hourly_usd=Decimal("0.01"))
    assert chosen(spec(), CPU, cheap) == "cpu"
    assert chosen(spec(resources={"memory": "30Gi"}), replace(CPU, memory=16 * GI), cheap) == "l4"


@pytest.mark.parametrize(
    ("asked", "pool"),
    [
        ({"family": "L4"}, "l4"),
        ({"family": ["H100", "L4"]}, "l4"),
        ({"family": "T4"}, None),
        ({"memory": "24Gi"}, "l4"),
        ({"memory": "25Gi"}, None),
        ({"count": 2}, None),
        ({"share": "1/4"}, "l4-sliced"),
        ({"share": 0.2, "memory": "6Gi"}, "l4-sliced"),
        ({"share": "1/4", "memory": "7Gi"}, "l4"),
        ({"share": "1/3"}, "l4"),
        ({"share": "1/8", "family": "H100"}, "h100-mig"),
        ({"share": "1/7", "family": "H100"}, None),
    ],
)
def test_gpus_are_chosen_by_what_they_can_do(asked: dict[str, Any], pool: str | None) -> None:
    assert chosen(spec(resources=gpu(**asked)), CPU, GPU, SLICED, MIG) == pool


def test_architecture_and_features_of_the_cpu_are_asked_for() -> None:
    assert chosen(spec(), CPU, ARM, AMX) == "cpu"
    assert chosen(spec(resources={"architecture": "arm64"}), CPU, ARM, AMX) == "arm"
    assert chosen(spec(resources={"cpu_features": ["avx512", "amx"]}), CPU, ARM, AMX) == "amx"
    assert chosen(spec(resources={"cpu_features": ["amx"]}), CPU, ARM) is None


def test_data_of_a_region_or_zone_stays_there_and_a_pool_of_unknown_region_is_none_of_it() -> None:
    single = replace(CPU, name="single", zones=("eu-central-1a",), hourly_usd=Decimal("9"))
    unknown = replace(CPU, name="unknown", region=None, zones=())
    assert chosen(spec(data={"region": "eu-central-1"}), CPU, single, unknown) == "cpu"
    assert chosen(spec(data={"region": "eu-central-1", "zone": "eu-central-1a"}), CPU, single) == "single"
    assert chosen(spec(data={"region": "eu-west-1"}), CPU, single, unknown) is None


def test_replicas_avoid_spot_nodes_unless_the_spec_allows_them_or_nothing_else_fits() -> None:
    spot = replace(CPU, name="spot", spot=True, spot_hourly_usd=Decimal("0.18"))
    assert chosen(spec(), CPU, spot) == "cpu"
    assert chosen(spec(spot="allowed"), CPU, spot) == "spot"
    assert chosen(spec(), spot) == "spot"


def test_spot_nodes_are_better_than_gpus_that_nobody_needs() -> None:
    spot = replace(CPU, name="spot", spot=True, spot_hourly_usd=Decimal("0.18"))
    assert chosen(spec(), GPU, spot) == "spot"


def test_the_reason_says_what_a_replica_takes_and_costs_and_what_the_other_pools_are() -> None:
    bound = bind([CPU, GPU, SLICED, MIG], spec(resources=gpu(share="1/4", memory="6Gi")))
    assert bound is not None
    assert bound.reason == (
        "the best of 2 eligible pools: $0.3000 an hour for 25.0% of one g6.2xlarge",
        "l4 at $1.2000",
        "cpu is not eligible (no GPU)",
        "h100-mig is not eligible (1/8 of the H100 for each)",
    )


def test_without_prices_the_smallest_pool_is_taken_and_said_to_be() -> None:
    free = [replace(pool, hourly_usd=None) for pool in (GPU, CPU)]
    large = replace(free[1], name="large", memory=64 * GI)
    bound = bind([large, *free], spec(resources=gpu()))
    assert bound is not None
    assert bound.reason == ("the smallest eligible pool", "large, cpu are not eligible (no GPU)")
    assert chosen(spec(), large, *free) == "cpu"


def test_a_refusal_names_everything_that_each_pool_lacks_and_pools_that_are_alike_once() -> None:
    model = spec(resources=gpu(family="A100", memory="40Gi", count=2) | {"cpu": "16"})
    assert [lack.has for lack in lacks(GPU, model)] == [
        "a node has 8 CPU", "L4", "1 GPU in a node", "L4 with 24Gi each"
    ]  # fmt: skip
    error = no_pool("prod", [CPU, replace(CPU, name="cpu-2"), GPU], loaded(model), model)
    assert error.allowed == (
        "what one of these offers (cpu, cpu-2: a node has 8 CPU, no GPU; "
        "l4: a node has 8 CPU, L4, 1 GPU in a node, L4 with 24Gi each)"
    )


@pytest.mark.parametrize(
    ("asked", "field", "problem"),
    [
        ({"resources": {"cpu": 64}}, "resources.cpu", '"64" is more than a node of any pool of prod offers'),
        (
            {"resources": {"architecture": "arm64"}},
            "resources.architecture",
            '"arm64" is offered by no node pool of prod',
        ),
        ({"resources": gpu(family="T4")}, "resources.gpu.family", '["T4"] is offered by no node pool of prod'),
        ({"data": {"region": "eu-west-1"}}, "data.region", '"eu-west-1" is offered by no node pool of prod'),
    ],
)
def test_a_refusal_blames_the_field_that_keeps_a_replica_off(asked: dict[str, Any], field: str, problem: str) -> None:
    model = spec(**asked)
    error = no_pool("prod", [CPU, GPU], loaded(model), model)
    assert error.field == field
    assert error.problem.startswith(problem)


def reserved(effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]) -> Pool:
    """Cheaper than any other, and kept for who names its taint."""
    taint = Taint(key="example.com/reserved", value="training", effect=effect)
    return replace(CPU, name="kept", hourly_usd=Decimal("0.01"), taints=(taint,), reserved_by=(taint.key,))


@pytest.mark.parametrize("effect", ["NoSchedule", "NoExecute"])
def test_a_pool_that_is_kept_for_some_is_for_models_that_name_its_taint(
    effect: Literal["NoSchedule", "NoExecute"],
) -> None:
    pool = reserved(effect)
    assert chosen(spec(), CPU, pool) == "cpu"
    assert chosen(spec(), pool) is None
    assert chosen(spec(tolerates=["example.com/other"]), pool) is None
    assert chosen(spec(tolerates=["example.com/reserved"]), CPU, pool) == "kept"


def test_a_taint_that_only_asks_pods_to_stay_away_keeps_no_model_off() -> None:
    assert chosen(spec(), CPU, reserved("PreferNoSchedule")) == "kept"


def test_a_taint_that_is_no_reservation_is_tolerated_by_all_that_fit() -> None:
    assert chosen(spec(), replace(reserved("NoSchedule"), reserved_by=())) == "kept"
