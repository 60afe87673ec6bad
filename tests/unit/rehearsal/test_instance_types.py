"""What a rehearsal's Karpenter is told of EC2: the region's types, each with its zones and prices, and reservations."""

from collections.abc import Sequence
from typing import Any

from slipway.catalog.aws import INSTANCE_TYPES
from slipway.loading.specs import load_settings
from slipway.rehearsal.instance_types import account
from slipway.settings.aws import AwsSettings
from tests.support.planned import FIXTURES


def described(names: Sequence[str]) -> list[dict[str, Any]]:
    return [{"InstanceType": name} for name in names]


def told() -> dict[str, Any]:
    settings = load_settings(FIXTURES / "aws" / "settings", "fleet")
    assert isinstance(settings, AwsSettings)
    return account(settings, described)


def test_types_are_those_of_the_region_cheaper_as_spot() -> None:
    types = {one["described"]["InstanceType"]: one for one in told()["types"]}
    assert set(types) == {name for name, kind in INSTANCE_TYPES.items() if "us-east-1" in kind.hourly_usd}
    one = types["m7i.2xlarge"]
    assert one["zones"] == ["us-east-1a", "us-east-1b"]
    assert one["hourly_usd"]["on-demand"] == 0.4032
    assert 0 < one["hourly_usd"]["spot"] < 0.4032


def test_a_reservation_is_of_its_pools_type_and_zone() -> None:
    assert told()["reservations"] == [
        {"id": "cr-0123456789abcdef0", "type": "p5.48xlarge", "zone": "us-east-1a", "instances": 2}
    ]
