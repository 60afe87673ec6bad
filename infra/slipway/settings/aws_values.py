"""Parse single values of the settings of kind `aws`, each a named type with AWS's rule attached."""

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from slipway.catalog.aws import EKS_VERSIONS, INSTANCE_TYPES, REGIONS
from slipway.catalog.platform_pins import EKS
from slipway.errors.base import nearest
from slipway.values.cidrs import DOCKER_RANGE, SERVICE_RANGE
from slipway.values.names import SYSTEM_POOL
from slipway.values.quantities import dns_label, kind_of, line_of_text, refusal

_PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_SHARED = IPv4Network("100.64.0.0/10")
"""Addresses of carriers (RFC 6598), which VPNs give to their clients too."""
_ACCOUNT = re.compile(r"[0-9]{12}")
_VPC = re.compile(r"vpc-(?:[0-9a-f]{8}|[0-9a-f]{17})")
_SUBNET = re.compile(r"subnet-(?:[0-9a-f]{8}|[0-9a-f]{17})")
_GROUP = re.compile(r"sg-(?:[0-9a-f]{8}|[0-9a-f]{17})")
_CIDR = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}/[0-9]{1,2}")
_ROLE = re.compile(r"arn:aws:iam::[0-9]{12}:role/(?:[!-)+-.0->@-~]+/)*[A-Za-z0-9_+=,.@-]{1,64}")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_RESERVATION = re.compile(r"cr-(?:[0-9a-f]{8}|[0-9a-f]{17})")
_TAG = re.compile(r"[\w\s+\-=._:/@]*")

_OTHER_PARTITIONS: Mapping[str, str] = {
    "cn-": "aws-cn (China)",
    "us-gov-": "aws-us-gov (GovCloud)",
    "us-iso": "aws-iso (isolated)",
    "eu-isoe-": "aws-iso-e (isolated)",
    "eusc-": "aws-eusc (European Sovereign Cloud)",
}
"""Partitions apart from the commercial one by how their regions' names begin. Their ARNs, service principals, images of
EKS and registries have other names, which nothing here was ever tried with."""

POOL_NAME_LIMIT = 40
"""Leaves room for `-on-demand-<8 hex>` within the 63 characters of a node group's name."""


def _known(value: object, known: Sequence[str], what: str, example: str) -> str:
    text = line_of_text(100, example)(value)
    if text not in known:
        todo = f"write {nearest(text, known) or example}"
        raise refusal(f"is not {what}", ", ".join(known), todo)
    return text


def _account(value: object) -> str:
    allowed = "12 digits in quotes"
    if type(value) is int:
        todo = f'write "{value:012d}"' if 0 <= value < 10**12 else 'write for example "123456789012"'
        raise refusal("is a number, which loses its leading zeros", allowed, todo)
    text = line_of_text(100, '"123456789012"')(value)
    if not _ACCOUNT.fullmatch(text):
        raise refusal("is not the id of an account", allowed, 'write for example "123456789012"')
    return text


def _region(value: object) -> str:
    other = next((name for prefix, name in _OTHER_PARTITIONS.items() if str(value).startswith(prefix)), None)
    if other is not None:
        problem = f"is of the partition {other}, whose ARNs, endpoints and images have other names"
        raise refusal(problem, "a region of the commercial partition, aws", "write for example eu-central-1")
    return _known(value, list(REGIONS), "a region of the catalogue", "eu-central-1")


def _instance_type(value: object) -> str:
    text = line_of_text(100, "g6.2xlarge")(value)
    if text not in INSTANCE_TYPES:
        near = nearest(text, list(INSTANCE_TYPES))
        family = [name for name in INSTANCE_TYPES if name.partition(".")[0] == text.partition(".")[0]]
        allowed = ", ".join(family) if family else "a type of the catalogue, docs/reference/settings.md lists them"
        raise refusal("is not an instance type of the catalogue", allowed, f"write for example {near or 'g6.2xlarge'}")
    return text


def _version(value: object) -> str:
    known = [version for version in EKS if version in EKS_VERSIONS]
    allowed, latest = f"{', '.join(known)}, in quotes", known[-1]
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise refusal("is a number, in which 1.30 is the same as 1.3", allowed, f'write for example "{latest}"')
    text = line_of_text(100, f'"{latest}"')(value)
    if text not in EKS_VERSIONS:
        raise refusal("is not a version of EKS in the catalogue", allowed, f'write for example "{latest}"')
    return text


def _network(value: object, allowed: str, example: str) -> IPv4Network:
    text = line_of_text(100, example)(value)
    try:
        network = IPv4Network(text, strict=False) if _CIDR.fullmatch(text) else None
    except ValueError:
        network = None
    if network is None:
        raise refusal("is not a range of addresses", allowed, f"write for example {example}")
    if str(network) != text:
        raise refusal(f"has bits set after its first {network.prefixlen}", allowed, f"write {network}")
    return network


def _cidr(value: object) -> str:
    allowed, example = "a private range (RFC 1918) of /16 to /20", "10.20.0.0/16"
    network = _network(value, allowed, example)
    if not 16 <= network.prefixlen <= 20:
        raise refusal("is too large" if network.prefixlen < 16 else "is too small", allowed, f"write {example}")
    if not any(network.subnet_of(private) for private in _PRIVATE):
        raise refusal("is not private", allowed, f"write for example {example}")
    for taken, whose in ((SERVICE_RANGE, "Kubernetes' Services"), (DOCKER_RANGE, "Docker's bridge")):
        if network.overlaps(taken):
            raise refusal(f"overlaps {taken}, the addresses of {whose}", allowed, f"write for example {example}")
    return str(network)


def _public_cidr(value: object) -> str:
    allowed = "a public range of /8 to /32"
    network = _network(value, allowed, "203.0.113.0/24")
    if network.prefixlen < 8:
        whole = "all" if network.prefixlen == 0 else "a large part"
        raise refusal(f"is {whole} of the internet", allowed, "write the addresses of your offices or VPN")
    if any(network.overlaps(private) for private in _PRIVATE):
        problem = "is private: nothing that comes from the internet has such an address"
        raise refusal(problem, allowed, "write it under private_cidrs instead")
    return str(network)


def _private_cidr(value: object) -> str:
    allowed = "a range of /8 to /32 within 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10"
    network = _network(value, allowed, "10.99.0.0/24")
    if not any(network.subnet_of(private) for private in (*_PRIVATE, _SHARED)):
        raise refusal("is not private", allowed, "write it under public_cidrs, if it is yours")
    return str(network)


def _security_group(value: object) -> str:
    return _identifier(value, _GROUP, "sg-0123456789abcdef0", "a security group")


def _vpc(value: object) -> str:
    return _identifier(value, _VPC, "vpc-0123456789abcdef0", "a VPC")


def _subnet(value: object) -> str:
    return _identifier(value, _SUBNET, "subnet-0123456789abcdef0", "a subnet")


def _identifier(value: object, pattern: re.Pattern[str], example: str, what: str) -> str:
    text = line_of_text(100, example)(value)
    if not pattern.fullmatch(text):
        allowed = f"{example.partition('-')[0]}- and 8 or 17 hexadecimal digits"
        raise refusal(f"is not the id of {what}", allowed, f"write for example {example}")
    return text


def _role(value: object) -> str:
    example = "arn:aws:iam::123456789012:role/platform"
    allowed = "the ARN of an IAM role, arn:aws:iam::ACCOUNT:role/[PATH/]NAME"
    text = line_of_text(2048, example)(value)
    if "*" in text or "?" in text:
        raise refusal("has a wildcard", allowed, "name each role")
    if text.endswith(":root"):
        raise refusal("is the whole account", allowed, f"name a role, for example {example}")
    if ":user/" in text:
        raise refusal("is a user, whose keys do not expire", allowed, f"name a role that the user assumes: {example}")
    if ":assumed-role/" in text:
        raise refusal("is a session of a role", allowed, f"name the role itself, for example {example}")
    if ":role/aws-service-role/" in text:
        raise refusal(
            "is the role of an AWS service", allowed, f"name a role that people assume, for example {example}"
        )
    if not _ROLE.fullmatch(text):
        raise refusal("is not the ARN of a role", allowed, f"write for example {example}")
    return text


def _email(value: object) -> str:
    text = line_of_text(254, "ml-platform@example.com")(value)
    if not _EMAIL.fullmatch(text):
        raise refusal("is not an e-mail address", "NAME@DOMAIN", "write for example ml-platform@example.com")
    return text


def _reservation(value: object) -> str:
    text = line_of_text(100, "cr-0123456789abcdef0")(value)
    if not _RESERVATION.fullmatch(text):
        allowed = "cr- and 17 hexadecimal digits"
        raise refusal("is not a capacity reservation", allowed, "write for example cr-0123456789abcdef0")
    return text


def _tag_key(value: object) -> str:
    allowed = "letters, digits, spaces and + - = . _ : / @, at most 128, not starting with aws: or slipway:"
    text = line_of_text(128, "team")(value)
    if text.lower().startswith(("aws:", "slipway:")):
        raise refusal("is reserved", allowed, "write for example team")
    if text == "Name":
        raise refusal("is set by Slipway itself", allowed, "write for example team")
    if not _TAG.fullmatch(text):
        raise refusal("has a character that AWS refuses", allowed, "write for example team")
    return text


def _tag_value(value: object) -> str:
    allowed = "text of at most 256 letters, digits, spaces and + - = . _ : / @"
    if not isinstance(value, str):
        raise refusal(f"is {kind_of(value)}, not text", allowed, "write it in quotes")
    if len(value) > 256:
        raise refusal(f"has {len(value)} characters", allowed, f"shorten it by {len(value) - 256}")
    if not _TAG.fullmatch(value) or not value.isprintable():
        raise refusal("has a character that AWS refuses", allowed, "leave the character out")
    return value


def _pool_name(value: object) -> str:
    text = dns_label(POOL_NAME_LIMIT)(value)
    if text == SYSTEM_POOL:
        allowed = "any other name"
        raise refusal("is reserved for the platform's own pool", allowed, "write for example cpu")
    return text


def _limited(limit: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "minLength": 1, "maxLength": limit})


Account = Annotated[
    str, BeforeValidator(_account), WithJsonSchema({"type": "string", "pattern": f"^{_ACCOUNT.pattern}$"})
]
RegionName = Annotated[str, BeforeValidator(_region), WithJsonSchema({"type": "string", "enum": list(REGIONS)})]
Zone = Annotated[str, BeforeValidator(line_of_text(40, "eu-central-1a")), _limited(40)]
KubernetesVersion = Annotated[
    str, BeforeValidator(_version), WithJsonSchema({"type": "string", "enum": list(EKS_VERSIONS)})
]
Cidr = Annotated[str, BeforeValidator(_cidr), WithJsonSchema({"type": "string", "pattern": f"^{_CIDR.pattern}$"})]
PublicCidr = Annotated[
    str, BeforeValidator(_public_cidr), WithJsonSchema({"type": "string", "pattern": f"^{_CIDR.pattern}$"})
]
PrivateCidr = Annotated[
    str, BeforeValidator(_private_cidr), WithJsonSchema({"type": "string", "pattern": f"^{_CIDR.pattern}$"})
]
SecurityGroupId = Annotated[
    str, BeforeValidator(_security_group), WithJsonSchema({"type": "string", "pattern": f"^{_GROUP.pattern}$"})
]
VpcId = Annotated[str, BeforeValidator(_vpc), WithJsonSchema({"type": "string", "pattern": f"^{_VPC.pattern}$"})]
SubnetId = Annotated[
    str, BeforeValidator(_subnet), WithJsonSchema({"type": "string", "pattern": f"^{_SUBNET.pattern}$"})
]
RoleArn = Annotated[str, BeforeValidator(_role), _limited(2048)]
Email = Annotated[str, BeforeValidator(_email), _limited(254)]
TagKey = Annotated[str, BeforeValidator(_tag_key), _limited(128)]
TagValue = Annotated[str, BeforeValidator(_tag_value), WithJsonSchema({"type": "string", "maxLength": 256})]
InstanceTypeName = Annotated[
    str, BeforeValidator(_instance_type), WithJsonSchema({"type": "string", "enum": list(INSTANCE_TYPES)})
]
Reservation = Annotated[
    str, BeforeValidator(_reservation), WithJsonSchema({"type": "string", "pattern": f"^{_RESERVATION.pattern}$"})
]
PoolName = Annotated[str, BeforeValidator(_pool_name), _limited(POOL_NAME_LIMIT)]
MigName = Annotated[str, BeforeValidator(line_of_text(20, "1g.10gb")), _limited(20)]
