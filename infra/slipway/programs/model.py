"""The program of a model's stack: what it has of its own in the cloud, its image, then its objects."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pulumi

from slipway.components.connection import Connection, connection
from slipway.components.image.component import ModelImage
from slipway.components.image.planned import image_args
from slipway.components.kubernetes.model import Model, ModelArgs
from slipway.deploy.ports import Programs
from slipway.plan.release import Release
from slipway.planner.environment import ModelPlan
from slipway.render.model import render_model
from slipway.values.names import short

ModelParts = tuple[tuple[pulumi.Resource, ...], pulumi.Output[str] | None]
"""What pods start with, and what is known once images can be pushed."""
PartsOf = Callable[[str, str, pulumi.Output[Connection]], ModelParts]
"""Makes what a model has of its own in a cloud; gets environment, model, and the way to the cluster."""


def no_parts(*_: object) -> ModelParts:
    """Make nothing, where there is no cloud."""
    return (), None


def programs(parts_of: PartsOf = no_parts) -> Programs:
    """Return the programs of the models of one environment."""
    return Programs(partial(program, parts_of), partial(release_program, parts_of))


def program(parts_of: PartsOf, model: ModelPlan, progress: Callable[[str], None]) -> Callable[[], None]:
    """Return the program that brings a model to its plan; `progress` is told how its image comes along."""

    def run() -> None:
        link = connection(model.environment)
        needs, repository = parts_of(model.environment, model.name, link)
        image = ModelImage(model.name, replace(image_args(model, progress), needs=repository))
        # The image's digest is known when it was pushed; the reference by tag only holds its place.
        manifests = render_model(model, model.image.reference)
        Model(model.name, ModelArgs(link, manifests, image.reference, needs))
        _export(model.environment, model.name, model.release, image.reference)

    return run


def release_program(parts_of: PartsOf, environment: str, release: Release) -> Callable[[], None]:
    """Return the program that brings a model back to a release as it was deployed; nothing is built or rendered."""

    def run() -> None:
        link = connection(environment)
        needs, _ = parts_of(environment, release.model, link)
        Model(release.model, ModelArgs(link, release.manifests, release.image, needs))
        _export(environment, release.model, short(release.digest), release.image)

    return run


def _export(environment: str, model: str, release: str, image: pulumi.Input[str]) -> None:
    """Tell what is deployed, and, to those who run `pulumi up` by hand, how to see whether it serves.

    The engine ends when the objects are applied: it waits for no pod.
    """
    pulumi.export("release", release)
    pulumi.export("image", image)
    pulumi.export("verify", f"slipway verify {environment} {model}")
