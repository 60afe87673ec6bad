"""What doctor finds, against answers that AWS's service models allow; the whole of it against moto."""

import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import boto3
import pytest
from moto import mock_aws

from slipway.aws.account import Account
from slipway.catalog.platform_pins import EKS
from slipway.doctor import belongings, identity, network, offers, pins, quotas, way_in
from slipway.doctor.diagnose import CHECKS, diagnose
from slipway.doctor.patient import Patient
from slipway.settings.aws import AwsSettings
from tests.support.stubbed_account import Answer, StubbedAccount

ACCOUNT, REGION = "123456789012", "eu-central-1"
ARN = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/11111111-2222-3333-4444-555555555555"
SETTINGS: dict[str, Any] = {
    "kind": "aws",
    "account": ACCOUNT,
    "region": REGION,
    "zones": ["eu-central-1a", "eu-central-1b"],
    "cidr": "10.20.0.0/16",
    "kubernetes_version": "1.35",
    "administrators": [f"arn:aws:iam::{ACCOUNT}:role/platform"],
    "namespace": "slipway",
    "base_image": f"example.com/base:1@sha256:{'0' * 64}",
    "budget": {"monthly_usd": 2000, "alarm": "ml@example.com"},
    "tags": {"team": "ml"},
    "gateway": {"domain": "models.example.com", "certificate": {"acm": ARN}, "zone": "Z0123456789"},
    "node_pools": [
        {"name": "cpu", "instance_types": ["m7i.2xlarge"], "min_nodes": 1, "max_nodes": 4},
        {"name": "l4", "accelerator": "L4", "gpus": 1, "instance_types": ["g6.2xlarge"], "max_nodes": 6, "spot": {}},
    ],
}
CALLER = {"Account": ACCOUNT, "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/platform/anna", "UserId": "AIDA0123456789"}
ANSWERED_BY_MOTO = (
    offers.zones,
    offers.offers,
    belongings.state,
    belongings.service_roles,
    identity.registry,
    network.overlaps,
    network.room,
    way_in.certificate,
    way_in.hosted_zone,
)
Answers = dict[tuple[str, str], Answer]
Ask = Callable[..., Patient]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Ask:
    """A patient whose account answers what is given."""

    def made(answers: Answers, backend: str = "", secrets: Mapping[str, str] | None = None, **changes: Any) -> Patient:
        account = StubbedAccount(ACCOUNT, REGION, answers, monkeypatch)
        settings = AwsSettings.model_validate(SETTINGS | changes)
        return Patient("prod", settings, account, backend, secrets or {}, date(2026, 11, 27))

    return made


def told(findings: Any) -> list[tuple[str, str]]:
    return [(finding.status, finding.what) for finding in findings]


def zone(name: str, identifier: str, state: str = "available") -> dict[str, str]:
    return {"ZoneName": name, "ZoneId": identifier, "State": state}


def test_credentials_of_another_account_end_it_before_anything_else_is_asked(ask: Ask) -> None:
    patient = ask({("sts", "get_caller_identity"): CALLER | {"Account": "000000000000"}})
    found = list(diagnose(patient))
    assert [(one.check, one.status) for one in found] == [("account", "error")]
    assert "000000000000" in found[0].what
    assert isinstance(patient.account, StubbedAccount)
    assert patient.account.asked == [("sts", "get_caller_identity")]


def test_a_caller_that_is_no_administrator_is_an_error_before_the_cluster_costs_anything(ask: Ask) -> None:
    role = {
        "Role": {
            "Path": "/",
            "RoleName": "platform",
            "RoleId": "AROA0123456789012345",
            "Arn": SETTINGS["administrators"][0],
            "CreateDate": datetime(2026, 1, 1, tzinfo=UTC),
        }
    }
    answers: Answers = {("sts", "get_caller_identity"): CALLER, ("iam", "get_role"): role}
    assert [one.status for one in identity.administrators(ask(answers))] == ["ok"]
    other = CALLER | {"Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/other/anna"}
    answers |= {("sts", "get_caller_identity"): other, ("iam", "get_role"): "NoSuchEntity"}
    found = list(identity.administrators(ask(answers)))
    assert [one.status for one in found] == ["error", "error"]
    assert "no session of a role" in found[0].what


def test_a_zone_without_control_planes_is_known_by_its_id_whatever_its_name(ask: Ask) -> None:
    answers: Answers = {
        ("ec2", "describe_availability_zones"): {
            "AvailabilityZones": [zone("eu-central-1a", "use1-az3"), zone("eu-central-1c", "euc1-az1")]
        }
    }
    found = list(offers.zones(ask(answers)))
    assert told(found) == [
        ("error", "eu-central-1a is use1-az3, in which EKS makes no control plane"),
        ("error", "eu-central-1b is no zone of this account"),
    ]
    assert found[0].mend is not None
    assert "eu-central-1c" in found[0].mend


def offered(*pairs: tuple[str, str]) -> Answers:
    listed = [{"InstanceType": name, "Location": where, "LocationType": "availability-zone"} for name, where in pairs]
    return {("ec2", "describe_instance_type_offerings"): {"InstanceTypeOfferings": listed}}


def test_a_type_that_only_some_zones_offer_is_a_warning_and_one_that_none_does_an_error(ask: Ask) -> None:
    both = [("m7i.large", "eu-central-1a"), ("m7i.large", "eu-central-1b")]
    found = list(offers.offers(ask(offered(*both, ("m7i.2xlarge", "eu-central-1b")))))
    assert told(found) == [
        ("ok", "pool system: m7i.large is offered in eu-central-1a, eu-central-1b"),
        ("warning", "pool cpu: m7i.2xlarge is offered in eu-central-1b, not in eu-central-1a"),
        ("error", "pool l4: g6.2xlarge is offered in none of its zones"),
    ]


@pytest.mark.parametrize(
    ("state", "status"), [("active", "ok"), ("expired", "error"), ("InvalidCapacityReservationId.NotFound", "error")]
)
def test_a_reservation_has_to_be_active(ask: Ask, state: str, status: str) -> None:
    listed = {"State": state, "InstanceType": "g6.2xlarge", "AvailabilityZone": "eu-central-1a"}
    answer: Answer = {"CapacityReservations": [listed]} if "." not in state else state
    pool = {
        "name": "l4",
        "accelerator": "L4",
        "gpus": 1,
        "instance_types": ["g6.2xlarge"],
        "max_nodes": 1,
        "zones": ["eu-central-1a"],
        "capacity_reservation": "cr-0123456789abcdef0",
    }
    patient = ask({("ec2", "describe_capacity_reservations"): answer}, node_pools=[pool])
    assert [one.status for one in offers.reservations(patient)] == [status]


def instances(*names: str, tag: str | None = None) -> Answer:
    tags = [{"Key": "slipway:environment", "Value": tag}] if tag else []
    cpu = {"CoreCount": 4, "ThreadsPerCore": 2}
    return {"Reservations": [{"Instances": [{"InstanceType": n, "CpuOptions": cpu, "Tags": tags} for n in names]}]}


def quota_of(values: Mapping[str, float]) -> Answer:
    def answer(parameters: Mapping[str, Any]) -> Mapping[str, Any] | str:
        code = parameters["QuotaCode"]
        return {"Quota": {"QuotaCode": code, "Value": values[code]}} if code in values else "NoSuchResourceException"

    return answer


def test_quotas_are_held_against_the_least_and_the_most_nodes_and_what_others_use(ask: Ask) -> None:
    """Standard: 2 + 2 vCPUs of the system, 1 to 4 nodes of 8; G: 1 to 6 nodes of 8, as spot and as its fallback."""
    quota: Answers = {
        ("ec2", "describe_instances"): instances("m7i.2xlarge", "m7i.2xlarge"),
        ("service-quotas", "get_service_quota"): quota_of({"L-1216C47A": 40, "L-DB2E81BA": 48}),
        ("service-quotas", "get_aws_default_service_quota"): quota_of({"L-3819A6DF": 0}),
    }
    found = {one.what.partition(":")[0]: one for one in quotas.vcpus(ask(quota))}
    standard = found["Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances"]
    assert (standard.status, standard.what.partition(": ")[2]) == (
        "warning",
        "40 vCPUs, 16 of them used by others; the pools take 12 to 36",
    )
    assert standard.mend is not None
    assert "--quota-code L-1216C47A --desired-value 52 --region eu-central-1" in standard.mend
    assert found["Running On-Demand G and VT instances"].status == "ok"
    assert found["All G and VT Spot Instance Requests"].status == "error"


def test_what_the_environment_runs_already_is_not_used_by_others(ask: Ask) -> None:
    quota: Answers = {
        ("ec2", "describe_instances"): instances("m7i.2xlarge", tag="prod"),
        ("service-quotas", "get_service_quota"): quota_of({"L-1216C47A": 36, "L-DB2E81BA": 48, "L-3819A6DF": 48}),
    }
    assert {one.status for one in quotas.vcpus(ask(quota))} == {"ok"}


def test_a_quota_that_may_not_be_read_is_unknown_and_names_the_action(ask: Ask) -> None:
    quota: Answers = {
        ("sts", "get_caller_identity"): CALLER,
        ("ec2", "describe_instances"): instances(),
        ("service-quotas", "get_service_quota"): "AccessDeniedException",
    }
    found = [one for one in diagnose(ask(_Refusing(quota))) if one.check == "quotas"]
    assert told(found) == [("unknown", "the caller may not servicequotas:GetServiceQuota")]
    assert found[0].mend is not None
    assert "servicequotas:GetServiceQuota" in found[0].mend


class _Refusing(dict[tuple[str, str], Answer]):
    """Whatever is not answered is refused, as EC2 does."""

    def __missing__(self, _: tuple[str, str]) -> Answer:
        return "UnauthorizedOperation"


def test_a_caller_that_may_nothing_sees_no_check_of_the_account_that_is_ok(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    found = list(diagnose(ask(_Refusing({("sts", "get_caller_identity"): CALLER}), backend="s3://states")))
    account = [one for one in found if one.check not in ("account", "tools", "administrators")]
    assert {one.status for one in account} <= {"unknown", "warning"}
    assert {one.check for one in account if one.status == "unknown"} == set(CHECKS.values()) - {
        "tools",
        "administrators",
        "reservations",
    }
    assert {one.status for one in found if one.check == "tools"} == {"error"}


def test_addresses_are_counted_before_the_network_is_there_only(ask: Ask) -> None:
    counted: Answers = {
        ("ec2", "describe_vpcs"): lambda asked: {"Vpcs": [] if "Filters" in asked else [{"VpcId": "vpc-1"}] * 5},
        ("ec2", "describe_addresses"): {"Addresses": [{"PublicIp": "203.0.113.1"}] * 4},
        ("service-quotas", "get_service_quota"): quota_of({"L-0263D0A3": 5, "L-F678F1CE": 6}),
    }
    assert told(quotas.addresses(ask(counted))) == [
        ("error", "EC2-VPC Elastic IPs: 5, 4 of them used; `up` takes 2 more"),
        ("ok", "VPCs per Region: 6, 5 of them used; `up` takes 1 more"),
    ]
    assert [one.status for one in quotas.addresses(ask(counted, nat="single"))] == ["ok", "ok"]
    there: Answers = {("ec2", "describe_vpcs"): {"Vpcs": [{"VpcId": "vpc-1"}]}}
    assert [one.status for one in quotas.addresses(ask(there))] == ["ok"]


@pytest.mark.parametrize(
    ("status", "until", "found"),
    [
        ("STANDARD_SUPPORT", date(2027, 3, 27), "ok"),
        ("STANDARD_SUPPORT", date(2027, 3, 1), "warning"),
        ("EXTENDED_SUPPORT", date(2026, 3, 27), "warning"),
        ("UNSUPPORTED", date(2026, 3, 27), "error"),
    ],
)
def test_a_version_is_what_eks_says_of_it(ask: Ask, status: str, until: date, found: str) -> None:
    end = datetime(until.year, until.month, until.day, tzinfo=UTC)
    answer = {"clusterVersions": [{"clusterVersion": "1.35", "versionStatus": status, "endOfStandardSupportDate": end}]}
    assert [one.status for one in pins.kubernetes(ask({("eks", "describe_cluster_versions"): answer}))] == [found]
    gone: Answers = {("eks", "describe_cluster_versions"): {"clusterVersions": []}}
    assert [one.status for one in pins.kubernetes(ask(gone))] == ["error"]


def test_a_pinned_addon_that_aws_retired_is_an_error_that_names_the_one_instead(ask: Ask) -> None:
    def versions(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        name = asked["addonName"]
        pin = EKS["1.35"].addons[name]
        listed = [
            {
                "addonVersion": "v9.9.9-eksbuild.1",
                "compatibilities": [{"clusterVersion": "1.35", "defaultVersion": True}],
            }
        ]
        kept = [] if name == "coredns" else [{"addonVersion": pin}]
        return {"addons": [{"addonName": name, "addonVersions": [*kept, *listed]}]}

    found = {one.what.split()[0]: one for one in pins.addons(ask({("eks", "describe_addon_versions"): versions}))}
    assert len(found) == len(EKS["1.35"].addons)
    wrong = [one for one in found.values() if one.status != "ok"]
    assert [one.status for one in wrong] == ["error"]
    assert wrong[0].mend is not None
    assert "pin v9.9.9-eksbuild.1" in wrong[0].mend


def test_images_of_machines_are_asked_for_by_the_names_that_aws_gives_them(ask: Ask) -> None:
    asked: list[str] = []

    def images(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        name = parameters["Filters"][0]["Values"][0]
        asked.append(name)
        return {"Images": [] if "nvidia" in name else [{"Name": name, "DeprecationTime": "2026-11-01T00:00:00.000Z"}]}

    found = [one.status for one in pins.images(ask({("ec2", "describe_images"): images}))]
    day = EKS["1.35"].ami.partition("-")[2]
    assert dict(zip(asked, found, strict=True)) == {
        f"amazon-eks-node-al2023-x86_64-nvidia-1.35-v{day}": "error",
        f"amazon-eks-node-al2023-x86_64-standard-1.35-v{day}": "warning",
    }


def test_the_role_of_spot_has_to_be_there_and_others_are_made_at_first_use(ask: Ask) -> None:
    found = list(belongings.service_roles(ask({("iam", "get_role"): "NoSuchEntity"})))
    assert [one.status for one in found if "Spot" in one.what] == ["error"]
    assert {one.status for one in found if "Spot" not in one.what} == {"warning"}
    assert any(one.mend == "aws iam create-service-linked-role --aws-service-name spot.amazonaws.com" for one in found)
    without = [SETTINGS["node_pools"][0]]
    on_demand = ask({("iam", "get_role"): "NoSuchEntity"}, node_pools=without)
    assert not any("Spot" in one.what for one in belongings.service_roles(on_demand))


@pytest.mark.parametrize(("tags", "status"), [(["Active"], "ok"), (["Inactive"], "warning"), ([], "warning")])
def test_a_tag_that_is_not_active_keeps_the_alarm_silent(ask: Ask, tags: list[str], status: str) -> None:
    listed = [{"TagKey": "slipway:environment", "Type": "UserDefined", "Status": one} for one in tags]
    answers: Answers = {("ce", "list_cost_allocation_tags"): {"CostAllocationTags": listed}}
    assert [one.status for one in belongings.cost_tag(ask(answers))] == [status]


def test_a_state_on_one_machine_or_behind_a_passphrase_is_a_warning(ask: Ask) -> None:
    assert [one.status for one in belongings.state(ask({}, backend="file:///home/anna"))] == ["warning", "warning"]
    assert [one.status for one in belongings.state(ask({}))] == ["error", "warning"]


def certificate(**changes: Any) -> Answers:
    fact = {
        "CertificateArn": ARN,
        "DomainName": "models.example.com",
        "Status": "ISSUED",
        "SubjectAlternativeNames": ["models.example.com", "*.models.example.com"],
    }
    return {("acm", "describe_certificate"): {"Certificate": fact | changes}}


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        (certificate(), "ok"),
        (certificate(Status="PENDING_VALIDATION"), "error"),
        (certificate(SubjectAlternativeNames=["models.example.com"]), "error"),
        (certificate(NotAfter=datetime(2026, 11, 1, tzinfo=UTC)), "error"),
        ({("acm", "describe_certificate"): "ResourceNotFoundException"}, "error"),
    ],
    ids=["issued", "pending", "without its wildcard", "ended", "gone"],
)
def test_a_certificate_is_issued_for_the_domain_and_all_below_it(ask: Ask, answers: Answers, status: str) -> None:
    assert [one.status for one in way_in.certificate(ask(answers))] == [status]


@pytest.mark.parametrize(
    ("name", "private", "status"),
    [("example.com.", False, "ok"), ("xample.com.", False, "error"), ("example.com.", True, "error")],
)
def test_a_hosted_zone_is_the_domains_and_public(ask: Ask, name: str, private: bool, status: str) -> None:
    fact = {"Id": "/hostedzone/Z0123456789", "Name": name, "CallerReference": "1", "Config": {"PrivateZone": private}}
    answers: Answers = {("route53", "get_hosted_zone"): {"HostedZone": fact}}
    assert [one.status for one in way_in.hosted_zone(ask(answers))] == [status]


def test_addresses_that_others_have_are_a_warning_and_the_environments_own_are_not(ask: Ask) -> None:
    def vpc(name: str, cidr: str, tag: str = "none") -> dict[str, Any]:
        return {"VpcId": name, "CidrBlock": cidr, "Tags": [{"Key": "slipway:environment", "Value": tag}]}

    answers: Answers = {
        ("ec2", "describe_vpcs"): {"Vpcs": [vpc("vpc-1", "10.20.8.0/24"), vpc("vpc-2", "10.20.0.0/16", "prod")]},
        ("ec2", "describe_vpc_peering_connections"): {
            "VpcPeeringConnections": [
                {
                    "VpcPeeringConnectionId": "pcx-1",
                    "Status": {"Code": "active"},
                    "AccepterVpcInfo": {"CidrBlock": "10.20.0.0/20"},
                },
                {
                    "VpcPeeringConnectionId": "pcx-2",
                    "Status": {"Code": "deleted"},
                    "AccepterVpcInfo": {"CidrBlock": "10.20.0.0/20"},
                },
            ]
        },
    }
    assert told(network.overlaps(ask(answers))) == [
        ("warning", "10.20.0.0/16 overlaps 10.20.8.0/24 of vpc-1: the two can never be connected"),
        ("warning", "10.20.0.0/16 overlaps 10.20.0.0/20, which pcx-1 connects"),
    ]


def test_a_subnet_that_is_nearly_full_is_a_warning(ask: Ask) -> None:
    def subnet(left: int) -> dict[str, Any]:
        return {
            "SubnetId": f"subnet-{left}",
            "AvailabilityZone": "eu-central-1a",
            "CidrBlock": "10.20.0.0/24",
            "AvailableIpAddressCount": left,
        }

    answers: Answers = {("ec2", "describe_subnets"): {"Subnets": [subnet(200), subnet(20)]}}
    assert [one.status for one in network.room(ask(answers))] == ["ok", "warning"]


def test_moto_is_asked_as_an_account_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kinder than AWS: moto lets anybody do anything. It has no quotas of EC2, no tags of costs, no versions of EKS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("MOTO_ACCOUNT_ID", ACCOUNT)
    with mock_aws():
        s3 = boto3.client("s3", region_name=REGION)
        s3.create_bucket(Bucket="states", CreateBucketConfiguration={"LocationConstraint": REGION})
        secrets = {"secretsprovider": f"awskms://alias/slipway-state?region={REGION}"}
        settings = AwsSettings.model_validate(SETTINGS)
        patient = Patient("prod", settings, Account(ACCOUNT, REGION), "s3://states", secrets, date(2026, 11, 27))
        by_check = {check: list(check(patient)) for check in ANSWERED_BY_MOTO}
        assert [one.status for one in by_check[offers.zones]] == ["ok", "ok"]
        assert {one.status for one in by_check[offers.offers]} == {"ok"}
        assert "keeps no versions" in by_check[belongings.state][0].what
        assert by_check[belongings.state][-1].what.startswith("key alias/slipway-state: NotFound")
        assert [one.status for one in by_check[way_in.certificate]] == ["error"]
        assert [one.status for one in by_check[way_in.hosted_zone]] == ["error"]
        assert [one.status for one in by_check[network.overlaps]] == ["ok"]
        assert by_check[network.room] == []
        assert [one.status for one in by_check[identity.registry]] == ["ok"]
        assert {one.status for one in by_check[belongings.service_roles]} == {"error", "warning"}
        s3.put_bucket_versioning(Bucket="states", VersioningConfiguration={"Status": "Enabled"})
        assert told(belongings.state(patient))[0] == ("ok", "bucket states keeps versions")


def test_a_service_that_has_no_endpoint_in_a_zone_is_an_error_before_anything_is_made(ask: Ask) -> None:
    zones = ["eu-central-1a", "eu-central-1b"]
    gateway = {**SETTINGS["gateway"], "zone": None, "internal": True}
    wanted = ("ec2", "eks-auth", "ecr.api", "ecr.dkr", "eks", "elasticloadbalancing", "secretsmanager", "sqs", "ssm")
    details = [{"ServiceName": f"com.amazonaws.{REGION}.{name}", "AvailabilityZones": zones} for name in wanted]
    key = ("ec2", "describe_vpc_endpoint_services")
    patient = ask({key: {"ServiceDetails": details}}, nat="none", gateway=gateway)
    assert told(network.endpoints(patient)) == [("ok", "9 services have interface endpoints in the zones")]
    details[1]["AvailabilityZones"] = zones[:1]
    del details[0]
    assert told(network.endpoints(ask({key: {"ServiceDetails": details}}, nat="none", gateway=gateway))) == [
        ("error", "com.amazonaws.eu-central-1.eks-auth has no interface endpoint in eu-central-1b"),
        ("error", "com.amazonaws.eu-central-1.ec2 has no interface endpoint in eu-central-1a, eu-central-1b"),
    ]
