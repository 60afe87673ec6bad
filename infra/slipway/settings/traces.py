"""Define what settings say of traces: the collector that takes them, and how many requests are traced."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from slipway.values.percentages import Percentage
from slipway.values.quantities import line_of_text, refusal
from slipway.values.section import Section, left_out

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_SERVICE = re.compile(rf"{_LABEL}\.{_LABEL}")
_LIMIT = 127


def _service(value: object) -> str:
    """A Service of the cluster: no address outside it, where a header with a password would be needed, and TLS."""
    allowed = "SERVICE.NAMESPACE of a Service of the cluster, in lower case, without scheme and port"
    text = line_of_text(_LIMIT, "otel-collector.monitoring")(value)
    if not _SERVICE.fullmatch(text):
        bare = re.sub(r"^[a-z]+://|[:/].*$", "", text.strip().lower())
        bare = bare.removesuffix(".cluster.local").removesuffix(".svc")
        better = bare if _SERVICE.fullmatch(bare) else "otel-collector.monitoring"
        todo = f"write for example {better}; a collector in the cluster sends on what others shall get"
        raise refusal("is not a Service of the cluster", allowed, todo)
    return text


Collector = Annotated[
    str,
    BeforeValidator(_service),
    WithJsonSchema({"type": "string", "maxLength": _LIMIT, "pattern": f"^(?:{_SERVICE.pattern})$"}),
]


class Traces(Section):
    """Spans of requests, from the gateway to the computation; none when left out."""

    collector: Collector = Field(
        description="Service of the collector and its namespace; it takes OTLP over gRPC at port 4317, from the "
        "gateway, and over HTTP at port 4318, from models' pods.",
        examples=["otel-collector.monitoring"],
    )
    share: Percentage = Field(
        description="Share of the requests that are traced.",
        examples=["1%"],
    )


TRACES: Traces | None = Field(
    default=None,
    description="Where spans of requests are sent to, and of how many; nobody traces when left out "
    "(docs/how-to/traces.md).",
    examples=[{"collector": "otel-collector.monitoring", "share": "1%"}],
    exclude_if=left_out,
    json_schema_extra={"since": "0.2"},
)
"""The field of every kind of environment's monitoring."""
