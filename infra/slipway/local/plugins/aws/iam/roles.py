"""The role that deploys an environment, as docs/how-to/aws.md makes it: policies written for `prod`, read for any."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from slipway.local.plugins.aws.iam.guard import Role
from slipway.local.plugins.aws.iam.resources import Place

_ACCOUNT, _REGION, _ENVIRONMENT = "123456789012", "eu-central-1", "prod"
"""What the examples are written for, and their reader replaces."""


class Roles:
    """The deploying roles of all environments. `files`: the policies of the examples."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._texts = tuple(file.read_text() for file in files)
        self.of = cache(self._of)

    def _of(self, environment: str, place: Place) -> Role:
        """The role of an environment, and its policies written for it."""
        policies = tuple(json.loads(_written(text, environment, place)) for text in self._texts)
        name = f"deploy-slipway-{environment}"
        return Role(f"arn:{place.partition}:sts::{place.account}:assumed-role/{name}/rehearsal", policies)


def _written(text: str, environment: str, place: Place) -> str:
    """As docs/how-to/aws.md asks its reader to do: account, region and environment for those of the examples."""
    return (
        text.replace("arn:aws:", f"arn:{place.partition}:")
        .replace(_ACCOUNT, place.account)
        .replace(_REGION, place.region)
        .replace(f"slipway-{_ENVIRONMENT}", f"slipway-{environment}")
        .replace(f"slipway/{_ENVIRONMENT}/", f"slipway/{environment}/")
        .replace(f'"{_ENVIRONMENT}"', f'"{environment}"')
    )


def environment_of(urn: str) -> str | None:
    """The environment of a resource's stack, `prod` of `prod.digits`; None for what is of no stack."""
    stack = urn.removeprefix("urn:pulumi:").partition("::")[0] if urn.startswith("urn:pulumi:") else ""
    return stack.partition(".")[0] or None
