"""The formulas of advice, held against sums done by hand; what nobody knows is never nothing."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.advice.cost import monthly_cost
from slipway.advice.figures import Figure, derived
from slipway.advice.needs import Asked, needs_of
from slipway.advice.processing import processing
from slipway.advice.ranking import advise, ranked
from slipway.advice.shown import elsewhere, notes
from slipway.environments.planning.pool import Accelerators
from tests.support.pools import CPU, GI, GPU, SLICED, gpu, scale, spec
from tests.unit.advice.made import AWS, finding, location

EXPECTED = {"requests": "10/s", "request_size": "100k", "answer_size": "25k"}
ONE = Figure(1, "given", "a test")


def test_a_request_takes_its_data_by_the_bandwidth_and_the_processing_that_was_measured() -> None:
    """125 kB are 1,000,000 bits; at 50 Mbit/s 20 ms. 30 ms of processing make 50."""
    asked = Asked(bandwidth_mbps=50, request_mb=0.1, answer_mb=0.025)
    found = advise(location(), [finding()], asked)
    assert found.needs.transfer_ms == pytest.approx(20)
    assert found.latency_ms is not None and found.latency_ms.value == pytest.approx(50)


def test_a_month_costs_parts_of_nodes_their_disks_and_traffic() -> None:
    """1 of 8 cores of a node of $0.40: 0.125 x 0.40 x 730 = $36.50; of 100 GiB at $0.10: 0.125 x 10 = $1.25.

    10/s x 2,628,000 s are 26.28 million calls: 611.9 GiB of answers at $0.09, and all of the data crosses zones once
    (half of it, twice): 3059.5 GiB at $0.02.
    """
    model = spec(endpoint={"public": True, "expected": EXPECTED})
    where = location(model)
    cost = monthly_cost(where, needs_of(where.variant, Asked()), ONE, Asked())
    answers, both = 26_280_000 * 25_000 / 2**30, 26_280_000 * 125_000 / 2**30
    for name, usd in (("compute", 36.5), ("storage", 1.25), ("network", answers * 0.09 + both * 0.02)):
        part = cost.of(name)
        assert part is not None and part.value == pytest.approx(usd), name
    assert cost.usd is not None and cost.usd.value == pytest.approx(36.5 + 1.25 + answers * 0.09 + both * 0.02)


def test_a_model_without_a_route_sends_nothing_to_the_internet_and_crosses_zones_half_as_often() -> None:
    model = spec(endpoint={"expected": EXPECTED})
    where = location(model)
    network = monthly_cost(where, needs_of(where.variant, Asked()), ONE, Asked()).of("network")
    assert network is not None and network.value == pytest.approx(26_280_000 * 125_000 / 2**30 / 2 * 0.02)


def test_effectiveness_is_what_one_client_gets_answered_for_a_dollar() -> None:
    found = advise(location(), [finding()], Asked(request_mb=0.0001, answer_mb=0.0001, bandwidth_mbps=1_000_000))
    assert found.cost is not None and found.cost.usd is not None and found.effectiveness is not None
    assert found.latency_ms is not None and found.latency_ms.value == pytest.approx(30, rel=1e-4)
    assert found.effectiveness.value == pytest.approx(1000 / 30 / found.cost.usd.value, rel=1e-4)


def test_there_are_as_many_replicas_as_the_rate_needs_and_never_fewer_than_scale_min() -> None:
    """A replica answers 40 requests a second."""
    model = spec(scale=scale(2, 4))

    def replicas(rps: float) -> float | None:
        found = advise(location(model), [finding()], Asked(rps=rps)).replicas
        return found.value if found is not None else None

    assert [replicas(rps) for rps in (1, 80, 80.5, 130)] == [2, 2, 3, 4]


@pytest.mark.parametrize(
    "changes",
    [{"cpu": 2000}, {"runtime": "litert"}, {"flags": ("asimd",)}],
    ids=["another limit of CPU", "another runtime", "another architecture"],
)
def test_what_was_measured_of_something_else_is_no_measurement(changes: dict[str, Any]) -> None:
    assert processing(location(), [finding(**changes)], {}) is None


def test_of_several_findings_the_nearest_memory_and_then_the_newest_day_count() -> None:
    findings = [
        finding(memory=4 * GI, p95_ms=1, date="2026-11-09"),
        finding(p95_ms=2, date="2026-11-01"),
        finding(p95_ms=3, date="2026-11-02"),
    ]
    found = processing(location(), findings, {})
    assert found is not None and (found.ms.value, found.ms.basis) == (3, "measured")


def test_a_gpu_that_nobody_named_takes_as_much_longer_as_it_computes_slower() -> None:
    """A T4 has 65 TFLOPS and an L4 121: 121 ms there are 65 ms here."""
    where = location(spec(resources=gpu()), GPU)
    found = processing(where, [], {"T4": 121})
    assert found is not None and found.ms.value == pytest.approx(65) and found.ms.basis == "assumed"
    assert "65 to 121 TFLOPS" in found.ms.source
    named = processing(where, [], {"T4": 121, "L4": 50})
    assert named is not None and (named.ms.value, named.ms.basis) == (50, "given")


def test_on_a_part_of_a_gpu_a_request_takes_as_many_times_as_long() -> None:
    shared = location(spec(resources=gpu(share="1/4")), SLICED)
    found = processing(shared, [], {"L4": 50})
    assert found is not None and (found.ms.value, found.rps.value, found.ms.basis) == (200, 5, "assumed")


def test_a_model_on_gpus_is_not_taken_to_be_as_fast_as_it_was_on_a_cpu() -> None:
    assert processing(location(spec(resources=gpu()), GPU), [finding()], {"cpu": 10}) is None


def test_a_cluster_whose_prices_nobody_knows_has_no_cost_unless_somebody_says_what_a_node_costs() -> None:
    pool = replace(CPU, hourly_usd=None, instance_types=())
    where = location(pool=pool, terms=None, disk_gib=None, disk_usd=None, budget_usd=None)
    needs = needs_of(where.variant, Asked())
    unknown = monthly_cost(where, needs, ONE, Asked())
    assert (unknown.usd, unknown.unknown) == (None, ("compute", "storage", "network"))
    known = monthly_cost(where, needs, ONE, Asked(node_usd=0.8)).usd
    assert known is not None and known.value == pytest.approx(0.125 * 0.8 * 730)


def test_a_region_without_prices_of_traffic_is_not_cheaper_for_it() -> None:
    where = location(terms=replace(AWS, prices=None))
    cost = monthly_cost(where, needs_of(where.variant, Asked()), ONE, Asked())
    assert (cost.usd, cost.unknown) == (None, ("network",))
    assert cost.known_usd == pytest.approx(37.75)


def test_spot_prices_that_are_estimated_are_assumed() -> None:
    spot = replace(CPU, spot=True, spot_hourly_usd=Decimal("0.18"))
    cost = monthly_cost(location(pool=spot), needs_of(location().variant, Asked()), ONE, Asked()).of("compute")
    assert cost is not None and cost.value == pytest.approx(16.425) and cost.basis == "assumed"
    assert "estimated" in cost.source


def test_a_number_is_as_sure_as_the_least_sure_of_what_it_was_computed_from() -> None:
    sure, guess = Figure(1, "measured", ""), Figure(2, "assumed", "")
    assert derived(3, [sure, guess], "").basis == "assumed"
    assert derived(3, [sure, Figure(1, "catalogue", "")], "").basis == "catalogue"


def test_what_a_spec_expects_is_the_default_and_what_is_asked_for_wins() -> None:
    model = spec(endpoint={"expected": EXPECTED}, slo={"p95_ms": 100}, data={"region": "eu-central-1"})
    needs = needs_of(location(model).variant, Asked())
    assert (needs.request_bytes.value, needs.answer_bytes.value, needs.rps.value) == (100_000, 25_000, 10)
    assert needs.latency_ms == Figure(100, "given", "slo.p95_ms")
    assert needs.residency == ("eu-central-1",)
    asked = needs_of(location(model).variant, Asked(latency_ms=5, rps=2, request_mb=1, residency=("us-east-1",)))
    assert (asked.request_bytes.value, asked.rps.value, asked.residency) == (1_000_000, 2, ("us-east-1",))
    assert asked.latency_ms == Figure(5, "given", "--latency-ms")


@given(rps=st.floats(0.001, 1000), more=st.floats(1, 100), mb=st.floats(0.001, 100))
def test_more_requests_and_more_data_never_cost_less(rps: float, more: float, mb: float) -> None:
    where = location(spec(endpoint={"public": True}, scale=scale(1, 1000)), replace(CPU, max_nodes=1000))

    def usd(rate: float, size: float) -> float:
        found = advise(where, [finding()], Asked(rps=rate, request_mb=size, answer_mb=size)).cost
        assert found is not None and found.usd is not None
        return found.usd.value

    assert usd(rps, mb) <= usd(rps * more, mb) * (1 + 1e-9)
    assert usd(rps, mb) <= usd(rps, mb * more) * (1 + 1e-9)


def test_the_best_is_what_is_feasible_and_answers_fastest_for_a_dollar() -> None:
    cheap = location(pool=replace(CPU, name="cheap", hourly_usd=Decimal("0.20")))
    dear = location(pool=replace(CPU, name="dear"))
    spot = location(pool=replace(CPU, name="spot", spot=True, spot_hourly_usd=Decimal("0.01")))
    small = location(pool=replace(CPU, name="small", cpu=500))
    needless = location(pool=replace(CPU, name="gpu", gpu=Accelerators(1, 24 * GI, "L4"), hourly_usd=Decimal("0.01")))
    found = ranked([advise(where, [finding()], Asked()) for where in (small, needless, spot, dear, cheap)])
    assert [one.location.pool.name for one in found] == ["cheap", "dear", "spot", "gpu", "small"]
    assert found[4].refused is not None and found[4].cost is None


def test_half_of_a_gpu_counts_as_half() -> None:
    pool = replace(GPU, gpu=Accelerators(2, 12 * GI, "L4", fraction=Fraction(1, 2), isolated=False))
    found = processing(location(spec(resources=gpu(share="1/2")), pool), [], {"": 10})
    assert found is not None and found.ms.value == 20


def test_a_model_with_gpus_is_told_what_other_clouds_call_such_a_node_and_one_without_is_not() -> None:
    asks = advise(location(spec(resources=gpu()), GPU), [], Asked())
    assert asks.to_json()["equivalents"] == [{"cloud": "gcp", "name": "g2-standard-12"}]
    assert elsewhere([asks])[2] == [["g6.2xlarge", "g2-standard-12", "-"]]
    assert any(line.startswith("the same GPUs elsewhere: as of 20") for line in notes("least", [asks]))
    assert advise(location(pool=GPU), [], Asked()).to_json()["equivalents"] == []
