"""Note in an environment's audit trail what a command did."""

from slipway import console
from slipway.commands.context import EnvironmentContext
from slipway.history.notes import Notes


def notes_of(context: EnvironmentContext) -> Notes:
    """What notes events of an environment; its warnings go to the person."""
    return Notes(context.name, context.folders.settings, console.message)
