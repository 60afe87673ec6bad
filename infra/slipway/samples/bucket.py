"""Look at every version of every object in the folder of samples, and delete versions."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slipway.delivery.client import ACCESS_KEY, SECRET_KEY
from slipway.environments.planning.model_store import ModelStore
from slipway.errors.failures import AwsMissing
from slipway.samples.errors import SamplesUnread

RIGHTS = "s3:ListBucket, s3:ListBucketVersions, s3:GetObject, s3:GetObjectVersion, s3:DeleteObject and \
s3:DeleteObjectVersion"
_MOST = 1000
"""Versions that one call of DeleteObjects takes."""
_CONNECT_S, _READ_S = 10, 60


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object. `deleted`: it says that the object was deleted, and has no content."""

    key: str
    id: str
    size: int
    modified: datetime
    deleted: bool


class Bucket:
    """The store of samples, as who may look at all of it and delete. Every method raises `SamplesUnread`."""

    def __init__(self, store: ModelStore) -> None:
        """Ask nothing yet; `AwsMissing` where the extra `aws` is not installed, which knows versions of objects."""
        try:
            import boto3  # noqa: PLC0415 - an optional extra
            from botocore.config import Config  # noqa: PLC0415
        except ImportError as error:
            raise AwsMissing from error
        self._store = store
        given: dict[str, Any] = {}
        if store.endpoint is not None:
            given["endpoint_url"] = store.endpoint
            access, secret = os.environ.get(ACCESS_KEY), os.environ.get(SECRET_KEY)
            if access and secret:
                given |= {"aws_access_key_id": access, "aws_secret_access_key": secret}
        config = Config(connect_timeout=_CONNECT_S, read_timeout=_READ_S, s3={"addressing_style": "path"})
        self._client = boto3.Session(region_name=store.region).client(
            "s3", config=config if store.endpoint else config.merge(Config(s3={"addressing_style": "auto"})), **given
        )

    def versions(self, prefix: str) -> Iterator[Version]:
        """Yield every version of every object below a prefix, those that say that it was deleted among them."""
        with self._words("list versions"):
            pages = self._client.get_paginator("list_object_versions")
            for page in pages.paginate(Bucket=self._store.bucket, Prefix=prefix):
                for one in page.get("Versions", ()):
                    yield Version(one["Key"], one["VersionId"], one["Size"], one["LastModified"], deleted=False)
                for one in page.get("DeleteMarkers", ()):
                    yield Version(one["Key"], one["VersionId"], 0, one["LastModified"], deleted=True)

    def read(self, version: Version) -> bytes | None:
        """Return the content of a version; None where it expired meanwhile."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - as above

        with self._words(f"read {version.key}"):
            try:
                answer = self._client.get_object(Bucket=self._store.bucket, Key=version.key, VersionId=version.id)
                return bytes(answer["Body"].read())
            except ClientError as error:
                if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchVersion"):
                    return None
                raise

    def delete(self, versions: Sequence[Version]) -> None:
        """Delete versions for good; one that is gone already counts as deleted."""
        for start in range(0, len(versions), _MOST):
            named = [{"Key": one.key, "VersionId": one.id} for one in versions[start : start + _MOST]]
            with self._words("delete versions"):
                answer = self._client.delete_objects(
                    Bucket=self._store.bucket, Delete={"Objects": named, "Quiet": True}
                )
            for failed in answer.get("Errors", ()):
                reason = f"{failed.get('Key')}: {failed.get('Code')}"
                raise SamplesUnread(self._store, "delete versions", reason, RIGHTS)

    @contextmanager
    def _words(self, operation: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above

        try:
            yield
        except ClientError as error:
            raise SamplesUnread(self._store, operation, error.response["Error"]["Code"], RIGHTS) from None
        except BotoCoreError as error:
            raise SamplesUnread(self._store, operation, str(error), RIGHTS) from None
