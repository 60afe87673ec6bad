"""Define what a person may write about the gateway of an environment on AWS, and what of it the account must have."""

import re
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator
from pydantic.config import JsonDict

from slipway.settings.gateway import EXTRACTION, Extraction
from slipway.values.hosts import Host
from slipway.values.quantities import DnsLabel, Truth, format_bytes, line_of_text, parse_bytes, refusal
from slipway.values.section import Section, number

_GI = 2**30
_NEW: JsonDict = {"since": "0.2"}
_STORAGE_LEAST, _STORAGE_MOST = 20 * _GI, 1024 * _GI
_CERTIFICATE = re.compile(
    r"arn:aws:acm:(?P<region>[a-z]{2}(?:-[a-z]+)+-[0-9]):(?P<account>[0-9]{12}):certificate/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
_SNAPSHOT = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_ZONE = re.compile(r"Z[A-Z0-9]{5,31}")
_EXAMPLE_ARN = "arn:aws:acm:eu-central-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"


def _certificate(value: object) -> str:
    text = line_of_text(200, _EXAMPLE_ARN)(value)
    if not _CERTIFICATE.fullmatch(text):
        allowed = "the ARN of a certificate of ACM, arn:aws:acm:REGION:ACCOUNT:certificate/ID"
        raise refusal("is not the ARN of a certificate", allowed, f"write for example {_EXAMPLE_ARN}")
    return text


def _snapshot(value: object) -> str:
    text = line_of_text(255, "slipway-prod-keys-0a1b2c3d")(value)
    if not _SNAPSHOT.fullmatch(text):
        allowed = "the name of a snapshot of RDS in the account and the region: small letters, digits, single hyphens"
        raise refusal("is not the name of a snapshot", allowed, "write for example slipway-prod-keys-0a1b2c3d")
    return text


def _zone(value: object) -> str:
    text = line_of_text(40, "Z0123456789ABCDEFGHIJ")(value)
    if not _ZONE.fullmatch(text):
        allowed = "the id of a hosted zone of Route 53: Z and capital letters and digits, without /hostedzone/"
        raise refusal("is not the id of a hosted zone", allowed, "write for example Z0123456789ABCDEFGHIJ")
    return text


def _storage(value: object) -> int:
    allowed = "20Gi to 1Ti, whole Gi"
    if type(value) in (int, float):
        raise refusal("has no unit", allowed, f"write for example {value}Gi")
    size = parse_bytes(value)
    if not _STORAGE_LEAST <= size <= _STORAGE_MOST:
        raise refusal("is out of range", allowed, f"write {'20Gi' if size < _STORAGE_LEAST else '1Ti'}")
    if size % _GI:
        raise refusal("is not a whole number of Gi", allowed, f"write {-(-size // _GI)}Gi")
    return size


CertificateArn = Annotated[str, BeforeValidator(_certificate), WithJsonSchema({"type": "string", "maxLength": 200})]
SnapshotName = Annotated[
    str,
    BeforeValidator(_snapshot),
    WithJsonSchema({"type": "string", "pattern": f"^{_SNAPSHOT.pattern}$", "maxLength": 255}),
]
HostedZone = Annotated[str, BeforeValidator(_zone), WithJsonSchema({"type": "string", "pattern": f"^{_ZONE.pattern}$"})]
Storage = Annotated[
    int, BeforeValidator(_storage), PlainSerializer(format_bytes), WithJsonSchema({"type": "string", "maxLength": 22})
]


class AwsCertificate(Section):
    """The certificate that clients see: one of ACM's at the load balancer, or one of cert-manager's at Envoy."""

    acm: CertificateArn | None = Field(
        default=None,
        description="ARN of a certificate of ACM, in the account and the region.",
        examples=[_EXAMPLE_ARN],
        json_schema_extra=_NEW,
    )
    issuer: DnsLabel | None = Field(
        default=None,
        description="ClusterIssuer of a cert-manager that you run in the cluster; TLS then passes the load balancer.",
        examples=["letsencrypt"],
        json_schema_extra=_NEW,
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        allowed = "one of acm and issuer"
        if self.acm is not None and self.issuer is not None:
            raise refusal("acm is there beside issuer", allowed, "remove one of the two", ("acm",))
        if self.acm is None and self.issuer is None:
            raise refusal("is empty", allowed, "add acm with the ARN of a certificate")
        return self


class AwsDatabase(Section):
    """The database of keys and ledger: PostgreSQL of RDS, encrypted, reached by the nodes only."""

    instance_class: Literal["db.t4g.micro", "db.t4g.small"] = Field(
        default="db.t4g.micro", description="Its class.", examples=["db.t4g.small"], json_schema_extra=_NEW
    )
    storage: Storage = Field(
        default=20 * _GI,
        description="Its disk, 20Gi to 1Ti, which AWS only lets grow.",
        examples=["50Gi"],
        json_schema_extra={"default": "20Gi", "since": "0.2"},
    )
    multi_az: Truth = Field(
        default=False,
        description="Whether a standby in another zone takes over when one fails.",
        examples=[True],
        json_schema_extra=_NEW,
    )
    keep_days: Annotated[int, *number(1, 35)] = Field(
        default=7, description="Days that can be gone back to, second by second.", examples=[35], json_schema_extra=_NEW
    )
    snapshot: SnapshotName | None = Field(
        default=None,
        description="Snapshot that it begins with, where it is made; one that is there is left as it is.",
        examples=["slipway-prod-keys-0a1b2c3d"],
        json_schema_extra=_NEW,
    )


class AwsGateway(Section):
    """The way in for clients: one network load balancer, Envoy behind it, keys and a ledger."""

    domain: Host = Field(
        description="Its domain; hosts of models are this or below it.",
        examples=["models.example.com"],
        json_schema_extra=_NEW,
    )
    certificate: AwsCertificate = Field(
        description="The certificate of the domain.", examples=[{"acm": _EXAMPLE_ARN}], json_schema_extra=_NEW
    )
    internal: Truth = Field(
        default=False,
        description="Whether only the network reaches it, and what is connected to that.",
        examples=[True],
        json_schema_extra=_NEW,
    )
    zone: HostedZone | None = Field(
        default=None,
        description="Hosted zone of Route 53 in which ExternalDNS keeps the names; by hand when left out.",
        examples=["Z0123456789ABCDEFGHIJ"],
        json_schema_extra=_NEW,
    )
    replicas: Annotated[int, *number(1, 100)] = Field(
        default=2, description="Pods of Envoy.", examples=[3], json_schema_extra=_NEW
    )
    database: AwsDatabase = Field(
        default=AwsDatabase(), description="The database of keys and ledger.", json_schema_extra=_NEW
    )
    extraction: Extraction | None = EXTRACTION

    def refuse_elsewhere(self, account: str, region: str) -> None:
        """Refuse a certificate of ACM that is not where the load balancer is."""
        found = _CERTIFICATE.fullmatch(self.certificate.acm) if self.certificate.acm else None
        at = ("gateway", "certificate", "acm")
        if found and found["region"] != region:
            todo = f"request or import it in {region} too, and write that one's ARN"
            raise refusal(f"is in {found['region']}", f"a certificate in {region}", todo, at)
        if found and found["account"] != account:
            todo = "request or import it in this account, and write that one's ARN"
            raise refusal(f"is of account {found['account']}", f"a certificate of account {account}", todo, at)
