"""Load an environment's settings out of the file that it shares with Pulumi, stacks/Pulumi.<environment>.yaml."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from slipway.environments.planning.kinds import planning
from slipway.errors.base import (
    FileRefused,
    MissingKey,
    Place,
    UnknownKey,
    UnknownName,
    UserError,
    UserErrors,
    WrongValue,
    nearest,
)
from slipway.loading.catalogues import prefer_catalogues
from slipway.loading.versions import SETTINGS_FIELDS, deprecations, told_once, too_old
from slipway.reading.findings import Locate, dotted, validated
from slipway.reading.yaml_document import Document, FieldPath, read_document, refuse_empty
from slipway.settings.base import AnySettings
from slipway.settings.kinds import KINDS

CONFIG_KEY = "slipway:environment"
PULUMI_KEYS = ("encryptionsalt", "secretsprovider", "encryptedkey")


def environments(settings_dir: Path) -> list[str]:
    """Names of the environments that have a settings file `Pulumi.<name>.yaml`.

    Files of model stacks, `Pulumi.<name>.<model>.yaml`, hold no settings and are passed over.

    Raises:
        FileRefused: the folder cannot be read.
    """
    try:
        names = [entry.name for entry in settings_dir.iterdir()]
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
        allowed = "a folder with a Pulumi.<environment>.yaml per environment"
        raise FileRefused(str(settings_dir), problem, allowed, "name the folder with --settings") from None
    parts = [name.split(".") for name in names]
    return sorted(part[1] for part in parts if len(part) == 3 and part[0] == "Pulumi" and part[2] == "yaml")


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """An environment's settings file as it was read, once a run.

    Attributes:
        environment: its name.
        settings: what Slipway reads of it.
        document: all of it, with the line of each value.
    """

    environment: str
    settings: AnySettings
    document: Document

    def locate(self, path: FieldPath) -> tuple[Place, str]:
        """Where the setting at `path` is written, and what the field is called in messages."""
        return _locate(self.document, path)

    @property
    def secrets(self) -> dict[str, str]:
        """Pulumi's keys for the encryption of the environment's stacks."""
        return {key: str(self.document.value[key]) for key in PULUMI_KEYS if key in self.document.value}


def load_settings(settings_dir: Path, environment: str, today: date | None = None) -> AnySettings:
    """The settings alone; arguments and errors as of `read_settings`."""
    return read_settings(settings_dir, environment, today).settings


def read_settings(settings_dir: Path, environment: str, today: date | None = None) -> SettingsFile:
    """Read and validate an environment's settings.

    Args:
        settings_dir: folder of the settings files.
        environment: its name.
        today: the day on which a version of Kubernetes must still be supported; the current one for None.

    Raises:
        UserErrors: everything that is wrong in the file.
        UserError: there is no such environment.
    """
    known = environments(settings_dir)
    if environment not in known:
        raise UnknownName(Place(str(settings_dir)), "environment", environment, known)
    prefer_catalogues(settings_dir)
    path = settings_dir / f"Pulumi.{environment}.yaml"
    document = read_document(path, str(path))
    refuse_empty(document, "settings; docs/reference/settings.md shows some")
    at: FieldPath = ("config", CONFIG_KEY)
    older = too_old(document, at)
    if older is not None:
        raise UserErrors([older])
    found: list[UserError] = list(_wrapping(document))
    found += (one for one in deprecations(document, SETTINGS_FIELDS, at) if isinstance(one, UserError))
    value: Any = document.value
    for key in ("config", CONFIG_KEY):
        value = value.get(key) if isinstance(value, dict) else None
    settings = None
    if value is not None or not found:
        settings = _of_kind(environment, value, partial(_locate, document), found)
    if settings is not None:
        found += _refused(settings, today or date.today(), document)
    if found or settings is None:
        raise UserErrors(told_once(found))
    return SettingsFile(environment, settings, document)


def _locate(document: Document, path: FieldPath) -> tuple[Place, str]:
    at: FieldPath = ("config", CONFIG_KEY, *path)
    return document.place(at), dotted(at)


def _of_kind(environment: str, value: Any, locate: Locate, found: list[UserError]) -> AnySettings | None:
    """The settings of the kind that they say they are; None after adding to `found` what is wrong with them."""
    known = list(KINDS)
    kind = value.get("kind") if isinstance(value, dict) else known[0]
    if isinstance(kind, str) and kind in KINDS:
        return validated(KINDS[kind], value, locate, found, environment)
    place, field = locate(("kind",))
    if "kind" not in value:
        found.append(MissingKey(place, field, f"what the environment is: {' or '.join(known)}", f"kind: {known[0]}"))
    else:
        near = nearest(kind, known) if isinstance(kind, str) else None
        found.append(WrongValue(place, field, kind, "is not accepted", ", ".join(known), f"write {near or known[0]}"))
    return None


def _refused(settings: AnySettings, today: date, document: Document) -> Iterator[UserError]:
    for one in planning(settings).refusals(today):
        yield WrongValue(*_locate(document, one.path), one.value, one.problem, one.allowed, one.todo)


def _wrapping(document: Document) -> Iterator[UserError]:
    """Findings around the settings proper; Pulumi's own keys and those of other packages are ignored."""
    value = document.value
    if not isinstance(value, dict):
        yield WrongValue(
            document.place(()),
            "",
            value,
            "is not a mapping",
            "config: ...",
            "write what docs/reference/settings.md shows",
        )
        return
    for key in value:
        if key not in ("config", *PULUMI_KEYS):
            yield UnknownKey(document.place((key,)), key, key, ("config", *PULUMI_KEYS))
    config = value.get("config")
    if not isinstance(config, dict):
        example = f"config: {{{CONFIG_KEY}: {{kind: kubernetes, ...}}}}; docs/reference/settings.md shows it whole"
        yield MissingKey(document.place(("config",)), "config", "a mapping", example)
        return
    for key in config:
        if key.startswith("slipway:") and key != CONFIG_KEY:
            yield UnknownKey(document.place(("config", key)), dotted(("config", key)), key, (CONFIG_KEY,))
    if config.get(CONFIG_KEY) is None:
        place = document.place(("config", CONFIG_KEY))
        example = f"{CONFIG_KEY}: {{kind: kubernetes, ...}}; docs/reference/settings.md shows it whole"
        yield MissingKey(place, dotted(("config", CONFIG_KEY)), "the environment's settings", example)
