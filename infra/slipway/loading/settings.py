"""Load an environment's settings out of the file that it shares with Pulumi, stacks/Pulumi.<environment>.yaml."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from slipway.catalog.aws import EKS_VERSIONS
from slipway.catalog.platform_pins import EKS
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
from slipway.reading.findings import Locate, dotted, validated
from slipway.reading.yaml_document import Document, FieldPath, read_document, refuse_empty
from slipway.settings.aws import AnySettings, AwsSettings
from slipway.settings.kubernetes import Settings

CONFIG_KEY = "slipway:environment"
KINDS = ("kubernetes", "aws")
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


def load_settings(settings_dir: Path, environment: str, today: date | None = None) -> AnySettings:
    """Load an environment's settings.

    Args:
        settings_dir: folder of the settings files.
        environment: its name.
        today: the day on which a version of Kubernetes must still be supported; the current one for None.

    Raises:
        UserErrors: everything that is wrong in the file.
        UserError: there is no such environment.
    """
    return read_settings(settings_dir, environment, today)[0]


def read_settings(settings_dir: Path, environment: str, today: date | None = None) -> tuple[AnySettings, Document]:
    """Like `load_settings`, with the file's lines for findings that need more than the file."""
    known = environments(settings_dir)
    if environment not in known:
        raise UnknownName(Place(str(settings_dir)), "environment", environment, known)
    path = settings_dir / f"Pulumi.{environment}.yaml"
    document = read_document(path, str(path))
    refuse_empty(document, "settings; docs/settings.md shows some")
    found: list[UserError] = list(_wrapping(document))
    value: Any = document.value
    for key in ("config", CONFIG_KEY):
        value = value.get(key) if isinstance(value, dict) else None
    at: FieldPath = ("config", CONFIG_KEY)
    settings = None
    if value is not None or not found:
        settings = _of_kind(environment, value, lambda p: (document.place((*at, *p)), dotted((*at, *p))), found)
    if isinstance(settings, AwsSettings):
        found += _unsupported(settings, today or date.today(), document)
    if found or settings is None:
        raise UserErrors(found)
    return settings, document


def _of_kind(environment: str, value: Any, locate: Locate, found: list[UserError]) -> AnySettings | None:
    """The settings of the kind that they say they are; None after adding to `found` what is wrong with them."""
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind == "aws":
        return validated(AwsSettings, value, locate, found, environment)
    if kind == "kubernetes" or not isinstance(value, dict):
        return validated(Settings, value, locate, found)
    place, field = locate(("kind",))
    if "kind" not in value:
        found.append(MissingKey(place, field, f"what the environment is: {' or '.join(KINDS)}", "kind: kubernetes"))
    else:
        near = nearest(kind, KINDS) if isinstance(kind, str) else None
        found.append(WrongValue(place, field, kind, "is not accepted", ", ".join(KINDS), f"write {near or KINDS[0]}"))
    return None


def _unsupported(settings: AwsSettings, today: date, document: Document) -> Iterator[UserError]:
    version = settings.kubernetes_version
    until = EKS_VERSIONS[version].extended_until
    good = [name for name in EKS if name in EKS_VERSIONS and today < EKS_VERSIONS[name].extended_until]
    if version in good:
        return
    at: FieldPath = ("config", CONFIG_KEY, "kubernetes_version")
    if today >= until:
        problem, todo = f"is past its support, which ended on {until}", "write a version that AWS supports"
    else:
        problem, todo = (
            "has no add-ons and images pinned",
            "write another, or pin them in infra/slipway/catalog/platform_pins.py",
        )
    allowed = ", ".join(good) or "none, Slipway is older than that"
    yield WrongValue(document.place(at), dotted(at), version, problem, allowed, todo)


def settings_warnings(settings: AnySettings, today: date | None = None) -> tuple[str, ...]:
    """What is worth saying about settings that are right."""
    if not isinstance(settings, AwsSettings):
        return ()
    support = EKS_VERSIONS[settings.kubernetes_version]
    if (today or date.today()) < support.standard_until:
        return ()
    return (
        f"Kubernetes {settings.kubernetes_version} left its standard support on {support.standard_until}: its control "
        f"plane costs six times as much, and AWS upgrades it by itself after {support.extended_until}",
    )


def _wrapping(document: Document) -> Iterator[UserError]:
    """What is wrong around the settings proper: Pulumi's own keys are passed over, and so are other packages'."""
    value = document.value
    if not isinstance(value, dict):
        yield WrongValue(
            document.place(()), "", value, "is no mapping", "config: ...", "write what docs/settings.md shows"
        )
        return
    for key in value:
        if key not in ("config", *PULUMI_KEYS):
            yield UnknownKey(document.place((key,)), key, key, ("config", *PULUMI_KEYS))
    config = value.get("config")
    if not isinstance(config, dict):
        example = f"config: {{{CONFIG_KEY}: {{kind: kubernetes, ...}}}}; docs/settings.md shows it whole"
        yield MissingKey(document.place(("config",)), "config", "a mapping", example)
        return
    for key in config:
        if key.startswith("slipway:") and key != CONFIG_KEY:
            yield UnknownKey(document.place(("config", key)), dotted(("config", key)), key, (CONFIG_KEY,))
    if config.get(CONFIG_KEY) is None:
        place = document.place(("config", CONFIG_KEY))
        example = f"{CONFIG_KEY}: {{kind: kubernetes, ...}}; docs/settings.md shows it whole"
        yield MissingKey(place, dotted(("config", CONFIG_KEY)), "the environment's settings", example)


def secrets_of(settings_dir: Path, environment: str) -> dict[str, str]:
    """Load Pulumi's keys for the encryption of an environment's stacks; errors as of `load_settings`."""
    value = read_settings(settings_dir, environment)[1].value
    return {key: str(value[key]) for key in PULUMI_KEYS if key in value}
