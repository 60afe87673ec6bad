"""Define what a person may write about an environment's gateway: where it listens, its certificate, its database."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator
from pydantic.config import JsonDict

from slipway.settings.values import BaseImage, SecretName, StorageClass
from slipway.values.hosts import Host
from slipway.values.quantities import Bytes, DnsLabel, Truth, format_bytes, refusal
from slipway.values.section import Section, empty, left_out, number

SELF_SIGNED = "self-signed"
NODE_PORTS = (30000, 32767)
"""Ports of nodes that Kubernetes gives to Services, if nobody configured it otherwise."""
_ONE_DATABASE = "either in_cluster or secret"
_ONE_CERTIFICATE = f"{SELF_SIGNED}, or a mapping with either secret or issuer"


def _or_self_signed(schema: JsonDict) -> None:
    """In the JSON Schema, the word or the mapping."""
    schema["anyOf"] = [{"type": "string", "const": SELF_SIGNED}, {"$ref": schema.pop("$ref")}]
    schema["default"] = SELF_SIGNED


class Certificate(Section):
    """Where the certificate comes from, instead of the environment's own authority (`self-signed`)."""

    secret: SecretName | None = Field(
        default=None,
        description="Name of a Secret of type kubernetes.io/tls in the namespace, which somebody else renews.",
        examples=["example-com-tls"],
        exclude_if=left_out,
    )
    issuer: DnsLabel | None = Field(
        default=None,
        description="Name of a ClusterIssuer of cert-manager that may sign the domain and all names below it.",
        examples=["letsencrypt"],
        exclude_if=left_out,
    )

    @model_validator(mode="before")
    @classmethod
    def _the_word(cls, value: Any) -> Any:
        """`self-signed` is the section without fields."""
        if value == SELF_SIGNED:
            return {}
        if not isinstance(value, dict):
            raise refusal("names no certificate", _ONE_CERTIFICATE, f"write {SELF_SIGNED} or {{secret: NAME}}")
        return value

    @model_validator(mode="after")
    def _from_one_place(self) -> Self:
        if self.secret is not None and self.issuer is not None:
            raise refusal("has both secret and issuer", _ONE_CERTIFICATE, "remove one of them", ("issuer",))
        return self

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler) -> Any:
        return handler(self) or SELF_SIGNED


class InCluster(Section):
    """A PostgreSQL that the environment's stack runs: one pod, for trials and small environments."""

    image: BaseImage = Field(
        description="Image of PostgreSQL that takes POSTGRES_USER, POSTGRES_PASSWORD_FILE and POSTGRES_DB.",
        examples=["127.0.0.1:5000/slipway/postgres:15"],
    )
    storage: Bytes = Field(
        default=2**30,
        description="Size of its volume.",
        examples=["1Gi"],
        json_schema_extra={"default": format_bytes(2**30)},
    )
    storage_class: StorageClass | None = Field(
        default=None,
        description="StorageClass of its volume; the cluster's default when left out.",
        examples=["local"],
        exclude_if=left_out,
    )


class Database(Section):
    """The PostgreSQL of keys and ledger."""

    in_cluster: InCluster | None = Field(
        default=None,
        description="One that the environment's stack runs.",
        examples=[{"image": "127.0.0.1:5000/slipway/postgres:15"}],
        exclude_if=left_out,
    )
    secret: SecretName | None = Field(
        default=None,
        description="Name of a Secret in the namespace whose key `url` is the address of yours: `postgresql://...`.",
        examples=["keys-postgresql"],
        exclude_if=left_out,
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.in_cluster is None) == (self.secret is None):
            problem = "has both in_cluster and secret" if self.secret else "has neither in_cluster nor secret"
            raise refusal(problem, _ONE_DATABASE, "write one of them", ("secret",) if self.secret else ())
        return self


class Extraction(Section):
    """From when on a key's calls look like a copy of the model being made."""

    calls_per_day: Annotated[int, *number(1, 1_000_000_000)] = Field(
        description="Calls of one model in 24 hours that no key needs. An alert tells of a key with more, and of one "
        "with a tenth of it that has ten times the calls of its busiest day of the week before.",
        examples=[100000],
    )


EXTRACTION: Extraction | None = Field(
    default=None,
    description="From when on an alert says that a key may be copying a model (docs/how-to/against-theft.md); no alert "
    "when left out.",
    examples=[{"calls_per_day": 100000}],
    exclude_if=left_out,
    json_schema_extra={"since": "0.2"},
)
"""The field of every kind of environment's gateway."""


class Gateway(Section):
    """The way in: Envoy with TLS, keys and a ledger before every model; none when left out."""

    domain: Host = Field(
        description="Host name that clients use; models may have names below it.", examples=["models.example.com"]
    )
    certificate: Certificate = Field(
        default=Certificate(),
        description=f"Where the certificate comes from: `{SELF_SIGNED}`, or one of the fields below.",
        examples=[SELF_SIGNED],
        json_schema_extra=_or_self_signed,
    )
    service_type: Literal["LoadBalancer", "NodePort", "ClusterIP"] = Field(
        default="LoadBalancer", description="How Envoy's Service is reached.", examples=["NodePort"]
    )
    port: Annotated[int, *number(1, 65535)] = Field(
        default=443,
        description=f"Port that clients use; with NodePort that of the nodes, {NODE_PORTS[0]} to {NODE_PORTS[1]}.",
        examples=[30443],
    )
    internal: Truth = Field(
        default=False,
        description="Whether the load balancer is reached from inside the network only.",
        examples=[True],
        exclude_if=empty,
        json_schema_extra={"type": "boolean"},
    )
    replicas: Annotated[int, *number(1, 100)] = Field(
        default=2, description="Pods of Envoy, and as many of the keys service.", examples=[2]
    )
    envoy_image: BaseImage | None = Field(
        default=None,
        description="Image of Envoy, where the cluster cannot pull the one that Envoy Gateway names.",
        examples=["127.0.0.1:5000/slipway/envoy:1.39.1"],
        exclude_if=left_out,
    )
    database: Database = Field(
        description="The PostgreSQL of keys and ledger.",
        examples=[{"in_cluster": {"image": "127.0.0.1:5000/slipway/postgres:15"}}],
    )

    extraction: Extraction | None = EXTRACTION

    @model_validator(mode="after")
    def _a_node_port_is_one(self) -> Self:
        least, most = NODE_PORTS
        if self.service_type == "NodePort" and not least <= self.port <= most:
            problem = f"{self.port} is no port that Kubernetes gives to a NodePort"
            raise refusal(problem, f"{least} to {most}", "add port: 30443", ("port",))
        return self

    @model_validator(mode="after")
    def _only_a_load_balancer_is_internal(self) -> Self:
        if self.internal and self.service_type != "LoadBalancer":
            problem = f"is given, though service_type is {self.service_type}"
            raise refusal(problem, "internal beside service_type: LoadBalancer", "remove it", ("internal",))
        return self
