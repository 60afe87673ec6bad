"""A repository of images in ECR: a model's own, or that of the runtime below them all."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws.ecr import (
    LifecyclePolicy,
    Repository,
    RepositoryEncryptionConfigurationArgs,
    RepositoryImageScanningConfigurationArgs,
)


@dataclass(frozen=True)
class RegistryArgs:
    """`repository`: its name in the account's registry. `key`: ARN. `newest`: so many images stay, or None: all.

    The registry knows what is newest, not what runs or can be gone back to: only a repository whose images nothing
    runs may have a number. What may be deleted of others, `slipway up` finds out (`slipway.expiry`).
    """

    repository: str
    tags: Mapping[str, str]
    key: pulumi.Input[str]
    newest: int | None = None


class Registry(pulumi.ComponentResource):
    """A repository whose tags never move, scanned on each push, encrypted.

    It is deleted with its stack even when images are in it: every image can be made again from its sources, under the
    same tag, which is the digest of its inputs; and a stack that is taken down has to end at nothing.
    `url` is known once the repository is there: push after that.
    """

    url: pulumi.Output[str]

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:aws:Registry", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        repository = Repository(
            f"{name}-repository",
            name=args.repository,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=RepositoryImageScanningConfigurationArgs(scan_on_push=True),
            encryption_configurations=[RepositoryEncryptionConfigurationArgs(encryption_type="KMS", kms_key=args.key)],
            force_delete=True,
            tags={**args.tags, "Name": args.repository},
            opts=child,
        )
        if args.newest is not None:
            policy = _keep_newest(args.newest)
            LifecyclePolicy(f"{name}-lifecycle", repository=repository.name, policy=policy, opts=child)
        self.url = repository.repository_url
        self.register_outputs({"url": self.url})


def _keep_newest(images: int) -> str:
    rule = {
        "rulePriority": 1,
        "description": f"keep the newest {images} images",
        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": images},
        "action": {"type": "expire"},
    }
    return json.dumps({"rules": [rule]}, sort_keys=True)
