"""Room on pools: nothing is promised twice, an update never waits for ever, and downtime is only what a spec allows."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.capacity.packing import Demand, Load, Nodes, demand, packed, part, rooms
from slipway.capacity.placement import Placed, Rollout, crowded, place, rollout
from slipway.environments.planning.pool import Accelerators, Pool
from slipway.errors.base import UserError, each
from slipway.spec.model import ModelSpec
from tests.support.pools import CPU, GI, GPU, MIG, SLICED, gpu, loaded, scale, spec

SURGE = Rollout(max_surge=1, max_unavailable=0)
ONE_GOES_FIRST = Rollout(max_surge=0, max_unavailable=1)
TWO_BY_TWO = replace(GPU, gpu=Accelerators(2, 24 * GI, "L4"), max_nodes=2)


def placed(pool: Pool, *models: ModelSpec) -> dict[str, Placed]:
    return {one.variant.spec.name: one for one in place("prod", [pool], [loaded(model) for model in models])}


def one_gpu(name: str, least: int, most: int, **more: Any) -> ModelSpec:
    return spec(name, resources=gpu(), scale=scale(least, most), **more)


def test_gpus_left_over_on_different_nodes_do_not_add_up() -> None:
    def room(count: int, others: list[tuple[int, int]]) -> int:
        loads = [Load(f"other-{gpus}", Demand(1, 1, gpus), replicas) for gpus, replicas in others]
        return rooms(TWO_BY_TWO, [Load("asked", Demand(1, 1, count), 1), *loads])["asked"]

    assert room(2, []) == 2
    assert room(2, [(1, 1)]) == 1
    assert room(2, [(1, 2)]) == 1
    assert room(2, [(1, 3)]) == 0
    assert room(1, [(2, 3)]) == 0
    assert room(1, [(2, 1)]) == 2


def test_a_rollout_starts_a_new_pod_first_then_stops_an_old_one_first_else_there_is_none() -> None:
    assert rollout(1, 3, 4, downtime=False) == SURGE
    assert rollout(2, 3, 3, downtime=False) == ONE_GOES_FIRST
    assert rollout(1, 3, 3, downtime=False) is None
    assert rollout(1, 3, 3, downtime=True) == ONE_GOES_FIRST
    assert rollout(1, 3, 2, downtime=True) is None


def test_downtime_is_taken_only_where_the_spec_allows_it_and_there_is_no_room_for_both() -> None:
    whole = replace(GPU, max_nodes=1)
    with pytest.raises(
        UserError, match=r"scale.max: 1 replicas and the extra one .* need 2 GPUs: pool l4 has capacity for 1"
    ):
        placed(whole, one_gpu("only", 1, 1))
    only = placed(whole, one_gpu("only", 1, 1, rollout={"downtime": "allowed"}))["only"]
    assert only.rollout == ONE_GOES_FIRST
    assert "stops the only replica" in only.warnings[0]
    assert placed(GPU, one_gpu("only", 1, 1, rollout={"downtime": "allowed"}))["only"].rollout == SURGE


def test_parts_of_a_gpu_are_counted_like_gpus_on_time_slices_and_on_mig() -> None:
    shared = [spec(name, resources=gpu(share="1/8"), scale=scale(1, 2)) for name in ("a", "b")]
    with pytest.raises(UserError, match="need 3 shares of GPUs: pool l4-sliced has capacity for 2 beside b replicas"):
        placed(SLICED, *shared)
    assert placed(replace(SLICED, max_nodes=2), *shared)["a"].rollout == SURGE
    assert placed(MIG, *shared)["b"].rollout == SURGE


def test_gpus_that_fit_one_by_one_are_refused_together() -> None:
    first, second = one_gpu("first", 1, 2), one_gpu("second", 1, 2)
    assert placed(TWO_BY_TWO, first)["first"].rollout == SURGE
    with pytest.raises(UserError) as refused:
        placed(TWO_BY_TWO, first, second)
    assert len(each(refused.value)) == 2


def test_a_model_that_fits_is_not_blamed_for_one_that_does_not() -> None:
    """Three nodes of three GPUs hold three replicas of two, and beside them three of one."""
    small, large = one_gpu("small", 1, 1), spec("large", resources=gpu(count=2), scale=scale(4, 4))
    with pytest.raises(UserError) as refused:
        placed(replace(GPU, gpu=Accelerators(3, GI, "L4"), max_nodes=3), small, large)
    assert [finding.problem for finding in each(refused.value)] == ["4 replicas do not fit: pool l4 has capacity for 3"]


def test_cpu_and_memory_beside_the_gpus_are_counted_too() -> None:
    narrow = replace(TWO_BY_TWO, cpu=1500)  # two GPUs, but CPU for one replica
    with pytest.raises(UserError, match="pool l4 has capacity for 2"):
        placed(narrow, one_gpu("model", 1, 3))


def test_models_without_gpus_must_fit_together_at_rest_and_are_warned_of_when_all_are_at_their_largest() -> None:
    """Four nodes of eight cores; each model four to sixteen replicas of one core."""
    models = [spec(f"model-{index}", scale=scale(4, 16)) for index in range(7)]
    fitting = placed(CPU, *models)  # 28 of 32 replicas
    assert {one.rollout for one in fitting.values()} == {SURGE}
    assert crowded(CPU, [(model.name, model) for model in models]) == (
        "pool cpu: if all its models were at scale.max at once, 80 of 112 replicas would find no capacity on its 4 "
        "nodes; raise max_nodes, or make sure that they never peak together"
    )
    assert crowded(CPU, [(model.name, model) for model in models[:2]]) is None
    eighth, ninth = (spec(f"model-{index}", scale=scale(4, 16)) for index in (7, 8))
    assert {one.rollout for one in placed(CPU, *models, eighth).values()} == {ONE_GOES_FIRST}
    with pytest.raises(UserError, match=r"4 replicas do not fit: pool cpu has capacity for 0 beside model-0"):
        placed(CPU, *models, eighth, ninth)


def test_replicas_at_rest_that_need_spot_nodes_are_counted_with_all_models_of_the_pool() -> None:
    """One node of eight cores is never taken back, and goes to the models that avoid spot."""
    spot = replace(CPU, spot=True, on_demand_nodes=1)
    assert placed(spot, spec(scale=scale(8, 8)))["least"].floor_on_spot == 0
    found = placed(spot, spec("a", scale=scale(5, 5), spot="allowed"), spec("z", scale=scale(6, 6)))
    assert {name: one.floor_on_spot for name, one in found.items()} == {"a": 3, "z": 0}
    assert "3 of the 5 minimum replicas need spot nodes of pool cpu" in found["a"].warnings[0]
    assert found["z"].warnings == ()
    assert placed(CPU, spec(scale=scale(8, 8)))["least"].floor_on_spot == 0


RESOURCES = st.builds(
    lambda cpu, memory, count: {"cpu": f"{cpu}m", "memory": f"{memory}Mi"} | (gpu(count=count) if count else {}),
    st.integers(100, 8000),
    st.integers(64, 32 * 1024),
    st.integers(0, 2),
)
SCALES = st.tuples(st.integers(1, 4), st.integers(0, 4)).map(lambda pair: scale(pair[0], pair[0] + pair[1]))
POOLS = st.builds(
    lambda gpus, nodes: replace(GPU, gpu=Accelerators(gpus, 24 * GI, "L4") if gpus else None, max_nodes=nodes),
    st.integers(0, 4),
    st.integers(1, 6),
)


def judged(strategy: str, **rollout: Any) -> dict[str, Any]:
    return {"endpoint": {"public": True}, "rollout": {"strategy": strategy} | rollout}


@pytest.mark.parametrize("strategy", ["canary", "blue-green"])
def test_a_judged_model_needs_its_new_release_beside_the_old_one_and_the_surge_at_its_end(strategy: str) -> None:
    """On nodes of one GPU each: one old replica, one new one, and one that takes the old one's place."""
    found = placed(replace(GPU, max_nodes=3), one_gpu("only", 1, 1, **judged(strategy)))["only"]
    assert found.rollout == replace(SURGE, candidate=1)
    with pytest.raises(
        UserError, match=rf"{strategy}.* runs 1 .* 3 replicas \(3 GPUs\), and pool l4 has capacity for 2"
    ):
        placed(replace(GPU, max_nodes=2), one_gpu("only", 1, 1, **judged(strategy)))
    assert placed(replace(GPU, max_nodes=2), one_gpu("only", 1, 1))["only"].rollout == SURGE


def test_where_an_old_replica_may_stop_first_a_judged_model_needs_no_surge() -> None:
    two = replace(GPU, max_nodes=4)
    assert placed(two, one_gpu("pair", 2, 2, **judged("canary")))["pair"].rollout == replace(
        ONE_GOES_FIRST, candidate=2
    )
    with pytest.raises(UserError, match=r"runs 2 .* beside 2 of the old one: 4 replicas \(4 GPUs\), .* capacity for 3"):
        placed(replace(GPU, max_nodes=3), one_gpu("pair", 2, 2, **judged("canary")))
    allowed = placed(replace(GPU, max_nodes=2), one_gpu("only", 1, 1, **judged("canary", downtime="allowed")))["only"]
    assert allowed.rollout == replace(ONE_GOES_FIRST, candidate=1)
    assert allowed.warnings == (), "its candidate serves while the only replica is replaced"


def test_the_new_release_of_a_judged_model_takes_nothing_from_its_neighbours() -> None:
    neighbour = one_gpu("neighbour", 1, 1, rollout={"downtime": "allowed"})
    model = one_gpu("model", 1, 1, **judged("canary"))
    assert placed(replace(GPU, max_nodes=4), neighbour, model)["model"].rollout.candidate == 1
    with pytest.raises(UserError, match="pool l4 has capacity for 2 beside neighbour") as refused:
        placed(replace(GPU, max_nodes=3), neighbour, model)
    assert [finding.field for finding in each(refused.value)] == ["rollout.strategy"]


def test_a_model_that_is_recreated_needs_no_more_than_its_replicas_and_says_that_it_stops() -> None:
    recreate = {"strategy": "recreate", "downtime": "allowed"}
    found = placed(replace(GPU, max_nodes=2), one_gpu("pair", 2, 2, rollout=recreate))["pair"]
    assert found.rollout == Rollout(max_surge=0, max_unavailable=2, recreate=True)
    assert "each update stops all replicas before a new one starts" in found.warnings[0]
    alone = placed(replace(GPU, max_nodes=9), one_gpu("alone", 1, 1, rollout=recreate))["alone"]
    assert "stops the only replica" in alone.warnings[0]
    with pytest.raises(UserError, match=r"3 replicas do not fit: .* capacity for 2; allowed: at most 2;"):
        placed(replace(GPU, max_nodes=2), one_gpu("many", 3, 3, rollout=recreate))


STRATEGIES = st.sampled_from(("rolling", "recreate", "blue-green", "canary"))


@given(pool=POOLS, wanted=st.lists(st.tuples(RESOURCES, SCALES, st.booleans(), STRATEGIES), min_size=1, max_size=6))
def test_what_is_placed_fits_at_the_same_time_and_one_update_with_it(pool: Pool, wanted: list[Any]) -> None:
    models = [
        spec(
            f"m{index}",
            resources=resources,
            scale=bounds,
            **judged(strategy, downtime="allowed" if downtime or strategy == "recreate" else "refused"),
        )
        for index, (resources, bounds, downtime, strategy) in enumerate(wanted)
    ]
    try:
        found = placed(pool, *models)
    except UserError as error:
        assert all(finding.problem and finding.allowed and finding.todo for finding in each(error))
        return
    for updated in models:
        loads = [
            Load(
                model.name,
                demand(model.resources),
                (model.scale.max if model.resources.gpu else model.scale.min)
                + (beside(found[model.name].rollout) if model is updated else 0),
            )
            for model in models
        ]
        assert arranged(pool, loads), "there is an arrangement of all replicas and of one update"
        how = found[updated.name].rollout
        most = updated.scale.max if updated.resources.gpu else updated.scale.min
        assert how.candidate == (most if updated.rollout.judged else 0)
        if how.max_surge == 0:
            assert updated.scale.min > 1 or updated.rollout.downtime == "allowed"


def beside(how: Rollout) -> int:
    """Replicas that an update needs beside those that there should be."""
    return how.candidate + how.max_surge


def arranged(pool: Pool, loads: list[Load]) -> bool:
    """Whether the loads fit in some order of packing, each node's sums looked at anew."""
    gpus = pool.gpu.count if pool.gpu else 0
    orders = [loads, *[[*loads[:i], *loads[i + 1 :], loads[i]] for i in range(len(loads))]]
    largest = sorted(loads, key=lambda load: (-load.each.gpus, -part(load.each, pool), load.model))
    orders += [largest, *[[*(one for one in largest if one is not last), last] for last in loads]]
    for order in orders:
        nodes: list[list[Demand]] = [[] for _ in range(pool.max_nodes)]
        if all(_put(nodes, load.each, pool, gpus) for load in order for _ in range(load.replicas)):
            return True
    return False


def _put(nodes: list[list[Demand]], replica: Demand, pool: Pool, gpus: int) -> bool:
    for node in nodes:
        there = [*node, replica]
        if (
            sum(one.cpu for one in there) <= pool.cpu
            and sum(one.memory for one in there) <= pool.memory
            and sum(one.gpus for one in there) <= gpus
        ):
            node.append(replica)
            return True
    return False


@given(pool=POOLS, wanted=st.lists(st.tuples(RESOURCES, st.integers(1, 9)), min_size=1, max_size=6))
def test_packing_never_gives_away_more_than_a_pool_has(pool: Pool, wanted: list[Any]) -> None:
    loads = [Load(f"m{i}", demand(spec(resources=r).resources), n) for i, (r, n) in enumerate(wanted)]
    nodes, found = packed(pool, loads)
    assert all(0 <= found[load.model] <= load.replicas for load in loads)
    for amount, has in (("cpu", pool.cpu), ("memory", pool.memory), ("gpus", pool.gpu.count if pool.gpu else 0)):
        assert sum(getattr(load.each, amount) * found[load.model] for load in loads) <= has * pool.max_nodes
    assert nodes.used <= pool.max_nodes
    missing = [load for load in loads if found[load.model] < load.replicas]
    assert all(nodes.room(load.each) == 0 for load in missing), "nobody is left out beside room for it"


def test_nodes_count_those_that_have_a_replica() -> None:
    nodes = Nodes(CPU)
    assert nodes.used == 0
    assert nodes.put(Demand(3000, GI, 0), 3) == 3  # two on a node of eight cores
    assert nodes.used == 2
    assert nodes.room(Demand(3000, GI, 0)) == 5
