"""Pick what plans an environment, by the kind of its settings: nothing else in planning asks for the kind."""

from collections.abc import Callable
from importlib import import_module

from slipway.environments.planning.protocol import Planning
from slipway.settings.base import AnySettings


def planning(settings: AnySettings) -> Planning:
    """What plans the environment with these settings.

    It is in the module beside this one that has the name of the kind, and only that one is imported.
    """
    # Settings were validated as one of KINDS, so that the name is never a person's own.
    of_kind: Callable[[AnySettings], Planning] = import_module(f"{__package__}.{settings.kind}").planning_of
    return of_kind(settings)
