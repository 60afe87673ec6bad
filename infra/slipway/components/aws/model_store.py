"""The bucket of models' weights: versioned, encrypted, private, and protected from accidental deletion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws.s3 import (
    Bucket,
    BucketLifecycleConfiguration,
    BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs,
    BucketLifecycleConfigurationRuleArgs,
    BucketLifecycleConfigurationRuleExpirationArgs,
    BucketLifecycleConfigurationRuleFilterArgs,
    BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs,
    BucketOwnershipControls,
    BucketOwnershipControlsRuleArgs,
    BucketPolicy,
    BucketPublicAccessBlock,
    BucketServerSideEncryptionConfiguration,
    BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs,
    BucketServerSideEncryptionConfigurationRuleArgs,
    BucketVersioning,
    BucketVersioningVersioningConfigurationArgs,
)

from slipway.components.aws.iam.policies import document, statement
from slipway.components.aws.scope import AwsScope
from slipway.environments.planning.model_store import SAMPLES
from slipway.render.templates import Manifest
from slipway.spec.capture import KEEPS
from slipway.values import names

_UPLOAD_DAYS = 7


@dataclass(frozen=True)
class ModelStoreArgs:
    """`key`: ARN. `keep_days`: for so long a replaced or deleted object can be had back."""

    scope: AwsScope
    key: pulumi.Input[str]
    keep_days: int


class ModelStore(pulumi.ComponentResource):
    """The bucket, and everything that keeps it private; all of it protected, so that a bucket that stays stays so.

    `bucket`: its name. Nothing in it is deleted with the stack: it holds data that exists nowhere else.
    """

    bucket: pulumi.Output[str]

    def __init__(self, name: str, args: ModelStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(
            "slipway:aws:ModelStore",
            name,
            None,
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=True)),
        )
        self._prefix = f"{args.scope.environment}-models"
        self._child = pulumi.ResourceOptions(parent=self)
        bucket_name = names.bucket(args.scope.environment, args.scope.account, args.scope.region)
        bucket = Bucket(
            self._prefix,
            bucket=bucket_name,
            force_destroy=False,
            tags={**args.scope.tags, "Name": bucket_name},
            opts=self._child,
        )
        self.bucket = bucket.bucket
        private = self._private()
        self._encrypted(args)
        self._versioned(args)
        # Behind the block: S3 refuses to have both changed at once.
        BucketPolicy(
            f"{self._prefix}-policy",
            bucket=self.bucket,
            policy=_tls_only(bucket_name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[private]),
        )
        self.register_outputs({"bucket": self.bucket})

    def _private(self) -> BucketPublicAccessBlock:
        BucketOwnershipControls(
            f"{self._prefix}-owner",
            bucket=self.bucket,
            rule=BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=self._child,
        )
        return BucketPublicAccessBlock(
            f"{self._prefix}-private",
            bucket=self.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._child,
        )

    def _encrypted(self, args: ModelStoreArgs) -> None:
        default = BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
            sse_algorithm="aws:kms", kms_master_key_id=args.key
        )
        BucketServerSideEncryptionConfiguration(
            f"{self._prefix}-encryption",
            bucket=self.bucket,
            rules=[
                # With a bucket key S3 asks KMS once for many objects, not for each.
                BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=default, bucket_key_enabled=True
                )
            ],
            opts=self._child,
        )

    def _versioned(self, args: ModelStoreArgs) -> None:
        versioning = BucketVersioning(
            f"{self._prefix}-versions",
            bucket=self.bucket,
            versioning_configuration=BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=self._child,
        )
        BucketLifecycleConfiguration(
            f"{self._prefix}-lifecycle",
            bucket=self.bucket,
            rules=[
                BucketLifecycleConfigurationRuleArgs(
                    id="old-versions",
                    status="Enabled",
                    filter=BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                    noncurrent_version_expiration=BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                        noncurrent_days=args.keep_days
                    ),
                    expiration=BucketLifecycleConfigurationRuleExpirationArgs(expired_object_delete_marker=True),
                    abort_incomplete_multipart_upload=BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                        days_after_initiation=_UPLOAD_DAYS
                    ),
                ),
                *(_samples_expire(keep, days) for keep, days in KEEPS.items()),
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )


def _samples_expire(keep: str, days: int) -> BucketLifecycleConfigurationRuleArgs:
    """Delete samples that are kept for so long; what was deleted or replaced of them is gone a day later."""
    return BucketLifecycleConfigurationRuleArgs(
        id=f"samples-{keep}",
        status="Enabled",
        filter=BucketLifecycleConfigurationRuleFilterArgs(prefix=f"{SAMPLES}/{keep}/"),
        expiration=BucketLifecycleConfigurationRuleExpirationArgs(days=days),
        noncurrent_version_expiration=BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
            noncurrent_days=1
        ),
    )


def with_addresses(manifests: Sequence[Mapping[str, Any]], addresses: pulumi.Output[Sequence[str]]) -> list[Manifest]:
    """The manifests with the addresses of S3 in the policy that lets pods reach the model store."""
    to = addresses.apply(lambda ranges: [{"ipBlock": {"cidr": cidr}} for cidr in sorted(ranges)])
    return [_leading(one, to) if one["metadata"]["name"] == names.STORE_POLICY else {**one} for one in manifests]


def _leading(policy: Mapping[str, Any], to: pulumi.Output[list[dict[str, Any]]]) -> Manifest:
    """A NetworkPolicy whose only rule leads there."""
    (rule,) = policy["spec"]["egress"]
    return {**policy, "spec": {**policy["spec"], "egress": [{**rule, "to": to}]}}


def _tls_only(bucket: str) -> pulumi.Output[str]:
    arn = f"arn:aws:s3:::{bucket}"
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    everyone = {"AWS": "*"}
    return document(
        statement("DenyWithoutTls", ["s3:*"], [arn, f"{arn}/*"], principal=everyone, conditions=plain, effect="Deny")
    )
