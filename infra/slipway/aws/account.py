"""Speak to an AWS account with the caller's credentials: boto3's own, from the environment, a profile or a role.

Nothing is changed here, but that a bucket is emptied which the user named.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slipway.errors.failures import AwsMissing, AwsRefused

_DELETED_AT_ONCE = 1000
"""Objects that one call of DeleteObjects takes."""


@dataclass(frozen=True)
class Caller:
    """Whose credentials they are: `arn` of a user, or of a session of a role."""

    account: str
    arn: str

    def is_role(self, role: str) -> bool:
        """Whether it is a session of `role`, an ARN. STS leaves a role's path out."""
        name = role.rpartition("/")[2]
        return self.arn.startswith(f"arn:aws:sts::{self.account}:assumed-role/{name}/")


class Account:
    """The account and region of an environment, as the caller's credentials see them.

    Every method raises `AwsRefused` with AWS's own words when a call fails.
    """

    def __init__(self, account: str, region: str) -> None:
        """Load the SDK; `AwsMissing` when the extra `aws` is not installed. No request is made yet."""
        try:
            import boto3  # noqa: PLC0415 - an optional extra
        except ImportError as error:
            raise AwsMissing from error
        self.account = account
        self._session = boto3.Session(region_name=region)

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """Make one call, with all pages of its answer where it has pages."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - an optional extra
        from botocore.parsers import ResponseParserError  # noqa: PLC0415

        client = self._session.client(service)
        try:
            if client.can_paginate(operation):
                return dict(client.get_paginator(operation).paginate(**parameters).build_full_result())
            return dict(getattr(client, operation)(**parameters))
        except (BotoCoreError, ClientError) as error:
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
            raise AwsRefused(service, operation, str(error), code) from error
        except ResponseParserError as error:  # a proxy's page, for one
            raise AwsRefused(service, operation, str(error).partition("\n")[0]) from error

    def find(self, service: str, operation: str, missing: Sequence[str], **parameters: Any) -> dict[str, Any] | None:
        """As `call`; None where the code of AWS's error begins like one of `missing`: there is no such thing."""
        try:
            return self.call(service, operation, **parameters)
        except AwsRefused as error:
            if error.code.startswith(tuple(missing)):
                return None
            raise

    def caller(self) -> Caller:
        """Who the credentials are."""
        found = self.call("sts", "get_caller_identity")
        return Caller(found["Account"], found["Arn"])

    def has_cluster(self, name: str) -> bool:
        """Whether EKS has a cluster of that name, in whatever state it is."""
        try:
            self.call("eks", "describe_cluster", name=name)
        except AwsRefused as error:
            if error.code == "ResourceNotFoundException":
                return False
            raise
        return True

    def empty_bucket(self, bucket: str) -> None:
        """Delete every version of every object in a bucket."""
        found = self.call("s3", "list_object_versions", Bucket=bucket)
        versions = [*found.get("Versions", []), *found.get("DeleteMarkers", [])]
        objects = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in versions]
        for first in range(0, len(objects), _DELETED_AT_ONCE):
            chosen = objects[first : first + _DELETED_AT_ONCE]
            answer = self.call("s3", "delete_objects", Bucket=bucket, Delete={"Objects": chosen, "Quiet": True})
            if errors := answer.get("Errors"):
                raise AwsRefused("s3", "delete_objects", f"{errors[0]['Key']}: {errors[0]['Message']}")
