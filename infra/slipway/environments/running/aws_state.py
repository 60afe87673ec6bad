"""Read what an exported stack of kind `aws` says: what it has, what it protects, and which data is in that."""

from slipway.values.aliases import Json
from slipway.values.names import database

MODEL_STORE = "model-store"
LEDGER = "ledger"
_LEDGER_KEY = "-ledger-key"


def resources(state: Json | None) -> list[Json]:
    """The resources of an exported stack; none of one that there is not."""
    return list(state["deployment"].get("resources") or []) if state else []


def protected(state: Json | None) -> list[Json]:
    """Those that the engine does not delete."""
    return [resource for resource in resources(state) if resource.get("protect")]


def kind_of(resource: Json) -> str:
    """Which data a protected resource is for: the key of the ledger's snapshots, or the bucket with all its parts."""
    return LEDGER if "-ledger-" in resource["urn"].rpartition("::")[2] else MODEL_STORE


def data_of(state: Json | None, environment: str) -> dict[str, str]:
    """The data that a `down` keeps unless told otherwise, each with where it is."""
    found = {}
    if bucket := bucket_of(state):
        found[MODEL_STORE] = f"bucket {bucket}"
    if any(resource["urn"].endswith(_LEDGER_KEY) for resource in protected(state)):
        found[LEDGER] = f"last snapshot of database {database(environment)}"
    return found


def bucket_of(state: Json | None) -> str | None:
    """The bucket of models' weights."""
    buckets = [resource["id"] for resource in protected(state) if resource["type"] == "aws:s3/bucket:Bucket"]
    return buckets[0] if buckets else None


def has_protected_cluster(state: Json | None) -> bool:
    """Whether AWS refuses to delete the cluster."""
    return any(
        one["type"] == "aws:eks/cluster:Cluster" and bool(one["outputs"].get("deletionProtection"))
        for one in resources(state)
    )


def arns(state: Json | None) -> set[str]:
    """The ARNs of all that an exported stack still has."""
    return {str(one["outputs"]["arn"]) for one in resources(state) if (one.get("outputs") or {}).get("arn")}


def network_of(state: Json | None) -> str | None:
    """The VPC of an exported stack."""
    return next((str(one["id"]) for one in resources(state) if one["type"] == "aws:ec2/vpc:Vpc"), None)
