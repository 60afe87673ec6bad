"""Prices and cold starts, held against sums done by hand."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from slipway.capacity.estimates import ColdStart, estimates, monthly
from slipway.plan.model import Plan
from slipway.planner.environment import plan
from slipway.planner.price import LEFT_OUT, EnvironmentPrice, price
from slipway.settings.aws import AwsSettings
from tests.support.planned import CODE, fixture_plan
from tests.support.pools import CPU, GPU, SLICED, gpu, loaded, scale, spec

SETTINGS: dict[str, Any] = {
    "kind": "aws",
    "account": "123456789012",
    "region": "us-east-1",
    "zones": ["us-east-1a", "us-east-1b"],
    "cidr": "10.20.0.0/16",
    "kubernetes_version": "1.34",
    "administrators": ["arn:aws:iam::123456789012:role/platform"],
    "namespace": "slipway",
    "base_image": f"example.com/base:1@sha256:{'0' * 64}",
    "budget": {"monthly_usd": 2000, "alarm": "ml@example.com"},
    "tags": {"team": "ml"},
    "node_pools": [
        {"name": "cpu", "instance_types": ["m7i.2xlarge"], "min_nodes": 1, "max_nodes": 4, "disk": "50Gi"},
        {"name": "t4", "accelerator": "T4", "gpus": 1, "max_nodes": 3, "spot": {"on_demand_nodes": 1}},
    ],
}
STANDARD, EXTENDED = date(2026, 12, 1), date(2026, 12, 2)
"""The last day of the standard support of Kubernetes 1.34, and the first of the extended one."""


def planned(**changes: Any) -> Plan:
    settings = AwsSettings.model_validate(SETTINGS | changes)
    models = [
        loaded(spec("small", resources={"cpu": 3, "memory": "4Gi"}, scale=scale(1, 5))),
        loaded(spec("seen", resources=gpu(memory="8Gi"), scale=scale(2, 2), spot="allowed")),
    ]
    return plan("prod", settings, models, CODE)


def priced(on: date = STANDARD, **changes: Any) -> EnvironmentPrice:
    found = price(planned(**changes), on)
    assert found is not None
    return found


def test_a_model_costs_the_part_of_a_node_that_its_replicas_take() -> None:
    """A core of eight at $0.40 an hour is $0.05; with 8Gi of 32Gi it is the memory's quarter, $0.10."""
    cost = estimates(CPU, spec(scale=scale(2, 6)), 0).cost
    assert cost is not None
    assert (cost.at_min, cost.at_max) == (Decimal("0.10"), Decimal("0.30"))
    assert (monthly(cost.at_min), monthly(cost.at_max)) == (Decimal("73.00"), Decimal("219.00"))
    assert (cost.spot_at_min, cost.spot_at_max) == (None, None)
    memory = estimates(CPU, spec(resources={"memory": "8Gi"}), 0).cost
    assert memory is not None
    assert memory.at_min == memory.at_max == Decimal("0.10")


def test_a_share_of_a_gpu_costs_its_part_and_spot_is_shown_beside_on_demand() -> None:
    """A quarter of a node at $1.20 is $0.30, at a spot price of $0.54 it is $0.135."""
    pool = replace(SLICED, spot=True, spot_hourly_usd=Decimal("0.54"))
    cost = estimates(pool, spec(resources=gpu(share="1/4"), scale=scale(1, 4)), 0).cost
    assert cost is not None
    assert (cost.at_min, cost.at_max) == (Decimal("0.30"), Decimal("1.20"))
    assert (cost.spot_at_min, cost.spot_at_max) == (Decimal("0.135"), Decimal("0.54"))


def test_an_environment_costs_whole_nodes_and_what_is_there_anyway() -> None:
    """By hand, in us-east-1, an hour:

    - pool cpu, m7i.2xlarge at $0.4032 with 7.61 cores left for models, two replicas of three cores a node: one node at
      one replica, three at five: $0.4032 and $1.2096.
    - pool t4, g4dn.xlarge at $0.526, one GPU: two nodes for two replicas: $1.052. As spot at 0.45 of it, the first
      never spot: $0.526 + $0.2367 = $0.7627.
    - two nodes of the platform, m7i.large at $0.1008: $0.2016.
    - disks at $0.08 a GiB and month: platform 2 x 50, cpu 50 or 150, t4 2 x 100: 350 and 450 GiB: $28 and $36 a month.
    - control plane $0.10; a NAT gateway in each of two zones $0.045 each and their addresses $0.005 each; four
      interface endpoints in two zones at $0.01: $0.06; four keys at $1 a month.
    """
    found = priced()
    assert {item.name: (item.least, item.most, item.cost.at_min, item.cost.at_max) for item in found.nodes} == {
        "pool cpu, m7i.2xlarge": (1, 3, Decimal("0.4032"), Decimal("1.2096")),
        "pool t4, g4dn.xlarge": (2, 2, Decimal("1.052"), Decimal("1.052")),
        "nodes of the platform, m7i.large": (2, 2, Decimal("0.2016"), Decimal("0.2016")),
        "disks of nodes, GiB": (350, 450, 350 * Decimal("0.08") / 730, 450 * Decimal("0.08") / 730),
    }
    assert {item.name: (item.least, item.cost.at_min) for item in found.fixed} == {
        "control plane": (1, Decimal("0.10")),
        "NAT gateways": (2, Decimal("0.090")),
        "public addresses": (2, Decimal("0.010")),
        "interface endpoints": (6, Decimal("0.06")),
        "encryption keys": (4, 4 * (1 / Decimal(730))),
    }
    total = found.total
    # 0.4032 + 1.052 + 0.2016 + 0.10 + 0.09 + 0.01 + 0.06 = 1.9168 an hour, 1399.264 a month; disks 28, keys 4.
    assert round(monthly(total.at_min), 6) == Decimal("1431.264")
    # 0.8064 more an hour, 588.672 a month, and 8 more for disks.
    assert round(monthly(total.at_max), 6) == Decimal("2027.936")
    # 1.052 - 0.7627 = 0.2893 less an hour with spot, 211.189 a month.
    assert total.spot_at_min is not None
    assert round(monthly(total.spot_at_min), 6) == Decimal("1220.075")
    assert found.shares() == {"min": Decimal("0.716"), "max": Decimal("1.014")}


def test_a_control_plane_past_its_standard_support_costs_six_times_as_much() -> None:
    more = priced(EXTENDED).total.at_min - priced().total.at_min
    assert more == Decimal("0.50")


def test_one_nat_gateway_for_all_zones_is_one_and_so_are_the_endpoints_of_each_service() -> None:
    """$0.045 and an address of $0.005 less, and three endpoints of $0.01."""
    assert priced().total.at_min - priced(nat="single").total.at_min == Decimal("0.08")


def test_a_gateway_costs_its_load_balancer_addresses_database_endpoint_and_key() -> None:
    """By hand, in us-east-1, an hour: the load balancer $0.0225; two public addresses at $0.005; one more endpoint in
    two zones at $0.01; a db.t4g.small with a standby, 2 x $0.032; its disks, 2 x 50 GiB at $0.115 a month; a secret at
    $0.40 and a key at $1 a month.
    """
    written: dict[str, Any] = {
        "domain": "models.example.com",
        "certificate": {"acm": "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"},
        "database": {"instance_class": "db.t4g.small", "storage": "50Gi", "multi_az": True},
    }
    more = priced(gateway=written).total.at_min - priced().total.at_min
    # 0.0225 + 0.01 + 0.02 + 0.064 = 0.1165 an hour, 85.045 a month; disks 11.50, secret 0.40, key 1.
    assert round(monthly(more), 6) == Decimal("97.945")
    inside = priced(gateway=written | {"internal": True}).total.at_min
    assert priced(gateway=written).total.at_min - inside == Decimal("0.010")
    alone = priced(gateway=written | {"database": {"instance_class": "db.t4g.small", "storage": "50Gi"}}).total.at_min
    # Half of the database and of its disks.
    assert round(monthly(priced(gateway=written).total.at_min - alone), 6) == Decimal("29.11")


def test_a_pool_that_nobody_uses_costs_its_nodes_at_rest_and_is_not_shown_when_it_has_none() -> None:
    idle = {
        "name": "idle",
        "accelerator": "graviton",
        "instance_types": ["m7g.4xlarge"],
        "min_nodes": 2,
        "max_nodes": 4,
    }
    item = next(item for item in priced(node_pools=[*SETTINGS["node_pools"], idle]).nodes if "idle" in item.name)
    assert (item.least, item.most, item.cost.at_min) == (2, 2, 2 * Decimal("0.6528"))
    empty = idle | {"min_nodes": 0}
    assert "idle" not in str(priced(node_pools=[*SETTINGS["node_pools"], empty]).nodes)


def test_what_is_shown_as_json_says_what_it_leaves_out() -> None:
    document = priced().to_json()
    assert document["leftOut"] == list(LEFT_OUT)
    assert document["total"]["month"]["min"] == 1431.26
    assert document["budget"] == {"month": 2000, "share": {"min": 0.716, "max": 1.014}}


def test_of_a_cluster_that_was_there_nothing_is_known_by_the_hour() -> None:
    local = fixture_plan("local")
    assert price(local, STANDARD) is None
    assert local.models[0].estimates.cost is None


@pytest.mark.parametrize(
    ("pool", "cpu", "size", "expected"),
    [
        # 100 MiB of image at 50 MiB/s; 1 s for the server with a core, 4 s with a quarter of one.
        (replace(CPU, min_nodes=4), "1", 0, ColdStart(node_s=0, image_s=2, weights_s=0, load_s=1)),
        (replace(CPU, min_nodes=4), "250m", 0, ColdStart(node_s=0, image_s=2, weights_s=0, load_s=4)),
        (CPU, "2", 0, ColdStart(node_s=90, image_s=2, weights_s=0, load_s=1)),
        # 1000 MiB of weights: 20 s at 50 MiB/s, read in 8 s at 125 MiB/s; a node with GPUs takes 120 s more.
        (GPU, "1", 1000 * 2**20, ColdStart(node_s=210, image_s=2, weights_s=20, load_s=9)),
    ],
)
def test_a_cold_start_is_node_image_weights_and_loading(pool: Any, cpu: str, size: int, expected: ColdStart) -> None:
    assert estimates(pool, spec(resources={"cpu": cpu}), size).cold_start == expected


def test_the_deadline_of_an_update_leaves_time_for_a_node_that_is_not_there_yet() -> None:
    models = {model.name: model for model in planned().models}
    assert models["small"].timing.deadline_s > 240 + models["small"].estimates.cold_start.node_s
    assert models["seen"].timing.deadline_s > models["small"].timing.deadline_s


def test_a_model_that_sleeps_may_cost_nothing_and_at_most_as_much_as_any() -> None:
    asleep = {"min": 1, "max": 6, "target": {"concurrency": 4}, "to_zero": {"after": "15m"}}
    cost, awake = estimates(CPU, spec(scale=asleep), 0).cost, estimates(CPU, spec(scale=scale(1, 6)), 0).cost
    assert cost is not None
    assert awake is not None
    assert (cost.at_min, cost.at_max) == (Decimal(0), awake.at_max)


def test_a_price_that_nobody_knows_in_a_region_is_said_and_not_zero() -> None:
    """Of eu-north-1 nobody found the price of an interface endpoint."""
    here = priced(region="eu-north-1", zones=["eu-north-1a", "eu-north-1b"])
    assert here.unpriced == ("interface endpoints",)
    assert here.left_out[0] == "interface endpoints, whose price in this region is not known"
    assert "interface endpoints" not in [item.name for item in here.fixed]
    assert priced().left_out == LEFT_OUT
