"""`slipway catalog update` fills a file from an account; the plan prefers it, and nonsense is not written.

What EC2 answers is moto's; prices, spot prices and versions, which moto has not, are what a test writes, held against
botocore's service models.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner
from moto import mock_aws

from slipway.aws import offers
from slipway.aws.account import Account
from slipway.catalog.aws import INSTANCE_TYPES, REGIONS, prefer, shipped, zones_of
from slipway.cli import account as commands
from slipway.cli.group import cli
from slipway.commands.context import EnvironmentContext
from slipway.commands.project.catalogue import update
from slipway.errors.base import FileRefused, UserErrors
from slipway.loading.catalogues import catalogue_path, prefer_catalogues
from slipway.loading.settings import load_settings
from slipway.reading.folders import Folders
from tests.support.planned import ROOT
from tests.support.stubbed_account import Answer, stubbed

ACCOUNT, REGION = "123456789012", "eu-central-1"
PARTS = {
    "NAT Gateway": "EUC1-NatGateway-Hours",
    "VpcEndpoint": "EUC1-VpcEndpoint-Hours",
    "Storage": "EUC1-EBS:VolumeUsage.gp3",
}
Asked = Mapping[str, Any]
Changed = Callable[..., None]


def product(attributes: Mapping[str, str], usd: str) -> str:
    dimension = {"unit": "Hrs", "pricePerUnit": {"USD": usd}}
    return json.dumps(
        {"product": {"attributes": attributes}, "terms": {"OnDemand": {"a": {"priceDimensions": {"a": dimension}}}}}
    )


def price_list(changed: Mapping[str, str]) -> Answer:
    """What is shipped, but for what a test changes; and what looks alike and is no price of a node."""

    def answer(asked: Asked) -> Mapping[str, Any]:
        wanted = {one["Field"]: one["Value"] for one in asked["Filters"]}
        assert wanted["regionCode"] == REGION
        if "productFamily" in wanted:
            usage = PARTS[wanted["productFamily"]]
            usual = {"NAT Gateway": "0.052", "VpcEndpoint": "0.013", "Storage": "0.0952"}[wanted["productFamily"]]
            other = {"usagetype": usage.replace("EUC1-", "EUC1-Regional")}
            return {"PriceList": [product(other, "9"), product({"usagetype": usage}, usual)]}
        assert (wanted["tenancy"], wanted["capacitystatus"], wanted["operatingSystem"]) == ("Shared", "Used", "Linux")
        listed = {n: str(one.hourly_usd[REGION]) for n, one in shipped().types.items() if REGION in one.hourly_usd}
        rows = [("EUC1-BoxUsage:", {**listed, **changed}), ("EUC1-UnusedBox:", listed)]
        return {
            "PriceList": [
                product({"instanceType": name, "usagetype": f"{kind}{name}"}, usd)
                for kind, prices in rows
                for name, usd in prices.items()
            ]
        }

    return answer


def spot(asked: Asked) -> Mapping[str, Any]:
    when = datetime(2026, 11, 27, tzinfo=UTC)
    prices = {"eu-central-1a": "0.02", "eu-central-1b": "0.04"}
    history = [
        {"InstanceType": "m7i.large", "AvailabilityZone": zone, "SpotPrice": usd, "Timestamp": when}
        for zone, usd in prices.items()
    ]
    return {"SpotPriceHistory": history if "m7i.large" in asked["InstanceTypes"] else []}


@pytest.fixture
def changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Changed]:
    """Fill the catalogue of an environment from an account whose prices a test changes."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("MOTO_ACCOUNT_ID", ACCOUNT)
    shutil.copy(ROOT / "stacks/Pulumi.dev.yaml", tmp_path / "Pulumi.dev.yaml")
    versions = {
        "clusterVersions": [
            {
                "clusterVersion": "1.37",
                "endOfStandardSupportDate": datetime(2028, 1, 1, tzinfo=UTC),
                "endOfExtendedSupportDate": datetime(2029, 1, 1, tzinfo=UTC),
            }
        ]
    }
    asked = Account.call

    def call(account: Account, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        if (service, operation) in own:
            return stubbed(own, REGION, service, operation, **parameters)
        return asked(account, service, operation, **parameters)

    own: dict[tuple[str, str], Answer] = {
        ("ec2", "describe_spot_price_history"): spot,
        ("eks", "describe_cluster_versions"): versions,
    }

    def run(prices: Mapping[str, str] | None = None) -> None:
        own["pricing", "get_products"] = price_list(prices or {})
        update(EnvironmentContext("dev", Folders(tmp_path, tmp_path, False), ()), ())

    monkeypatch.setattr(Account, "call", call)
    with mock_aws():
        boto3.setup_default_session(region_name=REGION)
        yield run
    prefer([])


def test_the_plan_prefers_what_the_account_says(
    changed: Changed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed({"m7i.large": "0.13"})
    out = capsys.readouterr().out
    assert "- m7i.large $/h 0.12075\n+ m7i.large $/h 0.13\n" in out
    assert "+ m7i.large spot $/h 0.03\n" in out
    assert "- endpoint_hourly_usd 0.012\n+ endpoint_hourly_usd 0.013\n" in out
    assert "+ Kubernetes 1.37 standard support until 2028-01-01\n" in out
    path = catalogue_path(tmp_path, ACCOUNT, REGION)
    assert path.read_text().count("\n") > 100
    load_settings(tmp_path, "dev")
    one = INSTANCE_TYPES["m7i.large"]
    assert (str(one.hourly_usd[REGION]), str(one.spot_hourly_usd[REGION])) == ("0.13", "0.03")
    assert one.max_pods == 29
    assert set(one.offered[ACCOUNT, REGION]) == set(zones_of(REGION, ACCOUNT))
    assert str(REGIONS[REGION].endpoint_hourly_usd) == "0.013"
    for name in shipped().types:
        assert INSTANCE_TYPES[name].max_pods > 0
    changed({"m7i.large": "0.13"})
    assert ", 0 differ" in capsys.readouterr().out


def test_types_are_the_same_facts_as_those_that_are_shipped(changed: Changed, tmp_path: Path) -> None:
    changed()
    written = json.loads(catalogue_path(tmp_path, ACCOUNT, REGION).read_text())["types"]
    for name, one in written.items():
        known = shipped().types.get(name)
        if known is not None:
            own = known.model_dump(mode="json", exclude_defaults=True)
            for field in own.keys() - {"hourly_usd"}:
                assert one.get(field) == own.get(field), (name, field)


@pytest.mark.parametrize("usd", ["1.3", "0.011"])
def test_a_price_that_cannot_be_true_is_refused_and_nothing_is_written(
    changed: Changed, tmp_path: Path, usd: str
) -> None:
    with pytest.raises(UserErrors, match=r"types.m7i.large.hourly_usd.*cannot be true: the catalogue has 0.12075"):
        changed({"m7i.large": usd})
    assert not catalogue_path(tmp_path, ACCOUNT, REGION).exists()


def test_an_account_that_lacks_a_type_of_the_settings_is_refused(
    changed: Changed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offers, "_offered", lambda *_: {"m7i.large": ["eu-central-1a"]})
    with pytest.raises(UserErrors, match=r"is of pool .*, and the account was offered none"):
        changed()
    assert not catalogue_path(tmp_path, ACCOUNT, REGION).exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Invalid JSON"),
        ('{"version": 2, "date": "2026-11-27", "sources": {}}', "version: '2'"),
        ('{"version": 1, "date": "2026-11-27", "sources": {}}', "account: is missing"),
        ('{"version": 1, "date": "2026-11-27", "sources": {}, "prices": {}}', "prices: '{}'"),
    ],
    ids=["no JSON", "another format", "nobody's", "a field that there is not"],
)
def test_a_file_that_is_wrong_is_refused_by_its_name_and_value(tmp_path: Path, text: str, message: str) -> None:
    path = catalogue_path(tmp_path, ACCOUNT, REGION)
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(FileRefused, match=message) as refused:
        prefer_catalogues(tmp_path)
    assert f"{ACCOUNT}-{REGION}.json" in str(refused.value)
    assert "next: run `slipway catalog update ENV` again, or delete the file" in str(refused.value)


def test_a_region_is_shown_cheapest_first_with_the_files_that_it_is_from() -> None:
    shown = CliRunner().invoke(cli, ["catalog", "show", "eu-north-1", "--json"])
    document = json.loads(shown.output)
    prices = [one["usd"] for one in document["types"]]
    assert prices == sorted(prices)
    assert document["files"] == [f"shipped, {shipped().date}"]
    types = json.loads(CliRunner().invoke(cli, ["catalog", "show", "us-east-1", "--json"]).output)["types"]
    (b200,) = (one for one in types if one["accelerator"] == "8 B200")
    assert b200["tflops"] == 8 * 2250


def test_an_unknown_region_and_an_environment_without_an_account_are_refused() -> None:
    assert "is not in the catalogue" in str(CliRunner().invoke(cli, ["catalog", "show", "eu-nort-1"]).exception)
    assert commands.catalog.name == "catalog"
    assert "no account of AWS" in str(CliRunner().invoke(cli, ["catalog", "update", "local"]).exception)
