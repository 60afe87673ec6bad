"""The program of a model's stack: its image, then its objects."""

from collections.abc import Callable

import pulumi

from infra.components.connection import connection
from infra.components.image import ModelImage
from infra.components.model import Model, ModelArgs
from infra.components.model_image import image_args
from infra.deploy.record import Release
from infra.names import short
from infra.plan import ModelPlan
from infra.render import render_model

_READY_LIMIT_S = 600
"""For a release that served before: its image may have to be pulled again."""


def program(model: ModelPlan, progress: Callable[[str], None]) -> Callable[[], None]:
    """Return the program that brings a model to its plan; `progress` is told how its image comes along."""

    def run() -> None:
        context = connection(model.environment).apply(lambda link: link.context)
        image = ModelImage(model.name, image_args(model, progress))
        # The image's digest is known when it was pushed; the reference by tag only holds its place.
        manifests = render_model(model, model.image.reference)
        limit = model.timing.deadline_s + model.timing.grace_s
        Model(model.name, ModelArgs(context, manifests, image.reference, limit))
        pulumi.export("release", model.release)
        pulumi.export("image", image.reference)

    return run


def release_program(environment: str, release: Release) -> Callable[[], None]:
    """Return the program that brings a model back to a release as it was deployed; nothing is built or rendered."""

    def run() -> None:
        context = connection(environment).apply(lambda link: link.context)
        Model(release.model, ModelArgs(context, release.manifests, release.image, _READY_LIMIT_S))
        pulumi.export("release", short(release.digest))
        pulumi.export("image", release.image)

    return run
