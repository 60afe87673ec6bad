"""List the kinds of environment, and pick what plans one: nothing else in planning asks for the kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.environments.planning.aws.planning import AwsPlanning
from slipway.environments.planning.kubernetes import KubernetesPlanning
from slipway.environments.planning.protocol import Planning
from slipway.settings.aws import AnySettings, AwsSettings
from slipway.settings.kubernetes import Settings


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of environment: what a person writes about one, and what plans it (given just those settings)."""

    settings: type[Settings] | type[AwsSettings]
    planning: Callable[[Any], Planning]


KINDS: Mapping[str, Kind] = {
    "kubernetes": Kind(Settings, KubernetesPlanning),
    "aws": Kind(AwsSettings, AwsPlanning),
}
"""By what `kind` of the settings says. What runs each kind is in `slipway.environments.running.kinds`."""


def planning(settings: AnySettings) -> Planning:
    """What plans the environment with these settings."""
    return KINDS[settings.kind].planning(settings)
