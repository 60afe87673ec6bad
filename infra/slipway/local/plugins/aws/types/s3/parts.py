"""How a bucket keeps things: each part is a resource of its own, and AWS has one call to put and one to get it."""

from collections.abc import Callable, Mapping
from typing import Any

from slipway.local.plugins.aws.backend import Aws
from slipway.local.plugins.aws.schema import REQUIRED, REQUIRED_FIXED, VALUE, Object, Property, ResourceType, block
from slipway.local.plugins.aws.types.spelling import from_aws, to_aws

_SPELLED = {"sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID", "id": "ID", "mfaDelete": "MFADelete"}
_SOURCE = "hashicorp/terraform-provider-aws internal/service/s3/"


def _part(
    name: str,
    properties: Mapping[str, Property],
    method: str,
    missing: tuple[str, ...],
    put: Callable[[Object], Object],
    seen: Callable[[Any], Object | None],
    *,
    source: str,
    delete: Callable[[Aws, str, Object], None] | None = None,
) -> ResourceType:
    """A part whose calls are `put_<method>`, `get_<method>` and `delete_<method>`; `seen` None: not set."""
    gone = ("NoSuchBucket", "404", *missing)

    def create(aws: Aws, inputs: Object) -> str:
        aws.call("s3", f"put_{method}", Bucket=inputs["bucket"], **put(inputs))
        return str(inputs["bucket"])

    def read(aws: Aws, identifier: str, state: Object) -> Object | None:
        found = aws.find("s3", f"get_{method}", gone, Bucket=identifier)
        live = None if found is None else seen(found)
        return None if live is None else {"bucket": identifier, **live}

    def update(aws: Aws, identifier: str, old: Object, new: Object) -> None:
        create(aws, new)

    def remove(aws: Aws, identifier: str, state: Object) -> None:
        aws.find("s3", f"delete_{method}", gone, Bucket=identifier)

    return ResourceType(
        token=f"aws:s3/{name[0].lower()}{name[1:]}:{name}",
        source=_SOURCE + source,
        properties={"bucket": REQUIRED_FIXED, **properties},
        name="bucket",
        create=create, read=read, update=update, delete=delete or remove,
    )  # fmt: skip


def _suspend(aws: Aws, identifier: str, state: Object) -> None:
    """Versioning cannot be switched off, only suspended."""
    if state["versioningConfiguration"]["status"] == "Enabled":
        aws.find(
            "s3", "put_bucket_versioning", ("NoSuchBucket",), Bucket=identifier,
            VersioningConfiguration={"Status": "Suspended"},
        )  # fmt: skip


VERSIONING = _part(
    "BucketVersioning",
    {"versioningConfiguration": block(required=True, status=REQUIRED, mfaDelete=VALUE)},
    "bucket_versioning",
    (),
    lambda inputs: {"VersioningConfiguration": to_aws(inputs["versioningConfiguration"], _SPELLED)},
    lambda found: {
        "versioningConfiguration": {
            "status": found.get("Status", "Disabled"), "mfaDelete": found.get("MFADelete", "Disabled"),
        }
    },
    source="bucket_versioning.go",
    delete=_suspend,
)  # fmt: skip

ENCRYPTION = _part(
    "BucketServerSideEncryptionConfiguration",
    {
        "rules": block(
            required=True,
            unordered=True,
            applyServerSideEncryptionByDefault=block(sseAlgorithm=REQUIRED, kmsMasterKeyId=VALUE),
            bucketKeyEnabled=VALUE,
        )
    },
    "bucket_encryption",
    ("ServerSideEncryptionConfigurationNotFoundError",),
    lambda inputs: {"ServerSideEncryptionConfiguration": {"Rules": to_aws(inputs["rules"], _SPELLED)}},
    lambda found: {"rules": from_aws(found["ServerSideEncryptionConfiguration"]["Rules"], _SPELLED)},
    source="bucket_server_side_encryption_configuration.go",
)

_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
PUBLIC_ACCESS_BLOCK = _part(
    "BucketPublicAccessBlock",
    dict.fromkeys(_BLOCKS, VALUE),
    "public_access_block",
    ("NoSuchPublicAccessBlockConfiguration",),
    lambda inputs: {"PublicAccessBlockConfiguration": to_aws({key: inputs.get(key, False) for key in _BLOCKS})},
    lambda found: from_aws(found["PublicAccessBlockConfiguration"]),
    source="bucket_public_access_block.go",
)

OWNERSHIP = _part(
    "BucketOwnershipControls",
    {"rule": block(required=True, objectOwnership=REQUIRED)},
    "bucket_ownership_controls",
    ("OwnershipControlsNotFoundError",),
    lambda inputs: {"OwnershipControls": {"Rules": [to_aws(inputs["rule"])]}},
    lambda found: {"rule": from_aws(found["OwnershipControls"]["Rules"][0])},
    source="bucket_ownership_controls.go",
)

POLICY = _part(
    "BucketPolicy",
    {"policy": Property(required=True, json=True)},
    "bucket_policy",
    ("NoSuchBucketPolicy",),
    lambda inputs: {"Policy": inputs["policy"]},
    lambda found: {"policy": found["Policy"]},
    source="bucket_policy.go",
)

_TRANSITION = block(days=VALUE, storageClass=REQUIRED)


def _delete_lifecycle(aws: Aws, identifier: str, state: Object) -> None:
    aws.find("s3", "delete_bucket_lifecycle", ("NoSuchBucket", "404"), Bucket=identifier)


LIFECYCLE = _part(
    "BucketLifecycleConfiguration",
    {
        "rules": block(
            required=True,
            id=REQUIRED,
            status=REQUIRED,
            filter=block(prefix=VALUE),
            abortIncompleteMultipartUpload=block(daysAfterInitiation=VALUE),
            expiration=block(days=VALUE, expiredObjectDeleteMarker=VALUE),
            noncurrentVersionExpiration=block(noncurrentDays=VALUE, newerNoncurrentVersions=VALUE),
            transitions=_TRANSITION,
        )
    },
    "bucket_lifecycle_configuration",
    ("NoSuchLifecycleConfiguration",),
    lambda inputs: {"LifecycleConfiguration": {"Rules": to_aws(inputs["rules"], _SPELLED)}},
    lambda found: {"rules": from_aws(found["Rules"], _SPELLED)},
    source="bucket_lifecycle_configuration.go",
    delete=_delete_lifecycle,
)
