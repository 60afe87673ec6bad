"""Settings of kind `aws`: what is accepted, what its parts come to, and what the day has to do with it.

What is refused, with its message, are the fixtures settings/error/aws.*.yaml (test_refusals).
"""

import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from slipway.catalog.aws import EKS_VERSIONS, REGIONS, shipped
from slipway.environments.planning.kinds import planning
from slipway.errors.base import UserError
from slipway.loading.settings import load_settings, read_settings
from slipway.settings.aws import AwsSettings
from slipway.settings.kubernetes import Settings
from tests.support.planned import FIXTURES, ROOT

TODAY = date(2026, 11, 21)
STACKS = ROOT / "stacks"


def of(name: str, folder: Path = STACKS) -> AwsSettings:
    settings = load_settings(folder, name, TODAY)
    assert isinstance(settings, AwsSettings)
    return settings


def test_the_kind_decides_which_settings_are_read() -> None:
    assert isinstance(load_settings(STACKS, "local", TODAY), Settings)
    assert isinstance(load_settings(STACKS, "prod", TODAY), AwsSettings)


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_the_committed_environments_are_accepted_and_their_state_is_encrypted_by_kms(name: str) -> None:
    settings = of(name)
    assert settings.region == "eu-central-1"
    assert read_settings(STACKS, name, TODAY).secrets == {
        "secretsprovider": "awskms://alias/slipway-state?region=eu-central-1"
    }
    assert planning(settings).warnings(TODAY) == ()


def test_production_stands_when_a_zone_falls_and_no_other_environment_has_its_addresses() -> None:
    prod = of("prod")
    assert (len(prod.zones), prod.nat, prod.api.public_cidrs) == (3, "zone", ())
    assert len({of(name).cidr for name in ("dev", "staging", "prod")}) == 3
    assert of("dev").nat == "single"
    assert all(pool.spot for pool in of("dev").node_pools if not pool.has_gpus)


def test_every_field_is_accepted_at_its_bounds() -> None:
    settings = of("eks", FIXTURES / "settings/ok")
    assert settings.account == "012345678901"
    assert settings.registry == "012345678901.dkr.ecr.us-east-1.amazonaws.com"
    assert settings.node_pools[0].disk == 16 * 2**40


def test_instance_types_that_are_left_out_are_the_cheapest_of_the_region() -> None:
    pool = of("eks", FIXTURES / "settings/ok").node_pools[2]
    assert [instance.name for instance in pool.types("us-east-1")] == ["g5.xlarge"]


def test_a_version_is_warned_about_from_the_end_of_standard_support_and_refused_from_that_of_extended() -> None:
    support = EKS_VERSIONS["1.35"]
    day = timedelta(days=1)
    assert planning(of("prod")).warnings(support.standard_until - day) == ()
    assert "left its standard support on 2027-03-27" in planning(of("prod")).warnings(support.standard_until)[0]
    assert load_settings(STACKS, "prod", support.extended_until - day)
    with pytest.raises(UserError, match=r'prod.yaml:12: .*"1.35" is no longer supported: .* allowed: 1.36; next: '):
        load_settings(STACKS, "prod", support.extended_until)


def test_a_cluster_of_a_kubeconfig_has_no_version_to_warn_about() -> None:
    assert planning(load_settings(STACKS, "local", TODAY)).warnings(date(2099, 1, 1)) == ()


def test_every_region_has_prices_and_zones_enough() -> None:
    """us-west-1 has two zones for whoever comes now."""
    for name, region in REGIONS.items():
        assert len(region.zones) >= (2 if name == "us-west-1" else 3)
    for name in ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1"):
        region = REGIONS[name]
        assert None not in (region.nat_hourly_usd, region.endpoint_hourly_usd, region.disk_monthly_usd, region.gateway)


def test_a_type_that_the_account_is_offered_in_none_of_the_pools_zones_is_refused(tmp_path: Path) -> None:
    """What `slipway catalog update` found; an account that nobody asked is offered whatever has a price."""
    stacks = tmp_path / "stacks"
    shutil.copytree(STACKS, stacks)
    assert of("prod", stacks)
    known = shipped().types["g6.2xlarge"].model_dump(mode="json") | {"offered": {"eu-central-1": []}}
    file = {
        "version": 1,
        "date": "2026-11-28",
        "sources": {},
        "account": "123456789012",
        "types": {"g6.2xlarge": known},
    }
    (stacks / "catalog").mkdir()
    (stacks / "catalog/123456789012-eu-central-1.json").write_text(json.dumps(file))
    try:
        with pytest.raises(UserError, match=r"prod.yaml:\d+: .*g6.2xlarge is offered in none of the pool's zones"):
            load_settings(stacks, "prod", TODAY)
    finally:
        assert of("prod"), "a folder without a file sees what is shipped"
