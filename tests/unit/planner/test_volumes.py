"""Traffic and logs by the gigabyte, held against sums done by hand; what nobody knows is never nothing."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from slipway.catalog.aws_traffic import VOLUME_PRICES, internet_usd
from slipway.planner.environment import plan
from slipway.planner.price import price
from slipway.planner.volumes import Measured, Sent, Volume, volumes
from slipway.settings.aws import AwsSettings
from tests.support.planned import CODE, fixture_plan
from tests.support.pools import loaded, spec
from tests.unit.planner.test_price import SETTINGS

GATEWAY: dict[str, Any] = {
    "domain": "models.example.com",
    "certificate": {"acm": "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"},
}
GIB = 2**30
SIZED = {"requests": "10/s", "request_size": "30Ki", "answer_size": "10Ki"}
"""In a month of 730 hours 26.28 million calls: 250.63 GiB of answers, and three times as much of requests."""
ANSWERS = Decimal(26_280_000 * 10 * 1024) / GIB


def shown(volume: Volume) -> tuple[object, object, object]:
    return volume.gib, volume.basis, volume.usd


def of(measured: Measured | None = None, *, endpoint: dict[str, Any], **settings: Any) -> dict[str, Volume]:
    here = AwsSettings.model_validate(SETTINGS | settings)
    made = plan("prod", here, [loaded(spec("digits", endpoint=endpoint))], CODE)
    return {volume.name: volume for volume in volumes(made, measured)}


def test_answers_leave_for_the_internet_and_both_ways_cross_zones_twice() -> None:
    """Two zones: half of 4 x 250.63 GiB crosses on each of two hops, at $0.02; answers leave at $0.09."""
    found = of(endpoint={"public": True, "expected": SIZED}, gateway=GATEWAY)
    out, zones = found["to the internet"], found["between zones"]
    assert (round(ANSWERS, 2), out.basis) == (Decimal("250.63"), "given")
    assert (out.gib, out.usd) == (ANSWERS, ANSWERS * Decimal("0.09"))
    assert (zones.gib, zones.basis) == (4 * ANSWERS, "assumed")
    assert zones.usd == 4 * ANSWERS * Decimal("0.02")


def test_behind_an_internal_load_balancer_nothing_leaves_for_the_internet() -> None:
    found = of(endpoint={"public": True, "expected": SIZED}, gateway=GATEWAY | {"internal": True})
    assert "to the internet" not in found
    assert found["between zones"].gib == 4 * ANSWERS


def test_a_model_inside_the_cluster_is_one_hop_from_who_asks_it() -> None:
    found = of(endpoint={"expected": SIZED})
    assert "to the internet" not in found
    assert found["between zones"].gib == 2 * ANSWERS


def test_a_model_that_says_nothing_is_unknown_and_named() -> None:
    found = of(endpoint={"public": True}, gateway=GATEWAY)
    for name in ("to the internet", "between zones"):
        assert shown(found[name]) == (None, None, None)
        assert "not known of digits" in found[name].note


def test_what_was_measured_comes_before_what_was_given() -> None:
    measured = Measured(
        sent={"digits": Sent(Fraction(GIB), Fraction(3 * GIB))},
        nat=Fraction(100 * GIB),
        control_plane_logs=Fraction(10 * GIB),
        flow_logs=Fraction(4 * GIB),
    )
    found = of(
        measured,
        endpoint={"public": True, "expected": SIZED},
        gateway=GATEWAY,
        logging={"expected": "1Gi"},
    )
    assert shown(found["to the internet"]) == (3, "measured", Decimal("0.27"))
    nat, logs, flows = found["through NAT gateways"], found["logs of the control plane"], found["flow logs"]
    assert shown(nat) == (100, "measured", Decimal("4.5"))
    assert shown(logs) == (10, "measured", Decimal("5"))
    assert shown(flows) == (4, "measured", Decimal("2"))


def test_the_control_planes_logs_are_what_settings_expect_and_nothing_when_none_are_written() -> None:
    given = of(endpoint={}, logging={"expected": "30Gi"})["logs of the control plane"]
    assert shown(given) == (30, "given", 15)
    none = of(endpoint={}, logging={"types": []})["logs of the control plane"]
    assert shown(none) == (0, "given", 0)
    unknown = of(endpoint={})["logs of the control plane"]
    assert shown(unknown) == (None, None, None)


@pytest.mark.parametrize(
    ("gib", "usd"),
    [("0", "0"), ("100", "9"), ("10240", "921.6"), ("20480", "1792"), ("61440", "5120"), ("204800", "14131.2")],
)
def test_the_more_leaves_the_cheaper_each_gigabyte_is(gib: str, usd: str) -> None:
    """20480: 10240 at $0.09 and 10240 at $0.085. 204800: 10240, 40960, 102400 at $0.07 and 51200 at $0.05."""
    assert internet_usd(VOLUME_PRICES["us-east-1"], Decimal(gib)) == Decimal(usd)


def test_volumes_are_in_no_total_and_shown_beside_it() -> None:
    here = AwsSettings.model_validate(SETTINGS | {"gateway": GATEWAY})
    day = date(2026, 12, 1)
    totals = []
    for endpoint in ({"public": True}, {"public": True, "expected": SIZED}):
        found = price(plan("prod", here, [loaded(spec("digits", endpoint=endpoint))], CODE), day)
        assert found is not None
        totals.append(found.total)
        assert found.to_json()["volumes"][0]["name"] == "to the internet"
    assert totals[0] == totals[1]


def test_nobody_is_charged_by_the_gigabyte_where_slipway_made_no_account_pay() -> None:
    assert volumes(fixture_plan("local")) == ()
