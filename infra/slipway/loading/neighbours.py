"""Hold an environment's settings against those of the environments beside it: no two share a namespace."""

from collections.abc import Iterator
from pathlib import Path

from slipway.errors.base import UserError, WrongValue
from slipway.loading.settings import CONFIG_KEY, environments, read_settings
from slipway.reading.findings import dotted
from slipway.reading.yaml_document import Document
from slipway.settings.kubernetes import Settings

_AT = ("config", CONFIG_KEY, "namespace")


def shared_namespaces(
    settings_dir: Path, environment: str, settings: object, document: Document
) -> Iterator[UserError]:
    """Find the environments whose models would come into the same namespace of the same context.

    What is wrong in their files is for themselves to say.
    """
    if not isinstance(settings, Settings):
        return
    for other in environments(settings_dir):
        if other == environment:
            continue
        try:
            theirs, written = read_settings(settings_dir, other)
        except UserError:
            continue
        if isinstance(theirs, Settings) and _target(theirs) == _target(settings):
            problem = f"is the namespace of environment {other} too, in the same context ({written.place(_AT)})"
            allowed, todo = "a namespace for each environment", "write another name in one of the two"
            yield WrongValue(document.place(_AT), dotted(_AT), settings.namespace, problem, allowed, todo)


def _target(settings: Settings) -> tuple[str, str]:
    return settings.context, settings.namespace
