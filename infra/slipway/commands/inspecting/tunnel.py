"""Lead to the private API server of an environment from a machine that is not in its network."""

from slipway import console
from slipway.commands.context import EnvironmentContext


def keep_tunnel(context: EnvironmentContext) -> None:
    """Keep a tunnel open until it is interrupted; other commands on this machine find it by themselves."""
    context.running.keep_tunnel(console.message)
