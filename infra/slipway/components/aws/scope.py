"""Say which environment on AWS a component's resources are of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from slipway.settings.aws import AwsSettings
from slipway.values import names


@dataclass(frozen=True)
class AwsScope:
    """What names and tags of resources follow from, the same for every component of an environment.

    `tags`: of every resource, the environment's own among them.
    """

    environment: str
    account: str
    region: str
    tags: Mapping[str, str]
    kubernetes_version: str

    @classmethod
    def of(cls, environment: str, settings: AwsSettings, model: str | None = None) -> Self:
        """The scope of an environment, or of a model in it."""
        tags = names.aws_tags(environment, settings.tags, model)
        return cls(environment, settings.account, settings.region, tags, settings.kubernetes_version)
