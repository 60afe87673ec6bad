"""Contains what a spec says about the addresses that a model connects to."""

import ipaddress
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from slipway.values.hosts import HOST_LIMIT, parse_host
from slipway.values.quantities import line_of_text, refusal
from slipway.values.section import Section, number

EGRESS_MOST = 16
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LINK_LOCAL = (ipaddress.ip_network("169.254.0.0/16"), ipaddress.ip_network("fe80::/10"))
"""Where clouds have the service that gives a node's credentials to whoever asks: no model gets there."""
METADATA_V6 = ipaddress.ip_network("fd00:ec2::/32")
"""The same of AWS, by IPv6."""
CLOSED: tuple[Network, ...] = (*LINK_LOCAL, METADATA_V6)
_LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
_ALLOWED = "a host name, or an address that is not of the node itself"


def _host(value: object) -> str:
    text = line_of_text(HOST_LIMIT, "db.internal")(value)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        if text in ("localhost", "localhost.localdomain"):
            raise refusal("is the pod itself", _ALLOWED, "remove it: a pod reaches itself") from None
        return parse_host(text)
    _refuse_special(ipaddress.ip_network(address), "write another address")
    return str(address)


def _cidr(value: object) -> str:
    text = line_of_text(64, "10.0.0.0/8")(value)
    allowed = "a block of addresses, such as 10.0.0.0/8"
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise refusal("is not a block of addresses", allowed, "write for example 10.0.0.0/8, or host: NAME") from None
    if "/" not in text or str(network) != text:
        raise refusal("is not written as its first address and its length", allowed, f"write {network}")
    _refuse_special(network, "write another block")
    return text


def _refuse_special(network: Network, todo: str) -> None:
    for kind, closed in (("credentials of nodes", CLOSED), ("the pod itself", _LOOPBACK)):
        if any(network.version == one.version and network.subnet_of(one) for one in closed):  # type: ignore[arg-type]
            raise refusal(f"leads to {kind}", _ALLOWED, todo)


class Egress(Section):
    """One destination that a model's pods may connect to, by TCP. All others are closed to them."""

    host: Annotated[str, BeforeValidator(_host), WithJsonSchema({"type": "string", "maxLength": HOST_LIMIT})] | None = (
        Field(
            default=None,
            description=(
                "Host name or IP address. Rules of networks know no names: a name opens the port to every address, but "
                "for those that give out a node's credentials."
            ),
            examples=["db.internal"],
        )
    )
    cidr: Annotated[str, BeforeValidator(_cidr), WithJsonSchema({"type": "string", "maxLength": 64})] | None = Field(
        default=None, description="Instead of a host: a block of IP addresses.", examples=["10.0.0.0/8"]
    )
    port: Annotated[int, *number(1, 65535)] = Field(description="TCP port there.", examples=[5432])

    @property
    def network(self) -> Network | None:
        """The addresses that it means; None for a host name."""
        if self.cidr is not None:
            return ipaddress.ip_network(self.cidr)
        try:
            return ipaddress.ip_network(self.host or "")
        except ValueError:
            return None

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        if (self.host is None) == (self.cidr is None):
            problem = "has host and cidr" if self.host is not None else "says no destination"
            raise refusal(problem, "exactly one of host, cidr", "write for example {host: db.internal, port: 5432}")
        return self
