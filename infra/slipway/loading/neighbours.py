"""Compare an environment's settings with those of the others: no two may share a namespace."""

from collections.abc import Iterator
from pathlib import Path

from slipway.environments.planning.kinds import planning
from slipway.errors.base import UserError, WrongValue
from slipway.loading.settings import SettingsFile, environments, read_settings

_AT = ("namespace",)


def shared_namespaces(settings_dir: Path, file: SettingsFile) -> Iterator[UserError]:
    """Find the environments whose models would come into the same namespace of the same cluster.

    What is wrong in their files is for themselves to say.
    """
    target = planning(file.settings).shared_target
    if target is None:
        return
    for other in environments(settings_dir):
        if other == file.environment:
            continue
        try:
            theirs = read_settings(settings_dir, other)
        except UserError:
            continue
        if planning(theirs.settings).shared_target == target:
            where = theirs.locate(_AT)[0]
            problem = f"is also the namespace of environment {other}, in the same context ({where})"
            allowed, todo = "a namespace for each environment", "write another name in one of the two"
            yield WrongValue(*file.locate(_AT), file.settings.namespace, problem, allowed, todo)
