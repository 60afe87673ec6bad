"""The subnets of a VPC lie inside it, apart from each other, and stay where they are."""

from ipaddress import IPv4Network
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.values.cidrs import ZONES_MOST, Subnets, subnets


@st.composite
def networks(draw: st.DrawFn) -> IPv4Network:
    """A VPC of any size that settings allow."""
    prefix = draw(st.integers(16, 20))
    return IPv4Network((draw(st.integers(0, 2**prefix - 1)) << (32 - prefix), prefix))


def test_a_vpc_is_cut_into_eighths() -> None:
    assert subnets("10.20.0.0/16", 3) == (
        Subnets("10.20.0.0/19", "10.20.224.0/22"),
        Subnets("10.20.32.0/19", "10.20.228.0/22"),
        Subnets("10.20.64.0/19", "10.20.232.0/22"),
    )


@given(vpc=networks(), zones=st.integers(1, ZONES_MOST))
def test_subnets_are_inside_the_vpc_and_apart_from_each_other(vpc: IPv4Network, zones: int) -> None:
    found = [IPv4Network(cidr) for zone in subnets(str(vpc), zones) for cidr in (zone.private, zone.public)]
    assert len(found) == 2 * zones
    assert all(subnet.subnet_of(vpc) for subnet in found)
    assert not any(one.overlaps(other) for one, other in combinations(found, 2))


@given(vpc=networks(), zones=st.integers(1, ZONES_MOST - 1))
def test_another_zone_moves_no_subnet(vpc: IPv4Network, zones: int) -> None:
    assert subnets(str(vpc), zones + 1)[:zones] == subnets(str(vpc), zones)


@given(vpc=networks())
def test_every_subnet_is_of_a_size_that_aws_takes_and_nodes_have_most(vpc: IPv4Network) -> None:
    for zone in subnets(str(vpc), ZONES_MOST):
        private, public = IPv4Network(zone.private), IPv4Network(zone.public)
        assert 16 <= public.num_addresses < private.num_addresses <= 65536
        assert private.num_addresses >= 512


@pytest.mark.parametrize("zones", [0, 5])
def test_more_zones_than_are_foreseen_are_an_error(zones: int) -> None:
    with pytest.raises(ValueError, match="1 to 4"):
        subnets("10.20.0.0/16", zones)
