"""Check that quotas let the pools grow to `max_nodes`, and that there are addresses and networks left.

Codes of quotas: Amazon EC2 and Amazon VPC, "Service endpoints and quotas" of the AWS General Reference.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from slipway.catalog.aws import INSTANCE_TYPES
from slipway.doctor.finding import Finding
from slipway.doctor.patient import Patient
from slipway.environments.planning.aws.endpoints import nat_gateways
from slipway.environments.planning.aws.karpenter import node_pools
from slipway.environments.planning.aws.node_groups import node_groups
from slipway.errors.failures import AwsRefused
from slipway.settings.aws import AwsSettings
from slipway.values.names import ENVIRONMENT_TAG

Family = tuple[str, bool]
"""What AWS counts together: `standard`, `g`, `p`, `p5`; and whether it is spot."""

_QUOTAS: dict[Family, tuple[str, str]] = {
    ("standard", False): ("L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances"),
    ("g", False): ("L-DB2E81BA", "Running On-Demand G and VT instances"),
    ("p", False): ("L-417A185B", "Running On-Demand P instances"),
    ("standard", True): ("L-34B43A08", "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests"),
    ("g", True): ("L-3819A6DF", "All G and VT Spot Instance Requests"),
    ("p", True): ("L-7212CCBC", "All P4, P3 and P2 Spot Instance Requests"),
    ("p5", True): ("L-C4BD4855", "All P5 Spot Instance Requests"),
}
_ADDRESSES = ("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs")
_NETWORKS = ("vpc", "L-F678F1CE", "VPCs per Region")
_STANDARD = "acdhimrtz"


def _family(instance_type: str, *, spot: bool) -> Family | None:
    """None for what AWS counts in a way that is not known here (P6 as spot)."""
    family = instance_type.partition(".")[0]
    if family[0] == "p":
        if not spot:
            return ("p", False)
        return ("p5", True) if family.startswith("p5") else None if family.startswith("p6") else ("p", True)
    if family[0] == "g":
        return ("g", spot)
    return ("standard", spot) if family[0] in _STANDARD else None


def vcpus(patient: Patient) -> Iterator[Finding]:
    """vCPUs by family: enough for one node of each pool, for the least nodes, and for the most."""
    least: Counter[Family] = Counter()
    most: Counter[Family] = Counter()
    for pool, types, spot, (few, many) in _wanted(patient.settings):
        largest = max(types, key=lambda name: INSTANCE_TYPES[name].vcpu)
        family = _family(largest, spot=spot)
        if family is None:
            yield Finding("quotas", "unknown", f"pool {pool}: which quota counts {largest} as spot is not known")
            continue
        vcpu = INSTANCE_TYPES[largest].vcpu
        least[family] += vcpu * few
        most[family] += vcpu * many
    others = _others(patient)
    for family, wanted in sorted(most.items()):
        code, name = _QUOTAS[family]
        value = int(_quota(patient, "ec2", code))
        used = others[family]
        what = f"{name}: {value} vCPUs, {used} of them used by others; the pools take {least[family]} to {wanted}"
        mend = _increase(patient, "ec2", code, wanted + used)
        if value - used < least[family]:
            yield Finding("quotas", "error", what, mend)
        elif value - used < wanted:
            yield Finding("quotas", "warning", what, mend)
        else:
            yield Finding("quotas", "ok", what)


def _wanted(settings: AwsSettings) -> Iterator[tuple[str, tuple[str, ...], bool, tuple[int, int]]]:
    """Pool, instance types, whether it is spot, and the least and most nodes; what only falls back may need none."""
    for group in node_groups(settings):
        yield group.pool, group.instance_types, False, (group.nodes, group.nodes)
    for pool in node_pools(settings):
        for capacity in pool.capacity:
            least = max(pool.min_nodes, 1) if capacity == pool.capacity[0] else 0
            yield pool.pool, pool.instance_types, capacity == "spot", (least, pool.max_nodes)


def addresses(patient: Patient) -> Iterator[Finding]:
    """Elastic IPs for NAT gateways, and one network more; nothing is needed where the environment has them already."""
    settings = patient.settings
    filters = [{"Name": f"tag:{ENVIRONMENT_TAG}", "Values": [patient.environment]}]
    if patient.ask("ec2", "describe_vpcs", Filters=filters)["Vpcs"]:
        yield Finding("addresses", "ok", "the environment's network is there already")
        return
    if needed := nat_gateways(settings):
        used = len(patient.ask("ec2", "describe_addresses")["Addresses"])
        yield _count(patient, _ADDRESSES, used, needed)
    yield _count(patient, _NETWORKS, len(patient.ask("ec2", "describe_vpcs")["Vpcs"]), 1)


def _count(patient: Patient, quota: tuple[str, str, str], used: int, needed: int) -> Finding:
    service, code, name = quota
    value = int(_quota(patient, service, code))
    what = f"{name}: {value}, {used} of them used; `up` takes {needed} more"
    if value - used >= needed:
        return Finding("addresses", "ok", what)
    return Finding("addresses", "error", what, _increase(patient, service, code, used + needed))


def _quota(patient: Patient, service: str, code: str) -> float:
    """What holds in the account; AWS's default where nothing was ever applied."""
    try:
        found = patient.ask("service-quotas", "get_service_quota", ServiceCode=service, QuotaCode=code)
    except AwsRefused as error:
        if error.code != "NoSuchResourceException":
            raise
        found = patient.ask("service-quotas", "get_aws_default_service_quota", ServiceCode=service, QuotaCode=code)
    return float(found["Quota"]["Value"])


def _increase(patient: Patient, service: str, code: str, value: int) -> str:
    wanted = f"--service-code {service} --quota-code {code} --desired-value {value}"
    return patient.cli(f"service-quotas request-service-quota-increase {wanted}")


def _others(patient: Patient) -> Counter[Family]:
    """vCPUs of running instances that are not the environment's."""
    filters = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    found: Counter[Family] = Counter()
    for reservation in patient.ask("ec2", "describe_instances", Filters=filters)["Reservations"]:
        for one in reservation["Instances"]:
            family = _family(one["InstanceType"], spot=one.get("InstanceLifecycle") == "spot")
            if family is not None and _tag(one) != patient.environment:
                cpu = one.get("CpuOptions") or {"CoreCount": 1, "ThreadsPerCore": 1}
                found[family] += cpu["CoreCount"] * cpu["ThreadsPerCore"]
    return found


def _tag(instance: dict[str, Any]) -> str | None:
    return next((tag["Value"] for tag in instance.get("Tags", ()) if tag["Key"] == ENVIRONMENT_TAG), None)
