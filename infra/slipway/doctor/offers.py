"""Check that the zones take a cluster, and that they offer the instance types and reservations of the settings."""

from collections.abc import Iterator

from slipway.catalog.aws import NO_CONTROL_PLANE
from slipway.doctor.finding import Finding
from slipway.doctor.patient import Patient
from slipway.environments.planning.aws.karpenter import NodePool, node_pools
from slipway.environments.planning.aws.node_groups import NodeGroup, node_groups
from slipway.errors.failures import AwsRefused


def zones(patient: Patient) -> Iterator[Finding]:
    """Each zone is there, open, and one that EKS takes."""
    found = patient.ask("ec2", "describe_availability_zones")["AvailabilityZones"]
    known = {zone["ZoneName"]: zone for zone in found}
    good = sorted(name for name, zone in known.items() if zone.get("ZoneId") not in NO_CONTROL_PLANE)
    mend = f"write others of {', '.join(good)}, or run `slipway catalog update {patient.environment}`"
    for name in patient.settings.zones:
        zone = known.get(name)
        if zone is None:
            yield Finding("zones", "error", f"{name} is no zone of this account", mend)
        elif zone.get("ZoneId") in NO_CONTROL_PLANE:
            yield Finding("zones", "error", f"{name} is {zone['ZoneId']}, in which EKS makes no control plane", mend)
        elif zone.get("State", "available") != "available":
            yield Finding("zones", "error", f"{name} is {zone['State']}", mend)
        else:
            yield Finding("zones", "ok", f"{name} is {zone.get('ZoneId', 'there')}")


def offers(patient: Patient) -> Iterator[Finding]:
    """Each pool's types are offered in its zones: in none of the others is a node of it ever started."""
    groups: tuple[NodeGroup | NodePool, ...] = (*node_groups(patient.settings), *node_pools(patient.settings))
    names = sorted({name for group in groups for name in group.instance_types})
    filters = [{"Name": "instance-type", "Values": names}]
    found = patient.ask("ec2", "describe_instance_type_offerings", LocationType="availability-zone", Filters=filters)[
        "InstanceTypeOfferings"
    ]
    offered = {(offer["InstanceType"], offer["Location"]) for offer in found}
    seen: set[tuple[str, tuple[str, ...], tuple[str, ...]]] = set()
    for group in groups:
        key = (group.pool, group.instance_types, group.zones)
        if key not in seen:
            seen.add(key)
            yield from _of_group(group, offered)


def _of_group(group: NodeGroup | NodePool, offered: set[tuple[str, str]]) -> Iterator[Finding]:
    for name in group.instance_types:
        has = [zone for zone in group.zones if (name, zone) in offered]
        lacks = [zone for zone in group.zones if zone not in has]
        what = f"pool {group.pool}: {name} is offered in {', '.join(has) or 'none of its zones'}"
        if not has:
            yield Finding("offers", "error", what, "write other instance_types or zones")
        elif lacks:
            mend = f"write `zones: [{', '.join(has)}]` for the pool, or leave it: its nodes then are in those alone"
            yield Finding("offers", "warning", f"{what}, not in {', '.join(lacks)}", mend)
        else:
            yield Finding("offers", "ok", what)


def reservations(patient: Patient) -> Iterator[Finding]:
    """A reservation is there, active, and of the pool's type and zone."""
    for pool in patient.settings.node_pools:
        if pool.capacity_reservation is None:
            continue
        name = pool.capacity_reservation
        try:
            found = patient.ask("ec2", "describe_capacity_reservations", CapacityReservationIds=[name])
        except AwsRefused as error:
            yield Finding("reservations", "error", f"pool {pool.name}: {name}: {error.code}", "write one that there is")
            continue
        for one in found["CapacityReservations"]:
            says = (one["State"], one["InstanceType"], one["AvailabilityZone"])
            wanted = ("active", pool.instance_types[0], (pool.zones or patient.settings.zones)[0])
            what = f"pool {pool.name}: {name} is {', '.join(says)}"
            if says == wanted:
                yield Finding("reservations", "ok", what)
            else:
                mend = "correct the pool, or reserve anew"
                yield Finding("reservations", "error", f"{what}; the pool wants {', '.join(wanted)}", mend)
