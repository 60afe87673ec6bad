"""Tell whether an environment is a fleet of devices, which is commanded otherwise than a cluster."""

from slipway.settings.base import AnySettings
from slipway.settings.edge import EdgeSettings


def fleet_of(settings: AnySettings) -> EdgeSettings | None:
    """The settings as those of a fleet; None where models run in a cluster."""
    return settings if isinstance(settings, EdgeSettings) else None
