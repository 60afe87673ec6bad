"""Digest what Slipway itself puts into every image and manifest, so that a change of it is a new release."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from slipway import installation
from slipway.catalog.pod_contract import FETCHING
from slipway.runtimes.base import ImageRecipe
from slipway.runtimes.registry import RUNTIMES

FETCHING_REQUIREMENTS = "weights/requirements.txt"
"""Of what fetches weights, by its path in the repository."""
TRACES = "traces"
TRACES_REQUIREMENTS = "server/requirements-traces.txt"
"""Of what makes spans of requests, in the model server."""


@dataclass(frozen=True, slots=True)
class CodeDigests:
    """sha256, in hex, of the files of this installation that go into the images of one runtime.

    Attributes:
        requirements: of the file of locked requirements.
        server: of each file of the server's code, by its path in the server's package.
        with_extras: of each file for models that need libraries beside, by those (`ImageRecipe.sets_of_extras`).
    """

    requirements: str
    server: Mapping[str, str]
    with_extras: Mapping[tuple[str, ...], str] = field(default_factory=dict)

    def requirements_with(self, extras: tuple[str, ...]) -> str:
        """The digest of the file for models that need these, in the order of names."""
        return self.with_extras[extras] if extras else self.requirements


@lru_cache(maxsize=1)
def code_digests() -> Mapping[str, CodeDigests]:
    """Digest the files of this installation, by runtime, of what fetches weights and of what traces; once per process.

    Raises:
        InstallationIncomplete: one of them is missing.
    """
    of_runtimes = {name: _of_runtime(runtime.image) for name, runtime in RUNTIMES.items() if runtime.image}
    traces = CodeDigests(_sha256(installation.resource(TRACES_REQUIREMENTS)), {})
    return {**of_runtimes, FETCHING: digests(FETCHING_REQUIREMENTS, FETCHING), TRACES: traces}


def _of_runtime(image: ImageRecipe) -> CodeDigests:
    with_extras = {
        extras: _sha256(installation.resource(image.requirements_with(extras))) for extras in image.sets_of_extras()
    }
    return replace(digests(image.requirements, image.package), with_extras=with_extras)


@lru_cache
def digests(requirements: str, package: str) -> CodeDigests:
    """Digest the code of one image: a file of requirements by its path in the repository, and a package by its name.

    Raises:
        InstallationIncomplete: one of them is missing.
    """
    source = installation.package(package)
    files = installation.package_files(package)
    return CodeDigests(
        requirements=_sha256(installation.resource(requirements)),
        server={path.relative_to(source).as_posix(): _sha256(path) for path in files},
    )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
