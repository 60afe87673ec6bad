"""Images of a repository are listed and deleted by digest; ECR is moto's emulation of it here."""

import hashlib
import json
from typing import Any

from slipway.aws.account import Account
from slipway.environments.running.ecr_images import EcrImages
from tests.support.moto_account import client
from tests.unit.aws.test_account import account

__all__ = ["account"]


def pushed(repository: str, *tags: str, content: str = "") -> str:
    """An image in the repository; returns its digest."""
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": 1,
            "digest": f"sha256:{hashlib.sha256(content.encode()).hexdigest()}",
        },
        "layers": [],
    }
    found = ""
    for tag in tags:
        answer = client("ecr").put_image(repositoryName=repository, imageManifest=json.dumps(manifest), imageTag=tag)
        found = str(answer["image"]["imageId"]["imageDigest"])
    return found


def test_images_are_listed_with_all_their_tags_and_deleted_by_digest(account: Account) -> None:
    client("ecr").create_repository(repositoryName="slipway/dev/digits")
    first = pushed("slipway/dev/digits", "1" * 16, "another", content="first")
    second = pushed("slipway/dev/digits", "2" * 16, content="second")
    images = EcrImages(account, "dev", 1)
    stored = {image.digest: image for image in images.stored("digits")}
    assert {digest: set(image.tags) for digest, image in stored.items()} == {
        first: {"1" * 16, "another"},
        second: {"2" * 16},
    }
    assert stored[first].pushed.tzinfo is not None
    assert images.delete("digits", [first]) == []
    assert [image.digest for image in images.stored("digits")] == [second]


def test_what_ecr_keeps_is_told(account: Account) -> None:
    client("ecr").create_repository(repositoryName="slipway/dev/digits")
    (said,) = EcrImages(account, "dev", 1).delete("digits", [f"sha256:{'0' * 64}"])
    assert said.startswith(f"sha256:{'0' * 64}: ")


def test_nothing_to_delete_asks_nobody(account: Account) -> None:
    assert EcrImages(account, "dev", 1).delete("no-such-model", []) == []
