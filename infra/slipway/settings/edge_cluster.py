"""Define what a person may write about the cluster that carries the control side of a fleet."""

import base64
import binascii
from typing import Annotated

from pydantic import AfterValidator, Field

from slipway.settings.gateway import NODE_PORTS
from slipway.settings.values import SecretName, StorageClass, line
from slipway.values.quantities import DnsLabel, refusal
from slipway.values.section import Section, left_out, number

_KEY_BYTES = 32


def _public_key(text: str) -> str:
    try:
        size = len(base64.b64decode(text, validate=True))
    except binascii.Error:
        size = 0
    if size != _KEY_BYTES:
        problem = "is no public key (a private one never belongs here)"
        todo = "write what `slipway devices key FILE` printed as the public key"
        raise refusal(problem, "32 bytes of an Ed25519 public key, as base64", todo, ())
    return text


class EdgeCluster(Section):
    """The cluster in which `pulumi up` of the fleet makes its control side."""

    environment: DnsLabel = Field(
        description="The environment of kind `kubernetes` whose cluster it is; it has a namespace of its own there.",
        examples=["local"],
    )
    public_key: Annotated[str, *line(44, "MCowBQYDK2VwAyEA..."), AfterValidator(_public_key)] = Field(
        description="Public half of the fleet's key, as `slipway devices key` prints it: commands are signed with it.",
        examples=["11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="],
    )
    certificate: SecretName = Field(
        description="Name of the Secret with the certificate of `control`, of type kubernetes.io/tls, in the namespace "
        "slipway-fleet-FLEET; the pod starts once it is there.",
        examples=["fleet-tls"],
    )
    node_port: Annotated[int, *number(*NODE_PORTS)] | None = Field(
        default=None,
        description="Port of every node at which it is reached; by a load balancer of its own when left out.",
        examples=[30843],
        exclude_if=left_out,
    )
    storage_class: StorageClass | None = Field(
        default=None,
        description="StorageClass of the volume with what it knows; the cluster's default when left out.",
        examples=["local"],
        exclude_if=left_out,
    )
