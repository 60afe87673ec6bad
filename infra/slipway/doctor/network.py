"""Check the network: that its addresses are its own and not used up, and that AWS's services are reached from it."""

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any

from slipway.doctor.finding import Finding
from slipway.doctor.patient import Patient
from slipway.environments.planning.aws.endpoints import endpoint_zones, interface_endpoints
from slipway.values.names import ENVIRONMENT_TAG

_FEW = 10
"""A subnet with less than one in ten of its addresses left is nearly full."""


def overlaps(patient: Patient) -> Iterator[Finding]:
    """No network that is there, or is connected to one, has addresses of `cidr`."""
    own = IPv4Network(patient.settings.cidr)
    found = False
    for vpc in patient.ask("ec2", "describe_vpcs")["Vpcs"]:
        if _environment(vpc) == patient.environment:
            continue
        for cidr in _cidrs(vpc):
            if own.overlaps(cidr):
                found = True
                what = f"{own} overlaps {cidr} of {vpc['VpcId']}: the two can never be connected"
                yield Finding("network", "warning", what, "write another `cidr`, if they are ever to be")
    for peering in patient.ask("ec2", "describe_vpc_peering_connections")["VpcPeeringConnections"]:
        if peering.get("Status", {}).get("Code") != "active":
            continue
        for side in ("AccepterVpcInfo", "RequesterVpcInfo"):
            cidr = peering.get(side, {}).get("CidrBlock")
            if cidr and own.overlaps(IPv4Network(cidr)):
                found = True
                what = f"{own} overlaps {cidr}, which {peering['VpcPeeringConnectionId']} connects"
                yield Finding("network", "warning", what, "write another `cidr`, if they are ever to be connected")
    if not found:
        yield Finding("network", "ok", f"{own} overlaps no network of the account and no peering")


def room(patient: Patient) -> Iterator[Finding]:
    """The subnets that are there have addresses for nodes and pods left."""
    filters = [{"Name": f"tag:{ENVIRONMENT_TAG}", "Values": [patient.environment]}]
    for subnet in patient.ask("ec2", "describe_subnets", Filters=filters)["Subnets"]:
        left, of = subnet["AvailableIpAddressCount"], IPv4Network(subnet["CidrBlock"]).num_addresses
        what = f"{subnet['SubnetId']} ({subnet['AvailabilityZone']}) has {left} of {of} addresses left"
        if left * _FEW < of:
            mend = "scale down, or make a larger environment beside this one: a network never grows"
            yield Finding("network", "warning", what, mend)
        else:
            yield Finding("network", "ok", what)


def endpoints(patient: Patient) -> Iterator[Finding]:
    """Each service that has to have an endpoint in the network is offered as one, in each of its zones."""
    settings = patient.settings
    if settings.network is not None:
        return
    prefix = f"com.amazonaws.{settings.region}."
    services = [f"{prefix}{service}" for service in interface_endpoints(settings)]
    filters = [{"Name": "service-name", "Values": services}, {"Name": "service-type", "Values": ["Interface"]}]
    details = patient.ask("ec2", "describe_vpc_endpoint_services", Filters=filters)["ServiceDetails"]
    offered = {one["ServiceName"]: set(one["AvailabilityZones"]) for one in details}
    found = False
    for service in services:
        if lacking := [zone for zone in endpoint_zones(settings) if zone not in offered.get(service, ())]:
            found = True
            what = f"{service} has no interface endpoint in {', '.join(lacking)}"
            yield Finding("endpoints", "error", what, "write other zones, or another region")
    if not found:
        yield Finding("endpoints", "ok", f"{len(services)} services have interface endpoints in the zones")


def _cidrs(vpc: dict[str, Any]) -> Iterator[IPv4Network]:
    listed = {vpc["CidrBlock"]} | {one["CidrBlock"] for one in vpc.get("CidrBlockAssociationSet", ())}
    yield from map(IPv4Network, sorted(listed))


def _environment(vpc: dict[str, Any]) -> str | None:
    return next((tag["Value"] for tag in vpc.get("Tags", ()) if tag["Key"] == ENVIRONMENT_TAG), None)
