"""The program of a model's stack: what it has of its own in the cloud, its image, then its objects."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pulumi

from slipway.components.connection import Connection, connection
from slipway.components.image.component import ModelImage
from slipway.components.image.of_model import image_args
from slipway.components.kubernetes.model import Model, ModelArgs
from slipway.deploy.models import Programs
from slipway.plan.release import Release
from slipway.planner.environment import ModelPlan
from slipway.render.model import render_model
from slipway.settings.aws import AnySettings, AwsSettings
from slipway.values.names import short

_Cloud = tuple[tuple[pulumi.Resource, ...], pulumi.Output[str] | None]
"""What pods start with, and what is known once images can be pushed."""


def programs(settings: AnySettings) -> Programs:
    """Return the programs of the models of one environment."""
    # Programs of several models run at once in threads, which must not be the first to import what they need.
    _in_cloud(settings)
    return Programs(partial(program, settings), partial(release_program, settings))


def program(settings: AnySettings, model: ModelPlan, progress: Callable[[str], None]) -> Callable[[], None]:
    """Return the program that brings a model to its plan; `progress` is told how its image comes along."""
    in_cloud = _in_cloud(settings)

    def run() -> None:
        link = connection(model.environment)
        needs, repository = in_cloud(model.environment, model.name, link)
        image = ModelImage(model.name, replace(image_args(model, progress), needs=repository))
        # The image's digest is known when it was pushed; the reference by tag only holds its place.
        manifests = render_model(model, model.image.reference)
        Model(model.name, ModelArgs(link, manifests, image.reference, needs))
        _export(model.environment, model.name, model.release, image.reference)

    return run


def release_program(settings: AnySettings, environment: str, release: Release) -> Callable[[], None]:
    """Return the program that brings a model back to a release as it was deployed; nothing is built or rendered."""
    in_cloud = _in_cloud(settings)

    def run() -> None:
        link = connection(environment)
        needs, _ = in_cloud(environment, release.model, link)
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


def _in_cloud(settings: AnySettings) -> Callable[[str, str, pulumi.Output[Connection]], _Cloud]:
    """Return how to make what a model has of its own in its environment's cloud; nothing where there is none."""
    if not isinstance(settings, AwsSettings):
        return lambda *_: ((), None)
    # Here, since pulumi-aws is an optional extra.
    from slipway.components.aws.model import AwsModel, AwsModelArgs  # noqa: PLC0415

    def make(environment: str, model: str, link: pulumi.Output[Connection]) -> _Cloud:
        key = link.apply(lambda of: of.key or "")
        parts = AwsModel(model, AwsModelArgs(environment, settings, key))
        return (parts,), parts.repository

    return make
