"""List and delete images of a repository of ECR, by digest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from slipway.aws.account import Account

_DELETED_AT_ONCE = 100
"""Images that one call of BatchDeleteImage takes."""
_IN_USE = "ImageReferencedByManifestList"
"""Why ECR keeps one all the same: a list of images has it."""


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image, or what refers to one: `digest` is `sha256:...`, `pushed` when it came.

    `subject`: the digest of what it refers to, as signatures do; None for an image.
    """

    digest: str
    tags: tuple[str, ...]
    pushed: datetime
    subject: str | None = None


def stored_images(account: Account, repository: str) -> list[StoredImage]:
    """All that is in a repository; raises `AwsRefused`."""
    found = account.call("ecr", "describe_images", repositoryName=repository)["imageDetails"]
    return [
        StoredImage(
            one["imageDigest"],
            tuple(one.get("imageTags", ())),
            one["imagePushedAt"],
            one.get("subjectManifestDigest"),
        )
        for one in found
    ]


def delete_images(account: Account, repository: str, digests: Sequence[str]) -> list[str]:
    """Delete images by digest, with all their tags; returns why ECR kept others, one text each. Raises `AwsRefused`."""
    refused = []
    for first in range(0, len(digests), _DELETED_AT_ONCE):
        chosen = [{"imageDigest": digest} for digest in digests[first : first + _DELETED_AT_ONCE]]
        answer = account.call("ecr", "batch_delete_image", repositoryName=repository, imageIds=chosen)
        refused += [
            f"{failure.get('imageId', {}).get('imageDigest')}: {failure.get('failureReason')}"
            for failure in answer.get("failures", [])
            if failure.get("failureCode") != _IN_USE
        ]
    return refused
