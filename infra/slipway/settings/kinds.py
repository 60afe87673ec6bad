"""List the kinds of environment. This is the only list: what plans and what runs each kind is found by its name."""

from collections.abc import Mapping

from slipway.settings.aws import AwsSettings
from slipway.settings.base import AnySettings
from slipway.settings.edge import EdgeSettings
from slipway.settings.kubernetes import Settings

KINDS: Mapping[str, type[AnySettings]] = {"kubernetes": Settings, "aws": AwsSettings, "edge": EdgeSettings}
"""What a person writes about each kind, by what `kind` of the settings says.

What plans it is `planning_of` of the module of that name in `slipway.environments.planning`, and what runs it is
`running_of` of the one in `slipway.environments.running`.
"""
