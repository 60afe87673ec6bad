"""Plan the images of what an environment runs beside its models: keys service, judge, the control side of a fleet."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from slipway import installation
from slipway.environments.planning.kinds import planning
from slipway.plan.code_digests import digests
from slipway.plan.image import ImageFile, ImagePlan, RuntimeImagePlan
from slipway.plan.release import digest_of
from slipway.planner.images import instructions
from slipway.render.image import (
    render_fleet_dockerfile,
    render_judge_dockerfile,
    render_keys_dockerfile,
    render_own_wheels_dockerfile,
)
from slipway.settings.base import AnySettings
from slipway.values import names

_ARCHITECTURE = "amd64"
_CODE = "/opt/slipway/server"
_OF_THE_SERVER = ("__init__.py", "protocol/", "values/")
"""What the judge reads answers with: how files or folders of the model server's package begin."""

_OF_EDGE = (
    *("__init__", "__main__", "commands", "grouping", "kept_answers", "kept_events", "kept_logs", "kept_rollouts"),
    *("keys", "rings", "server", "serving", "shelf", "signing", "store", "tables"),
)
_OF_THE_CONTROL_SIDE = (
    "__init__.py",
    *("catalog/__init__.py", "catalog/pod_contract.py", "errors/__init__.py", "errors/base.py"),
    *(f"edge/{module}.py" for module in _OF_EDGE),
    *("values/__init__.py", "values/aliases.py", "values/percentages.py", "values/quantities.py"),
)
"""The part of this library that answers devices and commands: it plans, renders and signs nothing."""


@dataclass(frozen=True, slots=True)
class _Recipe:
    """What an image is made of.

    Attributes:
        repository: its name in the registry.
        package: its own code.
        requirements: file of its locked requirements.
        context: folder of the build context that its code lies in.
        dockerfile: renders its Dockerfile from the image with its wheels.
        begins: how the paths of those of its package's files begin that it takes.
        of_others: packages of which it takes a part, and how the paths of their files begin.
    """

    repository: str
    package: str
    requirements: str
    context: str
    dockerfile: Callable[[str], str]
    begins: tuple[str, ...] = ("",)
    of_others: tuple[tuple[str, tuple[str, ...]], ...] = ()


_KEYS = _Recipe(names.KEYS, "slipway_keys", "keys/requirements.txt", "keys", render_keys_dockerfile)
_JUDGE = _Recipe(
    repository=names.JUDGE,
    package="slipway_judge",
    requirements="judge/requirements.txt",
    context="judge",
    dockerfile=render_judge_dockerfile,
    of_others=(("slipway_server", _OF_THE_SERVER),),
)
_FLEET = _Recipe(
    repository=names.FLEET,
    package="slipway",
    requirements="templates/image/fleet-requirements.txt",
    context="fleet",
    dockerfile=render_fleet_dockerfile,
    begins=_OF_THE_CONTROL_SIDE,
    of_others=(("slipway_server", ("__init__.py", "values/")),),
)
OWN_IMAGES = (_KEYS.repository, _JUDGE.repository)
"""What an environment with a gateway has repositories for, beside those of its models."""


def keys_image(environment: str, settings: AnySettings) -> ImagePlan:
    """Plan the image of the keys service of an environment; raises as `judge_image`."""
    return _image(environment, settings, _KEYS)


def judge_image(environment: str, settings: AnySettings) -> ImagePlan:
    """Plan the image of the judge of an environment: its wheels on the base image, and on those its code.

    Raises:
        InstallationIncomplete: a file of it is missing in this installation.
    """
    return _image(environment, settings, _JUDGE)


def fleet_image(environment: str, settings: AnySettings) -> ImagePlan:
    """Plan the image of the control side of a fleet, in the fleet's own registry; raises as `judge_image`."""
    return _image(environment, settings, _FLEET)


def _image(environment: str, settings: AnySettings, recipe: _Recipe) -> ImagePlan:
    code = digests(recipe.requirements, recipe.package)
    wheels_dockerfile = instructions(render_own_wheels_dockerfile(settings.base_image, _ARCHITECTURE))
    wheels = RuntimeImagePlan(
        repository=planning(settings).image_repository(environment, names.runtime_repository(recipe.repository)),
        tag=names.short(digest_of([wheels_dockerfile, code.requirements, _ARCHITECTURE])),
        base_image=settings.base_image,
        architecture=_ARCHITECTURE,
        requirements=installation.resource(recipe.requirements),
        requirements_digest=code.requirements,
    )
    files = (_files(recipe, recipe.package, _beginning(code.server, recipe.begins)), *_parts(recipe))
    made_of = [instructions(recipe.dockerfile(wheels.reference)), [[file.image_path, file.digests] for file in files]]
    digest = digest_of(made_of)
    repository = planning(settings).image_repository(environment, recipe.repository)
    return ImagePlan(repository, names.short(digest), wheels, files, digest)


def _parts(recipe: _Recipe) -> list[ImageFile]:
    """The files that a recipe takes of other packages."""
    found = []
    for package, begins in recipe.of_others:
        code = digests(recipe.requirements, package).server
        found.append(_files(recipe, package, _beginning(code, begins)))
    return found


def _beginning(code: Mapping[str, str], begins: tuple[str, ...]) -> dict[str, str]:
    return {path: sha for path, sha in code.items() if path.startswith(begins)}


def _files(recipe: _Recipe, package: str, sha256: Mapping[str, str]) -> ImageFile:
    return ImageFile(f"{recipe.context}/{package}", f"{_CODE}/{package}", installation.package(package), sha256)
