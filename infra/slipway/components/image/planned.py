"""Make a planned image: first, once for all that share it, the image with its wheels; on it weights and code.

In two images, because the wheels' 200 MB would else be sent to the Docker Engine for each model.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from slipway.components.image.build import BuildOptions, ImageBuilder, installed_wheels
from slipway.components.image.build_context import folder_context, planned_context
from slipway.components.image.component import ModelImageArgs
from slipway.errors.images import ImageMissing
from slipway.optimize.bring import bring
from slipway.plan.image import ImagePlan, OwnImagePlan
from slipway.planner.environment import ModelPlan
from slipway.registry.copying import copy_image, digest_there
from slipway.render.image import (
    dockerfile_of,
    render_fleet_dockerfile,
    render_judge_dockerfile,
    render_keys_dockerfile,
    render_own_wheels_dockerfile,
    render_runtime_dockerfile,
)
from slipway.sources.store import Store
from slipway.values.aliases import Tell


@dataclass(frozen=True, slots=True)
class _Dockerfiles:
    """`wheels`: from the base image by its digest; `image`: from the image with the wheels by its digest."""

    wheels: Callable[[str], str]
    image: Callable[[str], str]


def image_args(model: ModelPlan, progress: Tell) -> ModelImageArgs:
    """Return how to look up and how to make a model's image. Docker is not asked before one of the two is called.

    `progress` is told what goes on, besides the engine.
    """
    if model.image.copied_from is not None:
        return _copied_args(model.image, model.image.copied_from, progress)
    if model.image.own is not None:
        return own_image_args(model, model.image.own, progress)
    runtime, architecture = model.spec.runtime, model.image.runtime.architecture
    dockerfiles = _Dockerfiles(
        lambda base: render_runtime_dockerfile(runtime, base, architecture),
        lambda wheels: dockerfile_of(runtime, model.image, wheels),
    )
    if model.delivery.stored is not None:
        return _args(model.image, dockerfiles, progress)
    return _args(model.image, dockerfiles, progress, lambda report: bring_weights(model, report))


def own_image_args(model: ModelPlan, own: OwnImagePlan, progress: Tell) -> ModelImageArgs:
    """Return the same for an image that brings its own server: copied as it is, or built."""
    image, dockerfile = model.image, own.dockerfile
    if dockerfile is None:
        if own.source is None:
            raise LookupError(f"the image of {model.name} is neither copied nor built")
        return _copied_args(image, _untagged(own.source), progress)

    def ensure(engine: Tell) -> str:
        def report(text: str) -> None:
            engine(text)
            progress(f"image: {text}")

        def context() -> IO[bytes]:
            return planned_context(image.files, lambda: dockerfile, context_files=own.context)

        how = BuildOptions(own.args, own.network)
        return ImageBuilder().ensure(image.reference, context, report, f"linux/{own.architecture}", how)

    return ModelImageArgs(image.repository, image.tag, lambda: ImageBuilder().pushed(image.reference), ensure)


def _untagged(image: str) -> str:
    """An image by its digest alone; its tag, which may stand before that, is for people."""
    name, _, digest = image.partition("@")
    folder, _, last = name.rpartition("/")
    return f"{folder}/{last.partition(':')[0]}@{digest}"


def bring_weights(model: ModelPlan, report: Tell) -> None:
    """Have the files of locked weights here, before they travel; it may be the first time on this machine."""
    if model.locked is not None:
        bring(model.locked, model.spec, Store(offline=model.locked.offline), report)


def keys_image_args(image: ImagePlan) -> ModelImageArgs:
    """Return the same for the image of the keys service; the engine alone is told what goes on."""
    return _args(image, _own_dockerfiles(image, render_keys_dockerfile), lambda _: None)


def fleet_image_args(image: ImagePlan) -> ModelImageArgs:
    """Return the same for the image of a fleet's control side; the engine alone is told what goes on."""
    return _args(image, _own_dockerfiles(image, render_fleet_dockerfile), lambda _: None)


def judge_image_args(image: ImagePlan, progress: Tell) -> ModelImageArgs:
    """Return the same for the image of the judge, which the stack of the first judged model makes."""
    return _args(image, _own_dockerfiles(image, render_judge_dockerfile), progress)


def _own_dockerfiles(image: ImagePlan, dockerfile: Callable[[str], str]) -> _Dockerfiles:
    return _Dockerfiles(lambda base: render_own_wheels_dockerfile(base, image.runtime.architecture), dockerfile)


def pinned(image: str) -> str:
    """Return an image that others made by its digest, as its registry has it now; raises as `ImageBuilder`."""
    return image if "@" in image else ImageBuilder().pinned(image)


def _args(
    image: ImagePlan, dockerfiles: _Dockerfiles, progress: Tell, bring_files: Callable[[Tell], None] = lambda _: None
) -> ModelImageArgs:
    """How an image is looked up and made; `bring_files` is called before its files are read, and only then."""

    def digest() -> str | None:
        return ImageBuilder().pushed(image.reference)

    def ensure(engine: Tell) -> str:
        def report(text: str) -> None:
            engine(text)
            progress(f"image: {text}")

        builder = ImageBuilder()

        def context() -> IO[bytes]:
            bring_files(report)
            return _context(builder, image, dockerfiles, report)

        return builder.ensure(image.reference, context, report, _platform(image))

    return ModelImageArgs(image.repository, image.tag, digest, ensure)


def _copied_args(image: ImagePlan, source: str, progress: Tell) -> ModelImageArgs:
    """Return how to look up and how to copy an image that another environment has; no Docker Engine is asked."""

    def ensure(engine: Tell) -> str:
        def report(text: str) -> None:
            engine(text)
            progress(f"image: {text}")

        return copy_image(source, image.reference, report)

    return ModelImageArgs(image.repository, image.tag, lambda: digest_there(image.reference), ensure)


def copied_image_args(image: str, target: str) -> ModelImageArgs:
    """Return how to look up and how to copy an image of others, by its tag; what is there once is not asked for again.

    Both are `repository:tag`; `image` may have its digest behind it, and is then that one. `ensure` raises as
    `copy_image`, and `ImageMissing`.
    """
    repository, _, tag = target.rpartition(":")

    def ensure(engine: Tell) -> str:
        there = digest_there(target)
        if there is not None:
            return there
        named, _, pinned = image.partition("@")
        source, _, wanted = named.rpartition(":")
        digest = pinned or digest_there(named)
        if digest is None:
            raise ImageMissing(source, f"has no image {wanted}")
        return copy_image(f"{source}@{digest}", target, engine)

    return ModelImageArgs(repository, tag, lambda: digest_there(target), ensure)


def _context(builder: ImageBuilder, image: ImagePlan, dockerfiles: _Dockerfiles, report: Tell) -> IO[bytes]:
    """Return the build context of an image, on an image with its wheels that is there by then."""
    runtime = image.runtime

    def dockerfile() -> str:
        digest = builder.ensure(
            runtime.reference,
            lambda: _wheels_context(builder, image, dockerfiles, report),
            lambda text: report(f"runtime image: {text}"),
            _platform(image),
        )
        return dockerfiles.image(f"{runtime.repository}@{digest}")

    wheels = [
        (own.context_path, installed_wheels(own.requirements, own.digest, runtime.architecture, report))
        for own in image.own_wheels
    ]
    return planned_context(image.files, dockerfile, wheels)


def _wheels_context(builder: ImageBuilder, image: ImagePlan, dockerfiles: _Dockerfiles, report: Tell) -> IO[bytes]:
    """Return the build context of the image below: the locked wheels, installed, on the base by its digest."""
    runtime = image.runtime
    base = builder.base(runtime.base_image, _platform(image))
    wheels = installed_wheels(
        runtime.requirements, runtime.requirements_digest, runtime.architecture, report, runtime.platform
    )
    return folder_context(dockerfiles.wheels(base), "deps", wheels)


def _platform(image: ImagePlan) -> str:
    """Return the platform to build for: that of the nodes, whatever the Engine's own is."""
    return f"linux/{image.runtime.architecture}"
