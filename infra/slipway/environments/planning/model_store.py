"""Say where an environment keeps weights that are not in images, and how its pods get there."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from slipway.values.names import STORE_LABEL

ACCESS_KEY = "AWS_ACCESS_KEY_ID"
SECRET_KEY = "AWS_SECRET_ACCESS_KEY"  # noqa: S105 - a name
SAMPLES = "_capture"
"""The folder of samples in a store; in it, by how long they are kept, then by model. No model has such a name."""
DNS: Mapping[str, object] = {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}
"""A rule of a NetworkPolicy: names are looked up."""
OWN_DNS: Mapping[str, object] = {
    "to": [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ],
    **DNS,
}
"""As `DNS`, at the cluster's own name servers only."""


@dataclass(frozen=True, slots=True)
class ModelStore:
    """A bucket, and what a pod needs to read from it.

    Attributes:
        bucket: its name.
        region: of the bucket.
        endpoint: address of a store that is not AWS's; None for AWS.
        prefix: what keys begin with, empty for none.
        secret: name of the Secret that pods read with; None where they have a role.
        egress: rules of a NetworkPolicy that let a pod reach the store, and its role.
        policy: name of the environment's NetworkPolicy that lets pods reach the store's addresses, which change by
            themselves; those pods have `pod_labels`. None where `egress` has the way to the store.
        samples: what keys of samples begin with; None where pods may store none.
        samples_secret: name of the Secret that pods store samples with; None where they have a role.
        by_agent: whether an agent beside the model server brings the files, so that no image has a client of the store.
    """

    bucket: str
    region: str
    endpoint: str | None
    prefix: str
    secret: str | None
    egress: tuple[Mapping[str, object], ...]
    policy: str | None = None
    samples: str | None = None
    samples_secret: str | None = None
    by_agent: bool = False

    @property
    def pod_labels(self) -> dict[str, str]:
        """What pods that fetch are labelled with, beside what all pods are; nothing where no policy asks for it."""
        return {} if self.policy is None else {STORE_LABEL: self.policy}

    def key(self, sha256: str) -> str:
        """Where the file with a digest is: the same bytes are one object, whoever's they are."""
        return "/".join(filter(None, (self.prefix, "sha256", sha256)))

    def __str__(self) -> str:
        """For people: bucket, and where it is."""
        if self.by_agent:
            return self.bucket
        return f"bucket {self.bucket} at {self.endpoint}" if self.endpoint else f"bucket {self.bucket} of AWS"


def egress_to(endpoint: str | None) -> tuple[Mapping[str, object], ...]:
    """Rules to a store: to the very address where the endpoint is one, else to its port: a policy takes no names."""
    parts = urlsplit(endpoint or "https://s3.amazonaws.com")
    port = {"port": parts.port or (443 if parts.scheme == "https" else 80), "protocol": "TCP"}
    try:
        address = ip_address(parts.hostname or "")
    except ValueError:
        return DNS, {"ports": [port]}
    return ({"to": [{"ipBlock": {"cidr": f"{address}/{address.max_prefixlen}"}}], "ports": [port]},)
