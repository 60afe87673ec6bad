"""The types of KMS, IAM and S3, on moto without an engine: made, changed, seen, replaced, deleted."""

import json

import pytest
from botocore.exceptions import ClientError

from slipway.local.plugins.aws import operations
from slipway.local.plugins.aws.backend import Aws
from slipway.local.plugins.protocol.errors import OperationError
from tests.support.made_in_aws import Json, Made, unique

_TAGS = {"slipway:environment": "dev"}
_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
_READ = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)
_TRUST_EKS = _TRUST.replace("ec2", "eks")
_WRITE = _READ.replace("Get", "Put")
_MANAGED = "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"


def role(aws: Aws, **more: object) -> Made:
    inputs: Json = {"name": unique("role"), "assumeRolePolicy": _TRUST, "tags": _TAGS, **more}
    return Made(aws, "iam/role:Role", inputs)


def bucket(aws: Aws, **more: object) -> Made:
    return Made(aws, "s3/bucket:Bucket", {"bucket": unique("models"), "tags": _TAGS, **more})


def test_a_key_is_rotated_and_deleted_after_its_window(shared: Aws) -> None:
    key = Made(
        shared, "kms/key:Key",
        {"description": "weights", "enableKeyRotation": True, "deletionWindowInDays": 7, "tags": _TAGS},
    )  # fmt: skip
    assert key.seen() == key.inputs
    assert key.state["arn"].endswith(f":key/{key.id}")
    assert key.change(description="images", tags={"a": "b"})["tags"] == {"a": "b"}
    assert key.replaced_by(keyUsage="SIGN_VERIFY") == ["keyUsage"]
    shared.call("kms", "disable_key_rotation", KeyId=key.id)
    assert key.seen()["enableKeyRotation"] is False
    key.delete()
    left = shared.call("kms", "describe_key", KeyId=key.id)["KeyMetadata"]
    assert left["KeyState"] == "PendingDeletion"


def test_an_alias_moves_to_another_key_in_place(shared: Aws) -> None:
    first, second = (Made(shared, "kms/key:Key", {"description": name}) for name in ("first", "second"))
    name = f"alias/{unique('key')}"
    alias = Made(shared, "kms/alias:Alias", {"name": name, "targetKeyId": first.state["arn"]})
    assert alias.seen() == alias.inputs
    assert alias.change(targetKeyId=second.id)["targetKeyArn"] == second.state["arn"]
    assert alias.replaced_by(name="alias/other") == ["name"]
    alias.delete()


def test_a_role_is_changed_in_place_and_seen(shared: Aws) -> None:
    made = role(shared, description="nodes")
    assert made.state["arn"] == f"arn:aws:iam::123456789012:role/{made.id}"
    assert made.seen() == made.inputs
    assert made.change(description="other", maxSessionDuration=7200)["maxSessionDuration"] == 7200
    assert made.replaced_by(path="/slipway/") == ["path"]
    shared.call("iam", "update_assume_role_policy", RoleName=made.id, PolicyDocument=_TRUST_EKS)
    assert json.loads(made.seen()["assumeRolePolicy"]) == json.loads(_TRUST_EKS)
    made.delete()


def test_a_role_keeps_its_policies_until_they_are_taken_away(shared: Aws) -> None:
    owner = role(shared)
    inline = Made(shared, "iam/rolePolicy:RolePolicy", {"role": owner.id, "name": "read", "policy": _READ})
    managed = Made(shared, "iam/rolePolicyAttachment:RolePolicyAttachment", {"role": owner.id, "policyArn": _MANAGED})
    with pytest.raises(OperationError, match="DeleteConflict"):
        operations.delete(owner.kind, shared, owner.id, owner.state)
    assert inline.seen() == inline.inputs
    assert managed.seen() == managed.inputs
    assert managed.replaced_by(policyArn="arn:aws:iam::aws:policy/ReadOnlyAccess") == ["policyArn"]
    shared.call("iam", "detach_role_policy", RoleName=owner.id, PolicyArn=_MANAGED)
    assert managed.live() is None
    assert json.loads(inline.change(policy=_WRITE)["policy"]) == json.loads(_WRITE)
    inline.delete()
    managed.delete()
    owner.delete()


def test_a_policy_that_amazon_does_not_manage_cannot_be_attached(shared: Aws) -> None:
    wrong = {"role": role(shared).id, "policyArn": "arn:aws:iam::aws:policy/AmazonEKSNoSuchPolicy"}
    with pytest.raises(OperationError, match="NoSuchEntity"):
        Made(shared, "iam/rolePolicyAttachment:RolePolicyAttachment", wrong)


def test_a_role_that_exists_is_refused(shared: Aws) -> None:
    made = role(shared)
    with pytest.raises(OperationError, match="EntityAlreadyExists"):
        Made(shared, "iam/role:Role", made.inputs)


def test_a_bucket_with_objects_is_only_deleted_by_force(shared: Aws) -> None:
    kept, forced = bucket(shared), bucket(shared, forceDestroy=True)
    for made in (kept, forced):
        assert made.seen() == made.inputs
        shared.call("s3", "put_object", Bucket=made.id, Key="weights.onnx", Body=b"1")
    with pytest.raises(OperationError, match="BucketNotEmpty"):
        operations.delete(kept.kind, shared, kept.id, kept.state)
    forced.delete()


def test_a_bucket_is_replaced_by_one_of_another_name(shared: Aws) -> None:
    made = bucket(shared)
    assert made.state["arn"] == f"arn:aws:s3:::{made.id}"
    assert made.state["bucketRegionalDomainName"] == f"{made.id}.s3.eu-central-1.amazonaws.com"
    assert made.replaced_by(bucket="other") == ["bucket"]
    assert made.change(tags={"a": "b"})["tags"] == {"a": "b"}
    shared.call("s3", "delete_bucket_tagging", Bucket=made.id)
    assert made.seen()["tags"] == {}
    made.delete()


_PARTS: list[tuple[str, Json, Json]] = [
    (
        "bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        {
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "arn:key"},
                    "bucketKeyEnabled": True,
                }
            ]
        },
        {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]},
    ),
    (
        "bucketPublicAccessBlock:BucketPublicAccessBlock",
        {"blockPublicAcls": True, "blockPublicPolicy": True, "ignorePublicAcls": True, "restrictPublicBuckets": True},
        {"blockPublicAcls": False},
    ),
    (
        "bucketOwnershipControls:BucketOwnershipControls",
        {"rule": {"objectOwnership": "BucketOwnerEnforced"}},
        {"rule": {"objectOwnership": "ObjectWriter"}},
    ),
    ("bucketPolicy:BucketPolicy", {"policy": _READ}, {"policy": _TRUST}),
    (
        "bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        {
            "rules": [
                {
                    "id": "old-versions",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "noncurrentVersionExpiration": {"noncurrentDays": 30},
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
                }
            ]
        },
        {
            "rules": [
                {"id": "old-versions", "status": "Disabled", "filter": {"prefix": "a/"}, "expiration": {"days": 3}}
            ]
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("token", "inputs", "changes"), _PARTS, ids=[part[0] for part in _PARTS])
def test_a_part_of_a_bucket_is_made_changed_seen_and_deleted(
    shared: Aws, token: str, inputs: Json, changes: Json
) -> None:
    part = Made(shared, f"s3/{token}", {"bucket": bucket(shared).id, **inputs})
    assert part.seen() == part.inputs
    part.change(**changes)
    assert part.seen() == part.inputs
    assert part.replaced_by(bucket="other") == ["bucket"]
    part.delete()


def test_versioning_is_suspended_when_its_resource_goes(shared: Aws) -> None:
    owner = bucket(shared)
    made = Made(
        shared, "s3/bucketVersioning:BucketVersioning",
        {"bucket": owner.id, "versioningConfiguration": {"status": "Enabled"}},
    )  # fmt: skip
    assert made.seen() == made.inputs
    operations.delete(made.kind, shared, made.id, made.state)
    assert made.seen()["versioningConfiguration"] == {"status": "Suspended"}


def test_a_part_is_gone_with_its_bucket(shared: Aws) -> None:
    owner = bucket(shared)
    policy = Made(shared, "s3/bucketPolicy:BucketPolicy", {"bucket": owner.id, "policy": _READ})
    owner.delete()
    assert policy.live() is None


def denied(arn: str, action: str, **more: object) -> str:
    statement = {"Sid": "Denied", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": action, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement | {"Resource": [arn, f"{arn}/*"]}]})


def test_objects_are_judged_by_their_buckets_policy_with_its_conditions(shared: Aws) -> None:
    made = bucket(shared)
    name, arn = made.state["bucket"], made.state["arn"]
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    policy = Made(
        shared, "s3/bucketPolicy:BucketPolicy", {"bucket": name, "policy": denied(arn, "s3:*", Condition=plain)}
    )
    shared.call("s3", "put_object", Bucket=name, Key="weights", Body=b"bytes")
    policy.change(policy=denied(arn, "s3:PutObject"))
    with pytest.raises(ClientError, match="403"):
        shared.call("s3", "put_object", Bucket=name, Key="weights", Body=b"others")
    assert shared.call("s3", "get_object", Bucket=name, Key="weights")["Body"].read() == b"bytes"
