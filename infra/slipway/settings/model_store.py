"""Define what a person may write about the model store of an environment of kind `kubernetes`: a bucket of weights."""

import re
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic.config import JsonDict

from slipway.settings.values import SecretName, line
from slipway.values.hosts import HOST_LIMIT
from slipway.values.quantities import line_of_text, refusal
from slipway.values.section import Section, left_out

_SINCE: JsonDict = {"since": "0.2"}
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:/[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)*")
_ENDPOINT = re.compile(r"https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[1-9][0-9]{0,4})?")
_IN_CLUSTER = (".svc", ".svc.cluster.local")


def _bucket(value: object) -> str:
    text = line_of_text(63, "models")(value)
    if not _BUCKET.fullmatch(text):
        allowed = "3 to 63 characters: a-z, 0-9, '-' and '.', neither '-' nor '.' first or last"
        raise refusal("is not the name of a bucket", allowed, "write for example models")
    return text


def _prefix(value: object) -> str:
    text = line_of_text(200, "slipway/prod")(value)
    if not _PREFIX.fullmatch(text):
        allowed = "names of letters, digits, '.', '_' and '-', with '/' between them"
        raise refusal("is not the beginning of a key", allowed, f"write {text.strip('/')}" if text.strip("/") else "")
    return text


def _endpoint(value: object) -> str:
    text = line_of_text(HOST_LIMIT, "https://s3.example.com")(value)
    allowed = "https://HOST[:PORT]; http:// for a private address or a Service of the cluster (NAME.NAMESPACE.svc)"
    if not _ENDPOINT.fullmatch(text):
        raise refusal("is not the address of a store", allowed, "write for example https://s3.example.com")
    parts = urlsplit(text)
    if parts.scheme == "http" and not _private(parts.hostname or ""):
        raise refusal("would send weights in clear through a network that others use", allowed, "write https://")
    return text


def _private(host: str) -> bool:
    try:
        return ip_address(host).is_private
    except ValueError:
        return host.endswith(_IN_CLUSTER)


class ModelStore(Section):
    """A bucket of AWS, or of a store that speaks S3, from which pods fetch their weights."""

    bucket: Annotated[
        str,
        BeforeValidator(_bucket),
        WithJsonSchema({"type": "string", "maxLength": 63, "pattern": f"^{_BUCKET.pattern}$"}),
    ] = Field(description="Name of the bucket, which is there.", examples=["models"], json_schema_extra=_SINCE)
    endpoint: (
        Annotated[
            str,
            BeforeValidator(_endpoint),
            WithJsonSchema({"type": "string", "maxLength": HOST_LIMIT, "pattern": f"^{_ENDPOINT.pattern}$"}),
        ]
        | None
    ) = Field(
        default=None,
        description="Address of the store, as pods reach it and the machine that uploads; that of AWS when left out.",
        examples=["https://s3.example.com"],
        exclude_if=left_out,
        json_schema_extra=_SINCE,
    )
    region: Annotated[str, *line(63, "us-east-1")] = Field(
        default="us-east-1", description="Region of the bucket.", examples=["eu-central-1"], json_schema_extra=_SINCE
    )
    prefix: (
        Annotated[
            str,
            BeforeValidator(_prefix),
            WithJsonSchema({"type": "string", "maxLength": 200, "pattern": f"^{_PREFIX.pattern}$"}),
        ]
        | None
    ) = Field(
        default=None,
        description="What keys begin with: `<prefix>/sha256/<digest>`; `sha256/<digest>` when left out.",
        examples=["slipway/prod"],
        exclude_if=left_out,
        json_schema_extra=_SINCE,
    )
    credentials: SecretName = Field(
        description="Name of a Secret in the namespace with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, with which "
        "pods read: they may get the objects (s3:GetObject) and nothing else. Who uploads has others "
        "(docs/how-to/large-weights.md).",
        examples=["model-store"],
        json_schema_extra=_SINCE,
    )
    samples: SecretName | None = Field(
        default=None,
        description="Name of a Secret like `credentials`, with which pods of models with `capture` store samples: they "
        "may put objects below `<prefix>/_capture` (s3:PutObject) and nothing else. No samples when left out.",
        examples=["samples-store"],
        exclude_if=left_out,
        json_schema_extra=_SINCE,
    )
