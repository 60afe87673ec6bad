"""Plan models whose image brings its own server: the image, where it is asked, and what a person should know of it."""

from collections.abc import Iterator, Mapping

from slipway.artifacts.golden_request import Asked
from slipway.artifacts.onnx import Artifact
from slipway.dockerfile.context import ContextFile
from slipway.environments.planning.kinds import planning
from slipway.loading.custom import WEIGHTS_CONTEXT, OwnImage
from slipway.plan.image import ImageFile, ImagePlan, OwnImagePlan
from slipway.plan.release import digest_of
from slipway.render.image import render_own_dockerfile
from slipway.runtimes.custom import WEIGHTS_FOLDER
from slipway.settings.base import AnySettings
from slipway.spec.custom.image import Custom
from slipway.spec.model import ModelSpec
from slipway.values import names


def own_image(environment: str, settings: AnySettings, spec: ModelSpec, artifact: Artifact, own: OwnImage) -> ImagePlan:
    """Plan the image of a model that brings its own server: copied as it is, or with something added, or built.

    Raises:
        LookupError: the spec has no `custom`.
    """
    custom = _custom(spec)
    files = tuple(
        ImageFile(f"{WEIGHTS_CONTEXT}/{file.name}", f"{WEIGHTS_FOLDER}/{file.name}", file.path, {"": file.sha256})
        for file in artifact.files
    )
    context: Mapping[str, ContextFile] = own.context.files if own.context is not None else {}
    dockerfile = None
    if own.context is not None or files or custom.command is not None:
        written = own.context.dockerfile if own.context is not None else f"FROM {custom.image}\n"
        dockerfile = render_own_dockerfile(
            written, custom.command, (WEIGHTS_CONTEXT, WEIGHTS_FOLDER) if files else None
        )
    build = custom.build
    below = OwnImagePlan(
        source=custom.image,
        dockerfile=dockerfile,
        context=context,
        args=build.args if build is not None else {},
        network=build.network if build is not None else False,
        architecture=spec.resources.architecture,
    )
    digest = digest_of([below.made_of, [[file.image_path, file.digests] for file in files]])
    repository = planning(settings).image_repository(environment, spec.name)
    return ImagePlan(repository, names.short(digest), below, files, digest)


def asked(spec: ModelSpec) -> Asked | None:
    """Where a model's own server takes the golden request; None for Slipway's server."""
    return None if spec.custom is None else Asked(spec.custom.port, spec.custom.predict)


def own_warnings(spec: ModelSpec, *, fenced: bool) -> Iterator[str]:
    """What a person should know of an image that brings its own server, and of what it may connect to."""
    if spec.custom is None:
        return
    if fenced:
        who = "the gateway" if spec.endpoint.public else "pods of its own namespace"
        yield (
            f"custom: its server checks no pass; a NetworkPolicy lets only {who} connect, which counts only where the "
            "cluster's network plugin enforces it"
        )
    if spec.custom.build is not None and spec.custom.build.network:
        yield "custom.build.network: what a build fetches is no part of the release; the same files may build another"
    for one in spec.egress:
        if one.network is None:
            yield (
                f"egress: rules of networks know no names: pods may connect to any address at port {one.port}, for "
                f"{one.host}"
            )


def _custom(spec: ModelSpec) -> Custom:
    if spec.custom is None:
        raise LookupError(f"{spec.name} has no image with its own server")
    return spec.custom
