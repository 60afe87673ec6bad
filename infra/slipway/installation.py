"""Say where the files lie that Slipway reads beside its modules, in a wheel as in an editable install.

A wheel carries them below `slipway/resources`, by the paths that they have in the repository; an editable install has
the repository itself. What is missing is an error: an installation without one of them would plan other releases.
"""

from functools import lru_cache
from importlib import metadata, resources
from pathlib import Path

from slipway.errors.failures import InstallationIncomplete

DISTRIBUTION = "slipway-ml"
"""The name under which Slipway is installed; `slipway` on PyPI is another project's."""


@lru_cache(maxsize=1)
def checkout() -> Path | None:
    """The root of the repository that this is an editable install of; None for a wheel."""
    package = _package("slipway")
    root = package.parents[1]
    return root if package == root / "infra" / "slipway" else None


def resource(path: str) -> Path:
    """A file or folder by its path in the repository, such as `server/requirements.txt`.

    Raises:
        InstallationIncomplete: it is not there.
    """
    return _there((checkout() or _package("slipway") / "resources") / path)


def templates() -> Path:
    """The folder of templates, from which manifests, Dockerfiles and reference pages are rendered."""
    return resource("templates")


@lru_cache
def package(name: str) -> Path:
    """The folder of a package that goes into images, such as `slipway_server`.

    Raises:
        InstallationIncomplete: it is not there.
    """
    return _there(_package(name))


@lru_cache
def package_files(name: str) -> tuple[Path, ...]:
    """The files of a package that go into images, all of them below `package(name)`.

    Raises:
        InstallationIncomplete: one that was installed is not there any more. A checkout has no such list but git's.
    """
    found = (path for path in package(name).rglob("*") if path.is_file() and path.suffix != ".pyc")
    for path in _installed(name):
        _there(path)
    return tuple(found)


def _installed(name: str) -> list[Path]:
    if checkout():
        return []
    files = metadata.files(DISTRIBUTION) or ()
    return [Path(str(file.locate())) for file in files if file.parts[0] == name and file.suffix != ".pyc"]


def _package(name: str) -> Path:
    return Path(str(resources.files(name)))


def _there(path: Path) -> Path:
    if not path.exists():
        raise InstallationIncomplete(path)
    return path
