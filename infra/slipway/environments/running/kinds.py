"""Pick what runs an environment, by the kind of its settings: no command asks for the kind."""

from collections.abc import Callable
from importlib import import_module

from slipway.environments.running.protocol import Running
from slipway.loading.settings import SettingsFile
from slipway.settings.base import AnySettings


def running(file: SettingsFile) -> Running:
    """What runs the environment of a settings file.

    It is in the module beside this one that has the name of the kind, and only that one is imported.
    """
    # Settings were validated as one of KINDS, so that the name is never a person's own.
    module = import_module(f"{__package__}.{file.settings.kind}")
    of_kind: Callable[[SettingsFile, AnySettings], Running] = module.running_of
    return of_kind(file, file.settings)
