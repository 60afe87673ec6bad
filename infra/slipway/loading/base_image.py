"""Know the base image by its digest: from the settings or, where they name a tag, from who made the image.

A tag can move, so a newer image is a change of the settings: reviewed, planned and deployed like any other. Nothing
here asks a registry.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from slipway.errors.base import Place, UnknownName, UserError, UserErrors, WrongValue
from slipway.errors.full_disk import disk_errors
from slipway.loading.settings import CONFIG_KEY, environments
from slipway.reading.findings import dotted, validated
from slipway.reading.yaml_document import read_document, read_text, with_value
from slipway.settings.base import AnySettings
from slipway.settings.values import BaseImage
from slipway.values.section import Section

VARIABLE = "SLIPWAY_BASE_IMAGE"
"""Names a base image as `NAME:TAG@sha256:DIGEST`: whoever made it on this machine says so which one the tag means."""
_PATH = ("config", CONFIG_KEY, "base_image")
_PINNED = re.compile(r"(?P<name>\S+)@sha256:[0-9a-f]{64}")


def by_digest(settings: AnySettings, environ: Mapping[str, str]) -> AnySettings:
    """The settings with their base image by digest, where `environ` has one for the tag that they name.

    Raises `UserError` when the variable has something else than an image by digest.
    """
    known = environ.get(VARIABLE, "")
    if not known or "@" in settings.base_image:
        return settings
    found = _PINNED.fullmatch(known)
    if not found:
        place, problem = Place("environment variable"), "is not an image with a digest"
        raise WrongValue(place, VARIABLE, known, problem, "NAME:TAG@sha256:DIGEST", "correct it, or unset it")
    return settings.model_copy(update={"base_image": known}) if found["name"] == settings.base_image else settings


def digest_warning(environment: str, settings: AnySettings) -> str | None:
    """The warning about settings whose base image has a tag only; None for others."""
    if "@" in settings.base_image:
        return None
    return (
        f"base_image {settings.base_image} names no digest: a newer image under that tag, with its security updates, "
        f"makes no new release; next: slipway base-image {environment} asks the registry and writes the digest (the "
        "local environment's is known inside `slipway local shell`)"
    )


class _Part(Section):
    """The one field of the settings that is read here: the others may be wrong, or written for another version."""

    base_image: BaseImage = Field(
        description="Image with Python 3.11 that models' images start from.", examples=["registry.example.com/base:1"]
    )


@dataclass(frozen=True)
class Written:
    """A base image as a settings file names it. `digest` is None where it names the tag only."""

    file: Path
    place: Place
    tagged: str
    digest: str | None

    @property
    def field(self) -> str:
        """The field as messages show it."""
        return dotted(_PATH)

    def write(self, digest: str) -> None:
        """Write a digest into the file; comments, quotes and layout are kept. The file is complete at every moment."""
        text = with_value(read_text(self.file, str(self.file)), _PATH, f"{self.tagged}@{digest}")
        file = self.file.resolve()
        with disk_errors(f"{self.file} cannot be written", file.parent):
            beside = file.with_name(f".{file.name}.{os.getpid()}")
            try:
                beside.write_text(text, newline="")
                beside.chmod(file.stat().st_mode)
                beside.replace(file)
            finally:
                beside.unlink(missing_ok=True)


def written(settings_dir: Path, environment: str) -> Written:
    """The base image in an environment's settings; a tag without digest is read too, in every kind.

    Raises `UserError`: no such environment, no YAML, no such field, or no tag that a registry could be asked for.
    """
    known = environments(settings_dir)
    if environment not in known:
        raise UnknownName(Place(str(settings_dir)), "environment", environment, known)
    path = settings_dir / f"Pulumi.{environment}.yaml"
    document = read_document(path, str(path))
    value = document.value
    for key in _PATH[:-1]:
        value = value.get(key) if isinstance(value, dict) else None
    part = {key: value[key] for key in ("base_image",) if key in value} if isinstance(value, dict) else {}
    found: list[UserError] = []
    read = validated(_Part, part, lambda p: (document.place((*_PATH[:-1], *p)), dotted((*_PATH[:-1], *p))), found)
    if read is None:
        raise UserErrors(found)
    tagged, _, digest = read.base_image.partition("@")
    place = document.place(_PATH)
    if ":" not in tagged.rpartition("/")[2]:
        problem, allowed = "names no tag to look up in the registry", "NAME:TAG@sha256:DIGEST"
        raise WrongValue(place, dotted(_PATH), read.base_image, problem, allowed, "write the tag too, before the @")
    return Written(path, place, tagged, digest or None)
