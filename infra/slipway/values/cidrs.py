"""Cut the private addresses of a network into subnets: one for nodes and pods and one for the way out, in each zone.

Pods get addresses of the VPC, so nearly all of it goes to the private subnets. The VPC is cut into eight parts of equal
size: zone n has part n for its nodes and pods. Part 7 holds the public subnets, cut into eight again, which hold NAT
gateways and load balancers only. A part belongs to a zone by its number and not by how many zones there are, so that
adding a zone moves no subnet; parts 4 to 6 stay free.

A subnet in AWS has 16 to 65536 addresses (https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html): a /20
gives private subnets of 512 and public ones of 64.
"""

from dataclasses import dataclass
from ipaddress import IPv4Network

SERVICE_RANGE = IPv4Network("172.20.0.0/16")
"""Addresses of Kubernetes' Services, one of the two ranges that EKS gives them; no network may overlap it."""

DOCKER_RANGE = IPv4Network("172.17.0.0/16")
"""Addresses of Docker's own bridge, which EKS asks to leave alone."""

ZONES_MOST = 4
_BITS = 3
_PUBLIC_PART = 7


@dataclass(frozen=True, slots=True)
class Subnets:
    """The subnets of one zone, as CIDR blocks."""

    private: str
    public: str


def subnets(cidr: str, zones: int) -> tuple[Subnets, ...]:
    """The subnets of each zone of a VPC.

    Args:
        cidr: addresses of the VPC, /16 to /20.
        zones: how many zones there are, at most four.
    """
    if not 0 < zones <= ZONES_MOST:
        raise ValueError(f"{zones} zones; 1 to {ZONES_MOST} are supported")
    parts = list(IPv4Network(cidr).subnets(prefixlen_diff=_BITS))
    public = list(parts[_PUBLIC_PART].subnets(prefixlen_diff=_BITS))
    return tuple(Subnets(str(parts[zone]), str(public[zone])) for zone in range(zones))
