"""A bucket; how it keeps things is said by resources beside it."""

from slipway.local.plugins.aws.backend import Aws
from slipway.local.plugins.aws.schema import FIXED, LOCAL, REQUIRED_FIXED, VALUE, Object, ResourceType
from slipway.local.plugins.aws.types import tags

_MISSING = ("404", "NoSuchBucket")


def _create(aws: Aws, inputs: Object) -> str:
    # us-east-1 is the one region that must not be named
    place = {} if aws.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": aws.region}}
    lock = {"ObjectLockEnabledForBucket": True} if inputs.get("objectLockEnabled") else {}
    aws.call("s3", "create_bucket", Bucket=inputs["bucket"], **place, **lock)
    return str(inputs["bucket"])


def _tag(aws: Aws, identifier: str, inputs: Object) -> None:
    if inputs.get("tags"):
        aws.call("s3", "put_bucket_tagging", Bucket=identifier, Tagging={"TagSet": tags.pairs(inputs["tags"])})


def _read(aws: Aws, identifier: str, state: Object) -> Object | None:
    if aws.find("s3", "head_bucket", _MISSING, Bucket=identifier) is None:
        return None
    found = aws.find("s3", "get_bucket_tagging", ("NoSuchTagSet",), Bucket=identifier)
    lock = aws.find("s3", "get_object_lock_configuration", ("ObjectLockConfigurationNotFoundError",), Bucket=identifier)
    return {
        "arn": f"arn:aws:s3:::{identifier}",
        "bucket": identifier,
        "bucketDomainName": f"{identifier}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{identifier}.s3.{aws.region}.amazonaws.com",
        "objectLockEnabled": lock is not None,
        "region": aws.region,
        **tags.outputs(tags.mapping((found or {}).get("TagSet"))),
    }


def _update(aws: Aws, identifier: str, old: Object, new: Object) -> None:
    if (old.get("tags") or {}) != (new.get("tags") or {}):
        if new.get("tags"):
            _tag(aws, identifier, new)
        else:
            aws.call("s3", "delete_bucket_tagging", Bucket=identifier)


def _delete(aws: Aws, identifier: str, state: Object) -> None:
    if aws.find("s3", "head_bucket", _MISSING, Bucket=identifier) is None:
        return
    if state.get("forceDestroy"):
        _empty(aws, identifier)
    aws.find("s3", "delete_bucket", _MISSING, Bucket=identifier)


def _empty(aws: Aws, identifier: str) -> None:
    """Delete every version of every object."""
    while True:
        page = aws.call("s3", "list_object_versions", Bucket=identifier)
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if not found:
            return
        objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
        aws.call("s3", "delete_objects", Bucket=identifier, Delete={"Objects": objects, "Quiet": True})


BUCKET = ResourceType(
    token="aws:s3/bucket:Bucket",
    source="hashicorp/terraform-provider-aws internal/service/s3/bucket.go",
    properties={"bucket": REQUIRED_FIXED, "forceDestroy": LOCAL, "objectLockEnabled": FIXED, "tags": VALUE},
    name="bucket",
    computed=frozenset({"arn", "bucketDomainName", "bucketRegionalDomainName", "region", "tagsAll"}),
    create=_create, configure=_tag, read=_read, update=_update, delete=_delete,
)  # fmt: skip
