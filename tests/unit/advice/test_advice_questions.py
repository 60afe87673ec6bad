"""What makes a location not feasible, each with its reason; what cannot be answered is neither yes nor no."""

from dataclasses import replace
from typing import Any

import pytest

from slipway.advice.locations import Location
from slipway.advice.needs import Asked
from slipway.advice.questions import BUDGET, GPU, LATENCY, PRIVACY, REPLICAS, RESIDENCY, RESOURCES
from slipway.advice.ranking import Advice, advise
from slipway.capacity.packing import Demand, Load
from tests.support.pools import CPU, GI, gpu, scale, spec
from tests.support.pools import GPU as L4
from tests.unit.advice.made import finding, location


def asked(where: Location, **needs: Any) -> Advice:
    return advise(where, [finding()], Asked(**needs))


NOWHERE = replace(CPU, region=None, hourly_usd=None, instance_types=())
PUBLIC = spec(endpoint={"public": True})
REFUSED: dict[str, tuple[Location, dict[str, Any], str, str]] = {
    "memory": (location(spec(resources={"memory": "64Gi"})), {}, RESOURCES, "a node has 32Gi memory"),
    "architecture": (location(spec(resources={"architecture": "arm64"})), {}, RESOURCES, "nodes of amd64"),
    "no GPU": (location(spec(resources=gpu())), {}, GPU, "no GPU"),
    "GPU memory": (location(spec(resources=gpu(memory="40Gi")), L4), {}, GPU, "L4 with 24Gi each"),
    "its data's region": (location(spec(data={"region": "us-east-1"})), {}, RESIDENCY, "in eu-central-1"),
    "residency": (location(), {"residency": ("us-east-1", "us-west-2")}, RESIDENCY, "in eu-central-1"),
    "no region": (location(pool=NOWHERE), {"residency": ("us-east-1",)}, RESIDENCY, "no region"),
    "privacy": (location(PUBLIC), {"private": True}, PRIVACY, "open to the internet"),
    "scale.max": (location(), {"rps": 41}, REPLICAS, "2 replicas are needed, and scale.max is 1"),
    "capacity": (
        location(spec(scale=scale(1, 20)), replace(CPU, max_nodes=1), beside=(Load("other", Demand(4000, GI, 0), 1),)),
        {"rps": 200},
        REPLICAS,
        "5 replicas are needed, and cpu has capacity for 4 beside other",
    ),
    "the way alone": (
        location(),
        {"latency_ms": 1, "request_mb": 1, "answer_mb": 1},
        LATENCY,
        "160.0 ms on the way alone",
    ),
    "latency": (location(), {"latency_ms": 30.0}, LATENCY, "and 30 ms are allowed"),
    "budget": (location(), {"budget_usd": 37}, BUDGET, "a month, and the budget is $37.00"),
    "budget of all": (
        location(budget_usd=37),
        {},
        BUDGET,
        "budget.monthly_usd of prod, for all of its models",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_feasible_says_why(case: str) -> None:
    where, needs, question, why = REFUSED[case]
    found = asked(where, **needs).refused
    assert found is not None
    assert found.question == question
    assert why in found.why


def test_everything_that_stands_in_the_way_is_said_not_only_the_first() -> None:
    found = asked(location(PUBLIC), private=True, rps=100, latency_ms=1, budget_usd=1)
    assert [answer.question for answer in found.answers if answer.verdict == "no"] == [
        PRIVACY,
        REPLICAS,
        LATENCY,
        BUDGET,
    ]


def test_the_least_model_is_feasible_with_nothing_asked_of_it() -> None:
    found = asked(location())
    assert (found.refused, found.unproven) == (None, ())


def test_what_the_internet_does_not_reach_is_private() -> None:
    for where in (location(), location(PUBLIC, open_to_internet=False)):
        assert asked(where, private=True).refused is None


UNPROVEN: dict[str, tuple[Location, dict[str, Any], str]] = {
    "who reaches a gateway": (location(PUBLIC, open_to_internet=None), {"private": True}, PRIVACY),
    "a price": (
        location(pool=NOWHERE, terms=None, disk_gib=None, budget_usd=None),
        {"budget_usd": 100},
        BUDGET,
    ),
    "times": (location(spec(resources={"cpu": "2"})), {"latency_ms": 100}, LATENCY),
}


@pytest.mark.parametrize("case", UNPROVEN)
def test_what_nobody_knows_is_neither_yes_nor_no(case: str) -> None:
    where, needs, question = UNPROVEN[case]
    found = asked(where, **needs)
    assert found.refused is None
    assert [answer.question for answer in found.unproven] == [question]
    assert found.to_json()["feasible"] is None


def test_a_part_of_a_price_that_is_over_the_budget_alone_is_refused() -> None:
    where = location(disk_usd=None)
    found = asked(where, budget_usd=10)
    assert found.refused is not None and found.refused.question == BUDGET
