"""Plan the image of the keys service, which an environment with a gateway runs beside its models."""

from slipway import installation
from slipway.environments.planning.kinds import planning
from slipway.plan.code_digests import digests
from slipway.plan.model import ImageFile, ImagePlan, RuntimeImagePlan
from slipway.plan.release import digest_of
from slipway.planner.environment import instructions
from slipway.render.image import render_keys_dockerfile, render_keys_wheels_dockerfile
from slipway.settings.base import AnySettings
from slipway.values import names

REPOSITORY = names.KEYS
_PACKAGE = "slipway_keys"
_REQUIREMENTS = "keys/requirements.txt"
_ARCHITECTURE = "amd64"


def keys_image(environment: str, settings: AnySettings) -> ImagePlan:
    """Plan the image of the keys service of an environment: its wheels on the base image, and on those its code.

    Raises:
        InstallationIncomplete: a file of the service is missing in this installation.
    """
    code = digests(_REQUIREMENTS, _PACKAGE)
    wheels_dockerfile = instructions(render_keys_wheels_dockerfile(settings.base_image, _ARCHITECTURE))
    wheels = RuntimeImagePlan(
        repository=planning(settings).image_repository(environment, names.runtime_repository(REPOSITORY)),
        tag=names.short(digest_of([wheels_dockerfile, code.requirements, _ARCHITECTURE])),
        base_image=settings.base_image,
        architecture=_ARCHITECTURE,
        requirements=installation.resource(_REQUIREMENTS),
        requirements_digest=code.requirements,
    )
    file = ImageFile(f"keys/{_PACKAGE}", f"/opt/slipway/server/{_PACKAGE}", installation.package(_PACKAGE), code.server)
    dockerfile = instructions(render_keys_dockerfile(wheels.reference))
    digest = digest_of([dockerfile, [[file.image_path, file.digests]]])
    repository = planning(settings).image_repository(environment, REPOSITORY)
    return ImagePlan(repository, names.short(digest), wheels, (file,), digest)
