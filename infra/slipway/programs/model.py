"""The program of a model's stack: what it has of its own in the cloud, its image, then its objects."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pulumi

from slipway.components.connection import Connection, connection
from slipway.components.image.component import ModelImage
from slipway.components.image.planned import bring_weights, image_args, judge_image_args
from slipway.components.image.sealed import sealed
from slipway.components.kubernetes.gateway_secrets import EnsuredSecrets, EnsuredSecretsArgs, ensure_capture_keys
from slipway.components.kubernetes.model import Beside, Model, ModelArgs
from slipway.components.stored_weights import StoredWeights, StoredWeightsArgs
from slipway.delivery.upload import upload
from slipway.deploy.ports import Programs
from slipway.environments.planning.kinds import planning
from slipway.plan.image import ImagePlan
from slipway.plan.model import ModelPlan, Plan
from slipway.plan.release import Release
from slipway.plan.rollout import RolloutPlan, Stage
from slipway.planner.own_images import judge_image
from slipway.render.fetching import captures, fetches
from slipway.render.model import render_model
from slipway.render.rollout.candidate import candidate_objects, pinned, shared_objects
from slipway.render.rollout.judge import JudgePods, judge_objects
from slipway.render.rollout.route import judged_route
from slipway.render.teams import platform_class
from slipway.settings.base import AnySettings
from slipway.signing.seal import Seal
from slipway.values import names
from slipway.values.aliases import Tell
from slipway.values.names import short

ModelParts = tuple[tuple[pulumi.Resource, ...], pulumi.Output[str] | None]
"""What pods start with, and what is known once images can be pushed."""
PartsOf = Callable[[str, str, pulumi.Output[Connection], bool, bool], ModelParts]
"""Makes what a model has of its own in a cloud; gets environment, model, the way to the cluster, and whether pods of
the model fetch their weights, and whether they store samples."""


def no_parts(*_: object) -> ModelParts:
    """Make nothing, where there is no cloud."""
    return (), None


def programs(
    environment: str, settings: AnySettings, parts_of: PartsOf = no_parts, seal: Seal | None = None
) -> Programs:
    """Return the programs of the models of one environment; `seal`: signs and verifies their images, if any does."""
    return Programs(
        partial(program, parts_of, seal),
        partial(release_program, parts_of),
        partial(rollout_program, parts_of, seal, partial(judge_pods, environment, settings)),
    )


def program(
    parts_of: PartsOf, seal: Seal | None, model: ModelPlan, progress: Callable[[str], None]
) -> Callable[[], None]:
    """Return the program that brings a model to its plan; `progress` is told how its image comes along."""

    def run() -> None:
        link = connection(model.environment)
        uses = (model.delivery.stored is not None, model.samples is not None)
        needs, repository = parts_of(model.environment, model.name, link, *uses)
        image = _image(model, link, seal, repository, progress)
        # The image's digest is known when it was pushed; the reference by tag only holds its place.
        manifests = render_model(model, model.image.reference)
        Model(model.name, ModelArgs(link, manifests, image, needs))
        _export(model.environment, model.name, model.release, image)

    return run


def release_program(parts_of: PartsOf, environment: str, release: Release) -> Callable[[], None]:
    """Return the program that brings a model back to a release as it was deployed; nothing is built or rendered."""

    def run() -> None:
        link = connection(environment)
        needs, _ = parts_of(environment, release.model, link, fetches(release.manifests), captures(release.manifests))
        Model(release.model, ModelArgs(link, release.manifests, release.image, needs))
        _export(environment, release.model, short(release.digest), release.image)

    return run


def rollout_program(
    parts_of: PartsOf,
    seal: Seal | None,
    judge_of: Callable[[], tuple[ImagePlan, JudgePods]],
    old: Release,
    new: ModelPlan,
    rollout: RolloutPlan,
    replicas: int,
    stage: Stage,
    progress: Tell,
) -> Callable[[], None]:
    """Return the program of a stage of a rollout: the model with a candidate and a judge beside it.

    The program that brings the model to a plan, or back to a release, removes both. Before it does, no call may be
    under way to the candidate: see `slipway.plan.rollout`.

    Args:
        parts_of: makes what a model has of its own in a cloud.
        seal: signs and verifies the new release's image; None where nothing is signed.
        judge_of: plans the judge's image, and how its pods run.
        old: the release that serves, with the way in to it.
        new: the plan of the release that is judged.
        rollout: what is judged.
        replicas: of the candidate, and the least of the model.
        stage: what becomes of the model, and of its route.
        progress: is told how images come along.
    """

    def run() -> None:
        link = connection(new.environment)
        either = new.delivery.stored is not None or fetches(old.manifests)
        samples = new.samples is not None or captures(old.manifests)
        needs, repository = parts_of(new.environment, new.name, link, either, samples)
        image = _image(new, link, seal, repository, progress)
        planned, pods = judge_of()
        judge = ModelImage(names.judge(new.name), judge_image_args(planned, progress)).reference
        manifests = render_model(new, new.image.reference)
        candidate = candidate_objects(manifests, replicas)
        if stage == "conclude":
            stable, stable_image, release = judged_route(manifests, rollout, 1.0, judge=False), image, new.release
        else:
            # The configuration of a release whose pods are a candidate's only.
            candidate = [*shared_objects(manifests), *candidate]
            stable, stable_image, release = [*old.manifests], pulumi.Output.from_input(old.image), short(old.digest)
        if stage == "begin":
            stable = judged_route(stable, rollout, 0.0, judge=True)
        beside = Beside(candidate, image, judge_objects(rollout, pods), judge)
        Model(new.name, ModelArgs(link, pinned(stable, replicas), stable_image, needs, beside))
        _export(new.environment, new.name, release, stable_image)

    return run


def judge_pods(environment: str, settings: AnySettings) -> tuple[ImagePlan, JudgePods]:
    """Plan the judge of an environment's rollouts: its image, and how its pods run, beside those of the gateway.

    Raises:
        ValueError: the environment has no gateway, so that nothing can be judged in it.
    """
    gateway = planning(settings).gateway
    if gateway is None:
        raise ValueError(f"nothing is judged in environment {environment}, which has no gateway")
    image = judge_image(environment, settings)
    return image, JudgePods(
        image=image.reference,
        pull_secret=planning(settings).pull_secret,
        priority_class=platform_class(Plan(environment, settings, ())),
        node_selector=gateway.node_selector,
        tolerations=gateway.tolerations,
    )


def _image(
    model: ModelPlan,
    link: pulumi.Output[Connection],
    seal: Seal | None,
    repository: pulumi.Output[str] | None,
    progress: Tell,
) -> pulumi.Output[str]:
    """Make the image of a model; it is known once the weights, and keys of samples, are where its pods need them."""
    args = sealed(image_args(model, progress), model, seal, progress)
    image = ModelImage(model.name, replace(args, needs=repository)).reference
    if model.samples is not None:
        ensure = EnsuredSecretsArgs(link, ensure_capture_keys(model.environment), pulumi.Output.from_input(""))
        made = EnsuredSecrets(f"{model.name}-capture-keys", ensure).ready
        image = pulumi.Output.all(image, made).apply(lambda of: str(of[0]))
    stored = model.delivery.stored
    if stored is None:
        return image
    weights = StoredWeightsArgs(partial(upload, stored, partial(bring_weights, model)), progress)
    uploaded = StoredWeights(model.name, weights).uploaded
    return pulumi.Output.all(image, uploaded).apply(lambda of: of[0])


def _export(environment: str, model: str, release: str, image: pulumi.Input[str]) -> None:
    """Tell what is deployed, and, to those who run `pulumi up` by hand, how to see whether it serves.

    The engine ends when the objects are applied: it waits for no pod.
    """
    pulumi.export("release", release)
    pulumi.export("image", image)
    pulumi.export("verify", f"slipway verify {environment} {model}")
