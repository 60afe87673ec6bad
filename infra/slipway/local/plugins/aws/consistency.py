"""Let what AWS makes known later be known later: access to a cluster, and who the pods of a ServiceAccount are.

The calls return at once and reading shows the result at once, as in AWS; only the cluster does not know yet.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

KNOWN_AFTER_S = 10.0
"""The longest that was seen of associations of Pod Identity (aws/eks-pod-identity-agent#52); of access AWS says several
seconds (https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html)."""
AT = "at"
ACCESS_POLICY = "eks.access_policy"
POD_IDENTITY = "eks.pod_identity"
"""Kinds of records; their keys begin with the name of the cluster."""

Records = Mapping[str, Mapping[str, Any]]


def now() -> str:
    """The moment, as records have it."""
    return datetime.now(UTC).isoformat()


def age_s(record: Mapping[str, Any]) -> float:
    """How long ago it was made or changed last."""
    return (datetime.now(UTC) - datetime.fromisoformat(record[AT])).total_seconds()


def known(record: Mapping[str, Any]) -> bool:
    """Whether the cluster knows it by now."""
    return age_s(record) >= KNOWN_AFTER_S


def too_early(identities: Records, namespace: str, accounts: frozenset[str]) -> Iterator[str]:
    """What is wrong with starting pods of these ServiceAccounts now: they would have no credentials, ever."""
    for record in identities.values():
        account = record["serviceAccount"]
        if record["namespace"] == namespace and account in accounts and not known(record):
            yield (
                f"pods of ServiceAccount {namespace}/{account} would be admitted without credentials: its pod identity "
                f"association is {age_s(record):.1f} s old, and EKS may need {KNOWN_AFTER_S:g} s to know it"
            )
