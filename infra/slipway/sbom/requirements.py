"""Read which distributions a file of locked requirements installs into an image."""

from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from slipway.catalog.pod_contract import IMAGE_PYTHON

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_HASH = "--hash=sha256:"


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution; `hashes`: sha256, in hex, of the files of it that may be installed, one of which is."""

    name: str
    version: str
    hashes: tuple[str, ...]


def distributions(requirements: Path, architecture: str) -> list[Distribution]:
    """The distributions that the file installs into an image, by name; what is for other systems is left out."""
    text = requirements.read_text().replace("\\\n", " ")
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    found = []
    for line in filter(None, lines):
        words, *hashes = line.split(_HASH)
        requirement = Requirement(words.strip())
        if requirement.marker is None or requirement.marker.evaluate(_environment(architecture)):
            (version,) = (one.version for one in requirement.specifier)
            found.append(Distribution(requirement.name, version, tuple(sorted(one.strip() for one in hashes))))
    return sorted(found, key=lambda one: one.name)


def _environment(architecture: str) -> dict[str, str]:
    """What markers ask of the image's Python."""
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{IMAGE_PYTHON}.0",
        "os_name": "posix",
        "platform_machine": _MACHINES[architecture],
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{IMAGE_PYTHON}.0",
        "python_version": IMAGE_PYTHON,
        "sys_platform": "linux",
    }
