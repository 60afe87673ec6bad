"""The images of an environment on AWS: a repository of ECR for each model."""

from collections.abc import Sequence
from dataclasses import dataclass

from slipway.aws.account import Account
from slipway.aws.images import StoredImage, delete_images, stored_images
from slipway.values.names import repository


@dataclass(frozen=True, slots=True)
class EcrImages:
    """See `ImageStore`."""

    account: Account
    environment: str
    keep: int

    def stored(self, model: str) -> list[StoredImage]:
        """All that is in a model's repository."""
        return stored_images(self.account, repository(model, self.environment))

    def delete(self, model: str, digests: Sequence[str]) -> list[str]:
        """Delete images; returns why some are kept, one text each."""
        return delete_images(self.account, repository(model, self.environment), digests)
