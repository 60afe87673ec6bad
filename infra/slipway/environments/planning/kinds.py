"""List the kinds of environment, and pick what plans one: nothing else in planning asks for the kind."""

from collections.abc import Mapping
from typing import assert_never

from slipway.environments.planning.aws.planning import AwsPlanning
from slipway.environments.planning.kubernetes import KubernetesPlanning
from slipway.environments.planning.protocol import Planning
from slipway.settings.aws import AnySettings, AwsSettings
from slipway.settings.kubernetes import Settings

KINDS: Mapping[str, type[Settings] | type[AwsSettings]] = {"kubernetes": Settings, "aws": AwsSettings}
"""What a person writes about each kind, by what `kind` of the settings says.

What runs each kind is in `slipway.environments.running.kinds`.
"""


def planning(settings: AnySettings) -> Planning:
    """What plans the environment with these settings."""
    match settings:
        case Settings():
            return KubernetesPlanning(settings)
        case AwsSettings():
            return AwsPlanning(settings)
        case _:
            assert_never(settings)
